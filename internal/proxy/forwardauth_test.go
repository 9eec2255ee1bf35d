// Tests of forward authentication: nginx asks an endpoint whether each request may pass. What becomes of a refreshed cookie then.

package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// askingNginx is an nginx that asks an application with authkit about each request.
var askingNginx = template.Must(template.New("nginx.conf").Parse(`
daemon off;
worker_processes 1;
{{if .Root}}user root;{{end}}
pid {{.Folder}}/nginx.pid;
error_log {{.Folder}}/error.log info;
events { worker_connections 512; }
http {
	access_log off;
	client_body_temp_path {{.Folder}}/body;
	proxy_temp_path {{.Folder}}/proxy;
	fastcgi_temp_path {{.Folder}}/fastcgi;
	scgi_temp_path {{.Folder}}/scgi;
	uwsgi_temp_path {{.Folder}}/uwsgi;
	proxy_buffer_size 16k;
	proxy_buffers 8 16k;
	server {
		listen {{.Address}};
		location / {
			auth_request /ask;
			{{.Lines}}
			proxy_pass http://{{.Upstream}};
		}
		location @login { absolute_redirect off; return 302 /login?return_to=$request_uri; }
		location = /ask {
			internal;
			proxy_pass http://{{.Asked}}/ask;
			proxy_pass_request_body off;
			proxy_set_header Content-Length "";
			proxy_set_header Host $http_host;
			{{.Asking}}
		}
	}
}
`))

// askedSite is an nginx in front of an application, and the application that it asks.
type askedSite struct {
	t     *testing.T
	url   string
	app   *authkittest.App // what nginx asks
	login *authkittest.Browser
}

// newAskedSite starts a site. lines are for what nginx guards, and asking is for its question. The session is as large as the permissions
// make it.
func newAskedSite(t *testing.T, lines, asking string, permissions ...string) *askedSite {
	t.Helper()
	app := authkittest.Run(t, func(env authkittest.Env) http.Handler {
		ak := env.AuthKit()
		mux := http.NewServeMux()
		mux.Handle("/login", ak.Login())
		mux.Handle("/callback", ak.Callback())
		mux.Handle("/ask", ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			session, _ := authkit.FromContext(r.Context())
			w.Header().Set("X-User", session.User().Email)
			w.WriteHeader(http.StatusNoContent)
		})))
		return ak.Middleware(mux)
	}, authkittest.WithUsers(authkittest.User{Email: kim, Memberships: []authkittest.Membership{{OrganizationID: "org_01", Role: "admin", Permissions: permissions}}}))
	behind := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
		_, _ = io.WriteString(w, r.Header.Get("X-User"))
	}))
	t.Cleanup(behind.Close)
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	s := &askedSite{t: t, app: app, url: fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port), login: app.SignIn(kim)}
	runNginx(t, listener, askingNginx, map[string]any{
		"Lines": lines, "Asking": asking, "Upstream": behind.Listener.Addr(), "Asked": strings.Replace(strings.TrimPrefix(app.URL, "http://"), "localhost", "127.0.0.1", 1),
	})
	return s
}

// get sends a request with the cookies of the browser, which do not depend on the port. It returns the response and its body.
// Each header is "Name: value".
func (s *askedSite) get(signedIn bool, headers ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(http.MethodGet, s.url+"/page", nil)
	require.NoError(s.t, err)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	if signedIn {
		for _, cookie := range s.login.Jar.Cookies(r.URL) {
			r.AddCookie(cookie)
		}
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return resp, string(text)
}

// store gives the browser the cookies of Set-Cookie lines.
func (s *askedSite) store(lines []string) {
	s.t.Helper()
	u, err := url.Parse(s.url)
	require.NoError(s.t, err)
	for _, line := range lines {
		cookie, err := http.ParseSetCookie(line)
		require.NoError(s.t, err)
		s.login.Jar.SetCookies(u, []*http.Cookie{cookie})
	}
}

// refreshed lets the session become due for a refresh, and returns the Set-Cookie lines of the next response, with the number of
// refreshes at WorkOS.
func (s *askedSite) refreshed() (lines []string, refreshes int) {
	s.t.Helper()
	s.app.Clock.Advance(4*time.Minute + 30*time.Second) // a token is valid for five minutes
	before := s.app.Fake.Refreshes().Exchanged
	resp, text := s.get(true)
	require.Equal(s.t, http.StatusOK, resp.StatusCode)
	require.Equal(s.t, kim, text)
	return resp.Header["Set-Cookie"], s.app.Fake.Refreshes().Exchanged - before
}

const passUser = "auth_request_set $user $upstream_http_x_user; proxy_set_header X-User $user;"

func TestNginxThatAsksDropsTheRefreshedCookie(t *testing.T) {
	s := newAskedSite(t, passUser, "")
	lines, refreshes := s.refreshed()
	assert.Equal(t, 1, refreshes)
	assert.Equal(t, []string{"theme=dark"}, lines, "the cookie of the refresh is lost")

	// The process remembers what became of the refresh token. A process that has started since then does not.
	s.app.Clock.Advance(10 * time.Minute)
	resp, text := s.get(true)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, kim, text)
	restarted := s.app.Instance()
	r, err := http.NewRequest(http.MethodGet, restarted.URL+"/ask", nil)
	require.NoError(t, err)
	for _, cookie := range s.login.Jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	resp, err = (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "the user is signed out")
}

func TestNginxThatAsksPassesA401AndMakesA500OfARedirect(t *testing.T) {
	s := newAskedSite(t, passUser, "")
	resp, _ := s.get(false)
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	resp, _ = s.get(false, "Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
	assert.Equal(t, http.StatusInternalServerError, resp.StatusCode, "a guard redirects a navigation to the sign-in")
	cured := newAskedSite(t, "error_page 401 = @login;", `proxy_set_header Accept ""; proxy_set_header Sec-Fetch-Mode "";`)
	resp, _ = cured.get(false, "Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
	assert.Equal(t, http.StatusFound, resp.StatusCode)
	assert.Equal(t, "/login?return_to=/page", resp.Header.Get("Location"))
}

// passCookie copies Set-Cookie from the answer of the endpoint to the response.
const passCookie = passUser + " auth_request_set $cookie $upstream_http_set_cookie; add_header Set-Cookie $cookie always;"

func TestNginxThatAsksCanPassOneRefreshedCookie(t *testing.T) {
	s := newAskedSite(t, passCookie, "")
	lines, refreshes := s.refreshed()
	assert.Equal(t, 1, refreshes)
	require.Len(t, lines, 2)
	assert.Equal(t, "theme=dark", lines[0])
	assert.Regexp(t, `^authkit-session=[^; ]+; Path=/; Max-Age=\d+; HttpOnly; SameSite=Lax$`, lines[1])
	s.store(lines)
	resp, _ := s.get(true)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestNginxThatAsksBreaksARefreshedSessionOfTwoCookies(t *testing.T) {
	var permissions []string
	for i := range 200 {
		permissions = append(permissions, fmt.Sprintf("permission-%03d:write", i))
	}
	s := newAskedSite(t, passCookie, "", permissions...)
	lines, refreshes := s.refreshed()
	assert.Equal(t, 1, refreshes)
	require.Len(t, lines, 2, "before version 1.23, nginx passes the first of two lines; since then, it joins them with a comma")
	assert.Regexp(t, `^authkit-session\.0=`, lines[1])
	s.store(lines)
	resp, _ := s.get(true)
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode, "the two halves of the session do not belong together")
}
