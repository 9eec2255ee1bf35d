// The calls against WorkOS's official emulator (https://github.com/workos/emulate). The emulator is not in this repository. To
// run this test, start version 0.7 of the emulator without a seed file and name its base URL and its API key:
//
//	workos-emulate --port 4100 --json
//	AUTHKIT_EMULATOR=http://localhost:4100 AUTHKIT_EMULATOR_KEY=sk_test_default go test ./workos -run Emulator -v
//
// The emulator has one environment, so start a new one for each run. The calls are in emulator_calls_test.go and
// emulator_signin_test.go. The emulator in the npm package "workos" 0.14 is older, and this test fails against it.

package workos_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// emulatorDeviations are the calls that the emulator has a route for and answers otherwise than production: a part of the error, and
// the reason.
var emulatorDeviations = map[string]struct{ err, reason string }{
	"GetOpenIDConfiguration":                 {"status 401", "it has no such route, and refuses a call without an API key before it looks for one"},
	"AuthorizeDevice":                        {"status 401", "it refuses a call without an API key; the description has no security for it"},
	"AddRolePermission":                      {"permissions must be an array", "it wants a list of permissions; the description has one slug"},
	"AddOrganizationRolePermission":          {"permissions must be an array", "it wants a list of permissions; the description has one slug"},
	"AssignRole":                             {"role_id is required", "it wants a role_id; the description has role_slug and a resource"},
	"CheckAuthorization":                     {"permission is required", "it wants a permission; the description has permission_slug"},
	"CreateAuditLogEvent":                    {"action.name is required", "it wants the action as an object; the description has an event with the name of the action"},
	"RemoveOrganizationRolePermission":       {"status 204", "it returns 204 without the role; the description has 200 and the role"},
	"VerifyAuthChallenge and a wrong code":   {"invalid_one_time_code", "it returns 400; production returns valid: false"},
	"SendEmailVerification":                  {"user: missing id", "it returns the verification; the description has {user}"},
	"ConfirmEmailVerification":               {"user: missing id", "it returns the user; the description has {user}"},
	"GetAuditLogConfiguration":               {"missing state", "it has enabled and retention_days; the description has state and retention_period_in_days"},
	"GetConnectedAccountToken":               {"code is required", "it wants a code; the description has the user"},
	"EnrollAuthFactor":                       {"authentication_factor: missing id", "it returns the factor; the description has the factor and a challenge"},
	"AuthenticateWithPassword with a factor": {"want 1, got 0", "its mfa_challenge has a challenge; production lists the factors"},
}

// emulator makes calls and notes what the emulator answers.
type emulator struct {
	*workos.Client
	t       *testing.T
	results map[string]string // the result of each call, by the name of its method and its case
}

func (e *emulator) ctx() context.Context { return e.t.Context() }

// try makes one call, or notes why it did not succeed. The name is that of a method, with a case if there are several.
func (e *emulator) try(name string, call func() error) {
	e.t.Helper()
	err := call()
	deviation, deviates := emulatorDeviations[name]
	switch {
	case err == nil && deviates:
		assert.Fail(e.t, "the emulator does not deviate any more", name)
	case err == nil:
		e.results[name] = "accepted"
	case hasNoRoute(err):
		e.results[name] = "no such route"
	case deviates && strings.Contains(err.Error(), deviation.err):
		e.results[name] = "deviates: " + deviation.reason
	default:
		e.results[name] = "UNEXPLAINED"
		assert.NoError(e.t, err, name)
	}
}

// hasNoRoute reports whether the emulator has no route for a call, or does not know the grant. A handler that does not find an
// object names the object in the message.
func hasNoRoute(err error) bool {
	var answer *workos.Error
	return errors.As(err, &answer) && (answer.StatusCode == http.StatusNotFound && answer.Message == "Not Found" ||
		strings.HasPrefix(answer.Message, "The grant type is not supported"))
}

// tryList reads a list to its end, and checks that it is not empty.
func tryList[T any](e *emulator, name string, list func() (any, error)) (first T) {
	e.t.Helper()
	e.try(name, func() error {
		all, err := list()
		if err != nil {
			return err
		}
		items, _ := all.([]T)
		if len(items) == 0 {
			return errors.New("the list is empty")
		}
		first = items[0]
		return nil
	})
	return first
}

// store sets target to the result of a call that has succeeded.
func store[T any](target *T, value T, err error) error {
	if err == nil {
		*target = value
	}
	return err
}

// want returns an error if a result of a call differs from what the emulator should have stored.
func want[T comparable](err error, want, got T) error {
	if err == nil && got != want {
		return fmt.Errorf("want %v, got %v", want, got)
	}
	return err
}

// deref returns the result of a call, or the zero value after an error.
func deref[T any](result *T) (value T) {
	if result != nil {
		value = *result
	}
	return value
}

// code signs a user in at the emulator, which asks for nothing, and returns the code of the callback.
func (e *emulator) code(p workos.AuthorizationParams) string {
	e.t.Helper()
	address, err := e.AuthorizationURL(p)
	require.NoError(e.t, err)
	return e.redirect(address).Get("code")
}

// redirect requests an address and returns the query of the address that it redirects to.
func (e *emulator) redirect(address string) url.Values {
	e.t.Helper()
	browser := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := browser.Get(address)
	require.NoError(e.t, err)
	response.Body.Close()
	location, err := response.Location()
	require.NoError(e.t, err)
	return location.Query()
}

// tryWithoutRoute makes the calls that no step has made, with the arguments of the wire tests. The emulator must have no route.
func (e *emulator) tryWithoutRoute() {
	client := reflect.TypeFor[*workos.Client]()
	for i := range client.NumMethod() {
		method := client.Method(i)
		tried := slices.ContainsFunc(slices.Collect(maps.Keys(e.results)), func(name string) bool { return methodOf(name) == method.Name })
		if tried || method.Name == "Call" || method.Type.NumIn() < 2 || method.Type.In(1) != reflect.TypeFor[context.Context]() {
			continue
		}
		name := slices.MinFunc(slices.Collect(maps.Keys(calls)), func(a, b string) int { // the first case of the method
			return strings.Compare(rank(method.Name, a), rank(method.Name, b))
		})
		require.Equal(e.t, method.Name, methodOf(name))
		e.try(method.Name, func() error {
			_, err := calls[name].call(e.ctx(), e.Client)
			if err == nil {
				err = errors.New("the emulator has the route, so it needs a step of its own")
			}
			return err
		})
	}
}

func methodOf(name string) string {
	method, _, _ := strings.Cut(name, " ")
	return method
}

// rank orders the cases of a method before all others.
func rank(method, name string) string {
	if methodOf(name) == method {
		return "0" + name
	}
	return "1" + name
}

func TestTheOfficialEmulatorAcceptsEveryCall(t *testing.T) {
	base, key := os.Getenv("AUTHKIT_EMULATOR"), os.Getenv("AUTHKIT_EMULATOR_KEY")
	if base == "" || key == "" {
		t.Skip("AUTHKIT_EMULATOR and AUTHKIT_EMULATOR_KEY do not name the base URL and the API key of WorkOS's emulator")
	}
	e := &emulator{t: t, Client: newClient(t, workos.WithAPIKey(key), workos.WithBaseURL(base)), results: map[string]string{}}
	e.makeCalls()
	e.tryWithoutRoute()
	for _, name := range slices.Sorted(maps.Keys(e.results)) {
		t.Logf("%-45s %s", name, e.results[name])
	}
	for name := range emulatorDeviations {
		assert.Contains(t, e.results, name)
	}
}
