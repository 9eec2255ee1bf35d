// Options for tests that call authkit.New.

package behaviour

import "github.com/authkit-go/authkit"

// ValidOptions returns a configuration that New accepts, followed by opts.
func ValidOptions(opts ...authkit.Option) []authkit.Option {
	return append([]authkit.Option{
		authkit.WithAPIKey("sk_test_1"),
		authkit.WithClientID("client_1"),
		authkit.WithCookiePassword(Password),
		authkit.WithRedirectURL("https://app.example.com/callback"),
	}, opts...)
}
