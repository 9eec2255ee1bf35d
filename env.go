// The environment variables that FromEnv reads, as options.

package authkit

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/authkit-go/authkit/workos"
)

// environment returns the options of the variables that are set. WorkOS's other
// AuthKit libraries read the same variables. An empty variable counts as not set.
func environment() []Option {
	var opts []Option
	set := func(variable string, option func(string) Option) {
		if value := strings.TrimSpace(os.Getenv(variable)); value != "" {
			opts = append(opts, option(value))
		}
	}
	set("WORKOS_API_KEY", WithAPIKey)
	set("WORKOS_CLIENT_ID", WithClientID)
	set("WORKOS_COOKIE_PASSWORD", func(password string) Option { return WithCookiePassword(password) })
	set("WORKOS_REDIRECT_URI", func(url string) Option { return WithRedirectURL(url) })
	set("WORKOS_COOKIE_NAME", WithCookieName)
	set("WORKOS_COOKIE_DOMAIN", WithCookieDomain)
	set("WORKOS_COOKIE_MAX_AGE", maxAgeVariable)
	set("WORKOS_COOKIE_SAMESITE", sameSiteVariable)
	return append(opts, baseURLVariables(
		strings.TrimSpace(os.Getenv("WORKOS_API_HOSTNAME")),
		strings.TrimSpace(os.Getenv("WORKOS_API_PORT")),
		strings.TrimSpace(os.Getenv("WORKOS_API_HTTPS"))))
}

// unreadable returns an option that records a variable whose value cannot be parsed.
func unreadable(option string, reason ConfigReason, problem string) Option {
	return func(c *config) { c.unreadable[option] = newConfigError(option, reason, problem) }
}

// numberReason returns the kind of fault for an error of package strconv.
func numberReason(err error) ConfigReason {
	if errors.Is(err, strconv.ErrRange) {
		return ReasonOutOfRange
	}
	return ReasonMalformed
}

// maxAgeVariable returns the option of WORKOS_COOKIE_MAX_AGE.
func maxAgeVariable(value string) Option {
	seconds, err := strconv.ParseInt(value, 10, 32)
	if err != nil {
		return unreadable("WithCookieMaxAge", numberReason(err), fmt.Sprintf("%q is not a number of seconds", value))
	}
	return WithCookieMaxAge(time.Duration(seconds) * time.Second)
}

// sameSiteVariable returns the option of WORKOS_COOKIE_SAMESITE.
func sameSiteVariable(value string) Option {
	switch strings.ToLower(value) {
	case "lax":
		return WithCookieSameSite(http.SameSiteLaxMode)
	case "strict":
		return WithCookieSameSite(http.SameSiteStrictMode)
	case "none":
		return WithCookieSameSite(http.SameSiteNoneMode)
	}
	return unreadable("WithCookieSameSite", ReasonOutOfRange, fmt.Sprintf("%q is not one of lax, strict and none", value))
}

// baseURLVariables returns the option of the three WORKOS_API variables. A value that
// is not set has its default.
func baseURLVariables(host, port, https string) Option {
	if host == "" && port == "" && https == "" {
		return func(*config) {}
	}
	base := url.URL{Scheme: "https", Host: host}
	if host == "" {
		base.Host = strings.TrimPrefix(workos.DefaultBaseURL, "https://")
	}
	var problems []string
	reason := ReasonOutOfRange // only a port can be out of range
	if https != "" {
		secure, err := strconv.ParseBool(https)
		if err != nil {
			reason = ReasonMalformed
			problems = append(problems, fmt.Sprintf("WORKOS_API_HTTPS is %q; give true or false", https))
		}
		if !secure {
			base.Scheme = "http"
		}
	}
	if port != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			if err != nil && !errors.Is(err, strconv.ErrRange) {
				reason = ReasonMalformed
			}
			problems = append(problems, fmt.Sprintf("WORKOS_API_PORT is %q; give a port from 1 to 65535", port))
		}
		base.Host = net.JoinHostPort(strings.Trim(base.Host, "[]"), port)
	}
	if len(problems) > 0 {
		return unreadable("WithBaseURL", reason, strings.Join(problems, "; "))
	}
	return WithBaseURL(base.String())
}
