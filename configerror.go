// The faults of a configuration, as errors for people and for programs.

package authkit

import (
	"fmt"
	"slices"
	"strings"
)

// ConfigError is one fault of a configuration. [New] and [FromEnv] return all
// faults at once, joined with errors.Join.
type ConfigError struct {
	// Option is the name of the option, such as WithClientID.
	Option string
	// Variables are the names of the environment variables that set the same value.
	// [FromEnv] reads them. It is nil for an option without a variable.
	Variables []string
	// Reason is the kind of fault, for programs.
	Reason ConfigReason
	// Problem says what is wrong and what is accepted. It never contains a secret.
	Problem string
}

// ConfigReason is the kind of a [ConfigError].
type ConfigReason string

const (
	// ReasonMissing means that a required value is not set, or is empty or nil.
	ReasonMissing ConfigReason = "missing"
	// ReasonMalformed means that a value does not have the required form: it is not
	// a URL, a path, a cookie name or an ID with the right prefix.
	ReasonMalformed ConfigReason = "malformed"
	// ReasonOutOfRange means that a number, a duration or a length is not within the
	// allowed limits, or that a constant is not an allowed one.
	ReasonOutOfRange ConfigReason = "out_of_range"
	// ReasonConflict means that a value contradicts another option, or is a name that
	// is used for something else.
	ReasonConflict ConfigReason = "conflict"
	// ReasonInsecure means that a value would expose secrets: a URL with plain http
	// or with a password.
	ReasonInsecure ConfigReason = "insecure"
)

// newConfigError returns a fault of the option. It looks up the variables.
func newConfigError(option string, reason ConfigReason, problem string) *ConfigError {
	return &ConfigError{Option: option, Variables: slices.Clone(variables[option]), Reason: reason, Problem: problem}
}

// Error returns the option, its variables and the problem in one line.
func (e *ConfigError) Error() string {
	name := e.Option
	if len(e.Variables) > 0 {
		name += " (" + strings.Join(e.Variables, ", ") + ")"
	}
	return "authkit: " + name + ": " + e.Problem
}

// fault is why a value is not accepted. The zero fault means that the value is
// accepted.
type fault struct {
	reason  ConfigReason
	problem string
}

func faultOf(reason ConfigReason, format string, args ...any) fault {
	return fault{reason, fmt.Sprintf(format, args...)}
}

// variables holds the environment variables of each option.
var variables = map[string][]string{
	"WithAPIKey":         {"WORKOS_API_KEY"},
	"WithClientID":       {"WORKOS_CLIENT_ID"},
	"WithCookiePassword": {"WORKOS_COOKIE_PASSWORD"},
	"WithRedirectURL":    {"WORKOS_REDIRECT_URI"},
	"WithCookieName":     {"WORKOS_COOKIE_NAME"},
	"WithCookieDomain":   {"WORKOS_COOKIE_DOMAIN"},
	"WithCookieMaxAge":   {"WORKOS_COOKIE_MAX_AGE"},
	"WithCookieSameSite": {"WORKOS_COOKIE_SAMESITE"},
	"WithBaseURL":        {"WORKOS_API_HOSTNAME", "WORKOS_API_PORT", "WORKOS_API_HTTPS"},
}
