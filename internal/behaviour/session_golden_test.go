// Session cookies that earlier versions have written. They must open for as long as the documentation of the package promises.

package behaviour

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// newCookies writes cookies for a new version, before its release:
//
//	go test ./internal/behaviour -run TestSessionCookiesOfEarlierVersionsOpen -new-cookies v0.2.0
var newCookies = flag.String("new-cookies", "", "write cookies of each format into testdata/cookies/VERSION, unless they are there")

// goldenFormat is a format of session cookies that this package has ever written.
type goldenFormat struct {
	opts []authkit.Option
	user func(*workos.User)
}

// goldenFormats are the formats by the names of their files. A format stays here after the package has stopped to write it.
var goldenFormats = map[string]goldenFormat{
	"default": {},
	"compact": {opts: []authkit.Option{authkit.WithCompactCookie()}},
	"shared":  {opts: []authkit.Option{authkit.WithSharedSession()}},
	"chunks": {user: func(u *workos.User) {
		u.Metadata = map[string]string{"plan": "pro"}
		for _, key := range strings.Split("abcdefghij", "") {
			u.Metadata[key] = strings.Repeat(key, 500)
		}
	}},
}

// goldenUser is the user of the cookies.
func goldenUser(f goldenFormat) workos.User {
	u := workos.User{
		ID: "user_kim", Email: Kim, EmailVerified: true, FirstName: "Kim", LastName: "Oduya", Metadata: map[string]string{"plan": "pro", "山": "Ωμέγα"},
		CreatedAt: Start.Add(-time.Hour), UpdatedAt: Start.Add(-time.Minute), LastSignInAt: Start,
	}
	if f.user != nil {
		f.user(&u)
	}
	return u
}

// goldenApp starts an application that accepts the token of the cookies. Its signing key was thrown away.
func goldenApp(t *testing.T, f goldenFormat, opts ...authkit.Option) *App {
	a := NewApp(t, AppOptions{AuthKit: append(opts, f.opts...), Routes: func(_ *App, mux *http.ServeMux) {
		mux.HandleFunc("GET /session", func(w http.ResponseWriter, r *http.Request) {
			s, ok := authkit.FromContext(r.Context())
			if !ok {
				http.Error(w, "anonymous", http.StatusUnauthorized)
				return
			}
			assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{
				"user": s.User(), "session": s.ID(), "organization": s.OrganizationID(), "role": s.Role(), "permissions": s.Permissions(),
				"method": s.AuthenticationMethod(),
			}))
		})
	}})
	var key object
	require.NoError(t, json.Unmarshal(golden(t, "jwk.json"), &key))
	a.addToJWKS(key)
	return a
}

// golden reads a file of testdata/cookies.
func golden(t *testing.T, name ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"testdata", "cookies"}, name...)...))
	require.NoError(t, err)
	return []byte(strings.TrimSpace(string(text)))
}

// writeGolden writes a cookie of this version, unless the file exists.
func writeGolden(t *testing.T, version, name string, f goldenFormat) {
	t.Helper()
	file := filepath.Join("testdata", "cookies", version, name+".txt")
	if _, err := os.Stat(file); err == nil {
		return
	}
	a := goldenApp(t, f)
	authentication := &workos.Authentication{
		User: goldenUser(f), OrganizationID: "org_acme", AccessToken: string(golden(t, "token.txt")), RefreshToken: "refresh-1", AuthenticationMethod: "Password",
	}
	resp := a.ServeDirectly(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := a.SignIn(w, r, authentication)
		assert.NoError(t, err)
	}), Request{Method: http.MethodPost, Target: "/form"})
	jar := NewCookieJar(t)
	jar.store(resp)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte(jar.Header()+"\n"), 0o644))
}

func TestSessionCookiesOfEarlierVersionsOpen(t *testing.T) {
	if *newCookies != "" {
		for name, f := range goldenFormats {
			writeGolden(t, *newCookies, name, f)
		}
	}
	versions, err := filepath.Glob(filepath.Join("testdata", "cookies", "v*"))
	require.NoError(t, err)
	require.NotEmpty(t, versions)
	for _, version := range versions {
		files, err := filepath.Glob(filepath.Join(version, "*.txt"))
		require.NoError(t, err)
		require.NotEmpty(t, files, version)
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".txt")
			f, known := goldenFormats[name]
			require.True(t, known, "the format of %s", file)
			readers := map[string][]authkit.Option{"same options": nil}
			if len(f.opts) == 0 || name == "compact" { // both formats of this package open with either seal
				readers["after a rotation of the password"] = []authkit.Option{authkit.WithCookiePassword(strings.Repeat("the next password ", 3), Password)}
			}
			for reader, opts := range readers {
				t.Run(filepath.Base(version)+" "+name+" "+reader, func(t *testing.T) {
					a := goldenApp(t, f, opts...)
					a.Clock.Advance(time.Minute)
					resp := a.Send(Request{Target: "/session", Cookie: string(golden(t, filepath.Base(version), filepath.Base(file)))})
					require.Equal(t, http.StatusOK, resp.Status, resp.Body)
					user, err := json.Marshal(goldenUser(f))
					require.NoError(t, err)
					assert.JSONEq(t, `{"user":`+string(user)+`,"session":"session_golden","organization":"org_acme","role":"admin","permissions":["posts:write"],"method":"Password"}`,
						resp.Body)
					assert.Empty(t, resp.SetCookies(t), "a cookie that opens is not replaced")
				})
			}
		}
	}
}

// A cookie of the default format opens where the compact one is written, and the other way round.
func TestSessionCookiesOfEarlierVersionsOpenWithEitherSeal(t *testing.T) {
	versions, err := filepath.Glob(filepath.Join("testdata", "cookies", "v*"))
	require.NoError(t, err)
	for _, version := range versions {
		for written, reader := range map[string]string{"default": "compact", "compact": "default", "chunks": "compact"} {
			a := goldenApp(t, goldenFormats[reader])
			resp := a.Send(Request{Target: "/account", Cookie: string(golden(t, filepath.Base(version), written+".txt"))})
			assert.Equal(t, PageOf(Kim, "session_golden")+" at /account", resp.Body, "%s %s", version, written)
		}
	}
}
