// The documentation of package caddyauthkit.

// Package caddyauthkit is a module for Caddy that puts WorkOS AuthKit in front of what Caddy serves: an application in any language
// behind reverse_proxy, PHP, or files. Build Caddy with it:
//
//	xcaddy build --with github.com/authkit-go/authkit/contrib/caddyauthkit
//
// The handler http.handlers.authkit has the directive authkit of the Caddyfile:
//
//	app.example.com {
//		authkit {
//			workos {
//				redirect_urls https://app.example.com/callback
//			}
//			rule /assets/* {
//				allow public
//			}
//			rule /admin/* {
//				roles admin owner
//			}
//		}
//		reverse_proxy localhost:3000
//	}
//
// It decides as the command "authkit proxy" does: rules by path that hold for every reading of a path, identity headers that a client
// cannot forge, no cookie of authkit for the application, and streams that end with their session. [Handler] has the configuration.
package caddyauthkit
