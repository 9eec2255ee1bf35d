// The faults of a configuration: all at once, each with its place.

package caddyauthkit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/gate"
)

// Faults are all faults of a configuration, one text each. It is an error. A text begins with the place in the JSON configuration, such as
// rules[2].roles, and has no secret.
type Faults []string

func (f Faults) Error() string { return "authkit: " + strings.Join(f, "\nauthkit: ") }

func (f *Faults) add(place, format string, args ...any) {
	*f = append(*f, place+": "+fmt.Sprintf(format, args...))
}

// err returns the faults in the order in which they were found, each once, or nil.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	var all Faults
	for _, fault := range f {
		if !slices.Contains(all, fault) {
			all = append(all, fault)
		}
	}
	return all
}

// addGate adds the faults of a gate, or the error itself.
func (f *Faults) addGate(err error) {
	var faults gate.Faults
	if !errors.As(err, &faults) {
		f.add("rules", "%v", err)
		return
	}
	for _, fault := range faults {
		place := fault.Place
		if strings.HasPrefix(place, "headers.") {
			place = "identity." + place
		}
		if place == "trusted_origins" {
			place = "session." + place
		}
		f.add(place, "%s", fault.Problem)
	}
}

// placeOf has the place in the configuration of an option of authkit, so that a fault names what the reader has written.
var placeOf = map[string]string{
	"WithAPIKey": "workos.api_key", "WithClientID": "workos.client_id", "WithCookiePassword": "workos.cookie_passwords",
	"WithRedirectURL": "workos.redirect_urls", "WithPostLogoutRedirectURL": "workos.post_logout_redirect_url", "WithBaseURL": "workos.base_url",
	"WithCookieName": "session.cookie_name", "WithCookieDomain": "session.cookie_domain", "WithIdleTimeout": "session.idle_timeout",
	"WithAbsoluteTimeout": "session.absolute_timeout", "WithRevocationDeadline": "session.revocation_deadline", "WithTrustedOrigins": "session.trusted_origins",
	"WithLoginPath": "paths.login", "WithLogoutPath": "paths.logout", "WithLoginParams": "sign_in",
}

// addOptions adds the faults that authkit.New has joined.
func (f *Faults) addOptions(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			f.addOptions(one)
		}
		return
	}
	var fault *authkit.ConfigError
	if !errors.As(err, &fault) {
		f.add("workos", "%v", err)
		return
	}
	place := placeOf[fault.Option]
	if place == "" {
		place = fault.Option
	}
	if len(fault.Variables) > 0 {
		place += " (or " + strings.Join(fault.Variables, ", ") + ")"
	}
	f.add(place, "%s", fault.Problem)
}
