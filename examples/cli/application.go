// The application that users sign in to: its WorkOS API, and the verifier of its access tokens.

package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// application is stored beside the tokens. They are sent only to the API that issued them, even if the environment has
// changed since.
type application struct {
	ClientID string `json:"client_id"`
	API      string `json:"api"`            // base URL
	Fake     bool   `json:"fake,omitempty"` // the fake AuthKit of a login, which ended with that command
}

// findApplication reads the application from the environment. Without WORKOS_CLIENT_ID it starts a fake AuthKit, which
// runs until the caller calls close.
func (t *tool) findApplication() (app application, close func(), err error) {
	if clientID := t.variable("WORKOS_CLIENT_ID"); clientID != "" {
		api, err := t.apiURL()
		return application{ClientID: clientID, API: api}, func() {}, err
	}
	fake, err := authkittest.Start(authkittest.WithAppName("The authkit command-line example"), authkittest.WithClock(t.clock))
	if err != nil {
		return application{}, nil, err
	}
	return application{ClientID: fake.ClientID(), API: fake.URL(), Fake: true}, fake.Close, nil
}

// apiURL returns the base URL of the API, as the environment configures it. workos.NewClient validates it.
func (t *tool) apiURL() (string, error) {
	base := url.URL{
		Scheme: "https",
		Host:   cmp.Or(t.variable("WORKOS_API_HOSTNAME"), strings.TrimPrefix(workos.DefaultBaseURL, "https://")),
	}
	secure, err := strconv.ParseBool(cmp.Or(t.variable("WORKOS_API_HTTPS"), "true"))
	if err != nil {
		return "", fmt.Errorf("WORKOS_API_HTTPS is %q; set it to true or false", t.variable("WORKOS_API_HTTPS"))
	}
	if !secure {
		base.Scheme = "http"
	}
	if port := t.variable("WORKOS_API_PORT"); port != "" {
		base.Host = net.JoinHostPort(strings.Trim(base.Host, "[]"), port)
	}
	return base.String(), nil
}

// client returns a client for the application. It is a public client: it has no API key.
func (a application) client(clock workos.Clock, transport http.RoundTripper) (*workos.Client, error) {
	return workos.NewClient(a.ClientID,
		workos.WithBaseURL(a.API),
		workos.WithClock(clock),
		workos.WithHTTPClient(&http.Client{Transport: transport}))
}

// newVerifier returns a verifier for the application's access tokens, and the signing keys that it uses.
func (a application) newVerifier(clock workos.Clock, keysURL string) (*jwks.KeySet, *jwks.Verifier) {
	keys := jwks.NewKeySet(keysURL,
		jwks.WithClock(clock),
		jwks.WithLogger(slog.New(slog.DiscardHandler))) // each failure is returned as an error, too
	var issuers []string
	for _, base := range []string{a.API, workos.DefaultBaseURL} {
		// The issuer differs between WorkOS environments. In an environment with several applications it may contain
		// another application's client ID. Add that issuer here.
		issuers = append(issuers, base, base+"/user_management/"+a.ClientID)
	}
	return keys, jwks.NewVerifier(keys,
		jwks.WithIssuers(issuers...),
		jwks.WithClientIDs(a.ClientID))
}
