// The environment: the variables, and files with more of them.

package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// environment is what the checks need of the variables, without white space around the values.
type environment struct {
	apiKey, clientID, cookiePassword, redirectURI, webhookSecret string
	base                                                         string // of WorkOS's API
}

func readEnvironment() environment {
	get := func(name string) string { return strings.TrimSpace(os.Getenv(name)) }
	base := url.URL{Scheme: "https", Host: "api.workos.com"}
	if host := get("WORKOS_API_HOSTNAME"); host != "" {
		base.Host = host
	}
	if port := get("WORKOS_API_PORT"); port != "" {
		base.Host = net.JoinHostPort(strings.Trim(base.Host, "[]"), port)
	}
	if https := get("WORKOS_API_HTTPS"); strings.EqualFold(https, "false") || https == "0" || strings.EqualFold(https, "f") {
		base.Scheme = "http"
	}
	return environment{
		apiKey: get("WORKOS_API_KEY"), clientID: get("WORKOS_CLIENT_ID"), cookiePassword: get("WORKOS_COOKIE_PASSWORD"),
		redirectURI: get("WORKOS_REDIRECT_URI"), webhookSecret: os.Getenv("WORKOS_WEBHOOK_SECRET"), base: base.String(),
	}
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// LoadEnvFile sets the variables of a .env file that begin with WORKOS_ or AUTHKIT_ and that the environment does not have yet. The
// error has every wrong line, without its value.
func LoadEnvFile(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("--env-file: %w", err)
	}
	variables, err := parseEnv(content)
	if err != nil {
		return fmt.Errorf("--env-file: %s: %w", path, err)
	}
	for name, value := range variables {
		_, isSet := os.LookupEnv(name)
		if isSet || !strings.HasPrefix(name, "WORKOS_") && !strings.HasPrefix(name, "AUTHKIT_") {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("--env-file: %s: %s cannot be set", path, name)
		}
	}
	return nil
}

// parseEnv reads lines NAME=value: with "export" before them, values in quotes that can have several lines, comments and empty lines.
func parseEnv(content []byte) (map[string]string, error) {
	variables := map[string]string{}
	var errs []error
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	lines := strings.Split(string(content), "\n")
	for i := 0; i < len(lines); i++ {
		number, line := i+1, strings.TrimSpace(lines[i])
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "export ")), "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok || !envName.MatchString(name) {
			errs = append(errs, fmt.Errorf("line %d is not NAME=value", number))
			continue
		}
		plain, ok := unquote(value)
		for end := i + 1; !ok && end < len(lines); end++ { // the value may have several lines
			value += "\n" + strings.TrimSuffix(lines[end], "\r")
			if whole, closed := unquote(value); closed {
				plain, ok, i = whole, true, end
			}
		}
		if !ok {
			errs = append(errs, fmt.Errorf("line %d: the value of %s has an opening quote and no closing one", number, name))
		}
		variables[name] = plain
	}
	return variables, errors.Join(errs...)
}

// unquote removes the quotes around a value, or a comment behind a value without quotes.
func unquote(value string) (string, bool) {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		value, _, _ = strings.Cut(value, " #")
		return strings.TrimSpace(value), true
	}
	inside, behind, closed := strings.Cut(value[1:], value[:1])
	behind = strings.TrimSpace(behind)
	return inside, closed && (behind == "" || strings.HasPrefix(behind, "#"))
}
