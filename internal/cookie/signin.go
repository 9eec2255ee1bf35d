// The cookies of a sign-in: its state, its restart and its steps.

package cookie

import (
	"net/http"
	"strings"
	"time"
)

const (
	// StepLifetime is how long a person may take from one step of a sign-in to
	// the next.
	StepLifetime = 10 * time.Minute
	// restartLifetime is how long a restart is remembered.
	restartLifetime = 2 * time.Minute
)

// StateName returns the name of a sign-in's state cookie. Each state has a name
// of its own, so that sign-ins in two tabs do not overwrite each other. The name
// holds a hash, which does not reveal the state.
func (c *Codec) StateName(state string) string { return c.statePrefix + nameHash(12, state) }

// IsStateName reports whether a name can be that of a state cookie of this
// application.
func (c *Codec) IsStateName(name string) bool { return strings.HasPrefix(name, c.statePrefix) }

// SetState sets a state cookie, whose name is that of [Codec.StateName].
func (c *Codec) SetState(h http.Header, name, value string, maxAge time.Duration) {
	setCookie(h, c.cookie(name, value, maxAge, c.signInSameSite()))
}

// RestartName returns the name of the cookie that [Codec.SetRestart] sets.
func (c *Codec) RestartName() string { return c.restartName }

// SetRestart sets a cookie which says that a callback without a state started a
// sign-in. It prevents an endless loop of such callbacks.
func (c *Codec) SetRestart(h http.Header) {
	setCookie(h, c.cookie(c.restartName, "1", restartLifetime, c.signInSameSite()))
}

// StepName returns the name of the cookie that [Codec.SetStep] sets.
func (c *Codec) StepName() string { return c.stepName }

// SetStep sets the cookie with the data that the next step of a sign-in needs.
func (c *Codec) SetStep(h http.Header, value string) {
	setCookie(h, c.cookie(c.stepName, value, StepLifetime, c.signInSameSite()))
}

// signInSameSite returns the SameSite attribute of all cookies except the
// session cookie. It is never Strict: AuthKit redirects the browser to the
// callback, and browsers withhold Strict cookies from a request that another
// site started.
func (c *Codec) signInSameSite() http.SameSite {
	if c.sameSite == http.SameSiteNoneMode {
		return http.SameSiteNoneMode
	}
	return http.SameSiteLaxMode
}
