// The application that people sign in to: where it is at WorkOS, and whose tokens are good for it.

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

// application is kept with the tokens: they go back to the API that issued them and to no other, whatever the
// environment says by then.
type application struct {
	ClientID string `json:"client_id"`
	API      string `json:"api"`            // its base URL
	Fake     bool   `json:"fake,omitempty"` // it was the fake of a login, and ended with that
}

// findApplication reads the environment, or starts a fake AuthKit where it is silent. The application is there until
// close is called.
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

// apiURL is where the environment says that the API is. workos.NewClient judges what comes out.
func (t *tool) apiURL() (string, error) {
	base := url.URL{
		Scheme: "https",
		Host:   cmp.Or(t.variable("WORKOS_API_HOSTNAME"), strings.TrimPrefix(workos.DefaultBaseURL, "https://")),
	}
	secure, err := strconv.ParseBool(cmp.Or(t.variable("WORKOS_API_HTTPS"), "true"))
	if err != nil {
		return "", fmt.Errorf("WORKOS_API_HTTPS is %q; true or false is needed", t.variable("WORKOS_API_HTTPS"))
	}
	if !secure {
		base.Scheme = "http"
	}
	if port := t.variable("WORKOS_API_PORT"); port != "" {
		base.Host = net.JoinHostPort(strings.Trim(base.Host, "[]"), port)
	}
	return base.String(), nil
}

// client is a public one: it has no API key.
func (a application) client(clock workos.Clock, transport http.RoundTripper) (*workos.Client, error) {
	return workos.NewClient(a.ClientID,
		workos.WithBaseURL(a.API),
		workos.WithClock(clock),
		workos.WithHTTPClient(&http.Client{Transport: transport}))
}

// issued makes what an access token of the application is verified with.
func (a application) issued(clock workos.Clock, keysURL string) (*jwks.KeySet, *jwks.Verifier) {
	keys := jwks.NewKeySet(keysURL,
		jwks.WithClock(clock),
		jwks.WithLogger(slog.New(slog.DiscardHandler))) // whatever goes wrong is an error too, and told as one
	var issuers []string
	for _, base := range []string{a.API, workos.DefaultBaseURL} {
		// Environments differ in their issuer. One with several applications may issue in the name of another's client ID,
		// which then belongs here.
		issuers = append(issuers, base, base+"/user_management/"+a.ClientID)
	}
	return keys, jwks.NewVerifier(keys,
		jwks.WithIssuers(issuers...),
		jwks.WithClientIDs(a.ClientID))
}
