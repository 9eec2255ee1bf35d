// The library in a program that only uses algorithms of FIPS 140-3.

package authkit_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/seal"
)

// isFIPS140Only reports whether the crypto packages of this program refuse what FIPS 140-3 does not approve.
func isFIPS140Only() bool {
	_, err := seal.Compact("session", strings.Repeat("p", 32))
	return errors.Is(err, errors.ErrUnsupported)
}

// inFIPS140Only reports whether the test runs with GODEBUG=fips140=only. If not, it runs this test in a process that has it, together
// with the others of this file.
func inFIPS140Only(t *testing.T) bool {
	if isFIPS140Only() {
		return true
	}
	const setting = "fips140=only"
	require.NotContains(t, os.Getenv("GODEBUG"), setting, "this process has it, and would start itself without end")
	output, err := runWithFIPS140Only()
	require.NoError(t, err, "%s", output)
	require.Contains(t, output, "--- PASS: "+t.Name()+" ")
	return false
}

// runWithFIPS140Only runs the tests of this file in a process that has the setting, and returns what it prints.
var runWithFIPS140Only = sync.OnceValues(func() (string, error) {
	binary, err := os.Executable()
	if err != nil {
		return "", err
	}
	cmd := exec.Command(binary, "-test.run=^TestWithFIPS140Only", "-test.v")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	output, err := cmd.CombinedOutput()
	return string(output), err
})

func TestWithFIPS140OnlyAnApplicationWorks(t *testing.T) {
	if !inFIPS140Only(t) {
		return
	}
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit(authkit.WithStore(env.Store), authkit.WithBearerTokens())
		mux := http.NewServeMux()
		mux.Handle("GET /login", ak.Login())
		mux.Handle("GET /callback", ak.Callback())
		mux.Handle("POST /logout", ak.Logout())
		mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			s, _ := authkit.FromContext(r.Context())
			fmt.Fprint(w, s.User().Email)
		})))
		mux.Handle("GET /posts", ak.RequireAPIKey("posts:read")(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
		return ak.Middleware(mux)
	})
	other := app.Instance()
	browser := app.SignIn("ada@harborpress.test")
	for range 2 {
		for _, instance := range []*authkittest.App{app, other} { // the first refreshes, the other opens what it has put into the store
			page, err := browser.Get(instance.URL + "/account")
			require.NoError(t, err)
			assert.Equal(t, "ada@harborpress.test", page.Body)
		}
		app.Clock.Advance(10 * time.Minute)
	}
	assert.Equal(t, 1, app.Fake.Calls(authkittest.RouteRefresh))

	for path, credential := range map[string]string{
		"/account": app.BearerToken("ben@harborpress.test"),
		"/posts":   app.APIKey("posts:read"),
	} {
		response, err := app.APIClient(credential).Get(app.URL + path)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, http.StatusOK, response.StatusCode, path)
	}
}

func TestWithFIPS140OnlyTheOptionsForOtherFormatsAreRefused(t *testing.T) {
	if !inFIPS140Only(t) {
		return
	}
	for option, opt := range map[string]authkit.Option{
		"WithCompactCookie":   authkit.WithCompactCookie(),
		"WithSharedSession":   authkit.WithSharedSession(),
		"WithForeignSessions": authkit.WithForeignSessions(),
	} {
		_, err := authkit.New(behaviour.ValidOptions(opt)...)
		faults := configErrors(t, err)
		require.Len(t, faults, 1, option)
		assert.Equal(t, option, faults[0].Option)
		assert.Equal(t, authkit.ReasonConflict, faults[0].Reason)
		assert.ErrorContains(t, err, "GODEBUG=fips140=only")
	}
}
