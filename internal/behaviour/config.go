// A configuration that New accepts.

package behaviour

import "github.com/authkit-go/authkit"

// ValidOptions is a configuration that New accepts, and what is given on top of it.
func ValidOptions(opts ...authkit.Option) []authkit.Option {
	return append([]authkit.Option{
		authkit.WithAPIKey("sk_test_1"),
		authkit.WithClientID("client_1"),
		authkit.WithCookiePassword(Password),
		authkit.WithRedirectURL("https://app.example.com/callback"),
	}, opts...)
}
