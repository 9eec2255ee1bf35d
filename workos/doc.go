// Package workos is a typed client of the WorkOS REST API: the part of it that AuthKit sign-in uses.
//
// The package is of use by itself and knows nothing of cookies, sessions or handlers. A [Client] is built once, is
// safe for concurrent use and stands for one WorkOS application:
//
//	client, err := workos.NewClient("client_01A", workos.WithAPIKey("sk_live_…"))
//
// Without [WithAPIKey] it is a public client (a native application, a command-line tool), which sends no secret and
// proves by its code verifier that a code is its own.
//
//	area           call                           what it does
//	sign-in        AuthorizationURL               builds the address that a browser is sent to
//	               AuthenticateWithCode           exchanges the code that comes back for tokens
//	refresh        AuthenticateWithRefreshToken   exchanges a refresh token for new ones, or switches organization
//	sessions       LogoutURL                      builds the address that ends a session at WorkOS
//	signing keys   JWKSURL                        builds the address of the keys that sign access tokens
//
// Building an address makes no request. Every call that makes one honours its context and is bounded besides:
//
//	call                   an attempt   in all   is retried
//	read (GET)             10 s         30 s     yes
//	refresh token grant     5 s         10 s     yes
//	everything else        10 s         10 s     never: a second use of a code is an error
//
// Retries follow network errors and the statuses 408, 429 and 5xx. The nth of them waits 2ⁿ⁻¹ s, or as long as the
// server asks by Retry-After if that is longer, plus a jitter of up to a quarter of 2ⁿ⁻¹ s. A retry for which the time
// in all does not suffice is not made: the last error comes back at once.
//
// No redirect is followed, so that credentials reach only the configured host.
//
// # Errors
//
// A refusal by the API is an [*Error]; tell refusals apart by its Code and never by its status, which varies for one
// and the same code. A request that got no reply, or none that can be used, is a [*TransportError]. [IsTransient]
// tells whether a failure says nothing about the credentials that were sent, and [RetryAfter] for how long the server
// asked to be left alone.
//
// No error text, and no value of this package that is printed, logged or encoded as JSON, shows a token, a code, a
// verifier or a key.
package workos
