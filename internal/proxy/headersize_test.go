// How large the headers of a session are, and which of them nginx passes: the tables of docs/headers.md.

package proxy_test

import (
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

// update makes TestTheTablesOfHeaderSizesAreCurrent write the tables.
var update = flag.Bool("update", false, "write the tables of docs/headers.md")

const (
	headersDocument = "../../docs/headers.md"
	// largestClaims is more bytes of extra claims than an access token of 16 KB can hold.
	largestClaims = 12 << 10
)

// oneUpstream is a configuration with nginx's defaults and further lines for the server.
var oneUpstream = template.Must(template.New("nginx.conf").Parse(`
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
	server {
		listen {{.Address}};
		{{.Lines}}
		location / { proxy_pass http://{{.Upstream}}; }
	}
}
`))

// defaultLines are nginx's defaults on a machine with pages of 4 KB.
const defaultLines = "proxy_buffer_size 4k; proxy_buffers 8 4k; large_client_header_buffers 4 8k;"

// productionLines returns the lines for nginx of docs/production.md.
func productionLines(t *testing.T) string {
	t.Helper()
	chapter, err := os.ReadFile("../../docs/production.md")
	require.NoError(t, err)
	for _, block := range regexp.MustCompile("(?s)```nginx\n(.*?)```").FindAllSubmatch(chapter, -1) {
		if strings.Contains(string(block[1]), "proxy_buffer_size") {
			return string(block[1])
		}
	}
	require.Fail(t, "docs/production.md has no lines for proxy_buffer_size")
	return ""
}

// largeSite is an application behind an nginx that ends TLS, so that its cookies have the names and attributes of https.
type largeSite struct {
	t     *testing.T
	url   string // https://localhost:port
	fake  *authkittest.Server
	clock *authkittest.FakeClock
	tried map[int]outcome // by the bytes of extra claims

	mu       sync.Mutex
	response int // size of the header of the last sign-in response, guarded by mu
	request  int // size of the last Cookie header with a session, guarded by mu
	cookies  int // number of cookies that this response sets for the session, guarded by mu
}

func newLargeSite(t *testing.T, lines string) *largeSite {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	s := &largeSite{
		t: t, clock: authkittest.NewFakeClock(time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)),
		url: fmt.Sprintf("https://localhost:%d", listener.Addr().(*net.TCPAddr).Port), tried: map[int]outcome{},
	}
	s.fake = authkittest.New(t, authkittest.WithClock(s.clock), authkittest.WithUsers(authkittest.User{
		Email: kim, FirstName: "Kim", LastName: "Oduya", Metadata: map[string]string{"plan": "pro"}, Memberships: []authkittest.Membership{
			{OrganizationID: "org_01JQ4ZK6X9YV3W8T5R2N7MABCD", Role: "admin", Permissions: []string{"posts:read", "posts:write"}},
		},
	}))
	ak, err := authkit.New(
		authkit.WithAPIKey(s.fake.APIKey()),
		authkit.WithClientID(s.fake.ClientID()),
		authkit.WithBaseURL(s.fake.URL()),
		authkit.WithCookiePassword(rand.Text()+rand.Text()),
		authkit.WithRedirectURL(s.url+"/callback"),
		authkit.WithClock(s.clock),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	)
	require.NoError(t, err)
	mux := http.NewServeMux()
	mux.Handle("/callback", ak.Callback())
	mux.Handle("/account", ak.RequireAuth(page("account")))
	server := httptest.NewServer(s.measured(ak.Middleware(mux)))
	t.Cleanup(server.Close)
	runNginx(t, listener, oneUpstream, map[string]any{"Lines": lines, "Upstream": server.Listener.Addr()})
	return s
}

// measured measures the headers that next gets and writes.
func (s *largeSite) measured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		next.ServeHTTP(recorded, r)
		response := recorded.Result()
		set := 0
		for _, c := range response.Cookies() {
			if strings.Contains(c.Name, "authkit-session") && c.MaxAge >= 0 {
				set++
			}
		}
		if set > 0 && r.URL.Path == "/callback" {
			s.mu.Lock()
			s.response, s.cookies, s.request = headerSize(response), set, 0
			s.mu.Unlock()
		}
		if size := len(r.Header.Get("Cookie")); strings.Contains(r.Header.Get("Cookie"), "authkit-session") {
			s.mu.Lock()
			s.request = size
			s.mu.Unlock()
		}
		for name, values := range recorded.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(recorded.Code)
		_, _ = w.Write(recorded.Body.Bytes())
	})
}

// headerSize returns how many bytes a response header takes, with what the server adds.
func headerSize(response *http.Response) int {
	size := len("HTTP/1.1 303 See Other\r\nDate: Sat, 14 Mar 2026 09:26:53 GMT\r\nContent-Length: 0\r\n\r\n")
	for name, values := range response.Header {
		for _, value := range values {
			size += len(name) + len(": \r\n") + len(value)
		}
	}
	return size
}

// sizes are the sizes of a session's headers.
type sizes struct{ cookies, response, request int }

func (s *largeSite) sizes() sizes {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sizes{s.cookies, s.response, s.request}
}

// outcome is what a user of a large session sees.
type outcome struct {
	signIn, page, refresh int  // statuses, 0 for what was not reached
	ofProxy               bool // nginx has written the failure
}

func (o outcome) passes() bool { return o == outcome{signIn: 200, page: 200, refresh: 200} }

// try signs a user with extra claims of some bytes in, loads a page, and loads it again after the access token has expired. It does
// so once for each number of bytes.
func (s *largeSite) try(claims int) (o outcome) {
	s.t.Helper()
	if o, known := s.tried[claims]; known {
		return o
	}
	defer func() { s.tried[claims] = o }()
	s.fake.UpdateUser(kim, func(u *authkittest.User) { u.Claims = extraClaims(claims) })
	b := authkittest.NewBrowser()
	s.t.Cleanup(b.CloseIdleConnections)
	b.Base = endTLS{}
	page, err := b.Get(s.url + "/account")
	require.NoError(s.t, err)
	require.Equal(s.t, http.StatusOK, page.StatusCode, "the sign-in page")
	page, err = b.Submit("Kim Oduya", nil)
	require.NoError(s.t, err)
	o.ofProxy = strings.Contains(page.Body, "<center>nginx")
	switch path := page.URL.Path; {
	case path == "/callback":
		o.signIn = page.StatusCode
		return o
	case path == "/account" && page.StatusCode != http.StatusOK:
		o.signIn, o.page = http.StatusOK, page.StatusCode
		return o
	}
	o.signIn, o.page = http.StatusOK, http.StatusOK
	s.clock.Advance(6 * time.Minute)
	page, err = b.Get(s.url + "/account")
	require.NoError(s.t, err)
	o.refresh, o.ofProxy = page.StatusCode, strings.Contains(page.Body, "<center>nginx")
	return o
}

// extraClaims returns claims that make the claims of an access token longer by some bytes.
func extraClaims(size int) map[string]any {
	if size == 0 {
		return nil
	}
	return map[string]any{"more": strings.Repeat("x", size-len(`,"more":""`))}
}

// endTLS sends requests to https addresses as nginx gets them after it has ended TLS.
type endTLS struct{}

func (endTLS) RoundTrip(r *http.Request) (*http.Response, error) {
	plain := r.Clone(r.Context())
	plain.URL.Scheme = "http"
	return direct.RoundTrip(plain)
}

// largestThatPasses returns the most bytes of extra claims with which everything works. It tries the documented number first, and
// searches if that is wrong.
func (s *largeSite) largestThatPasses(documented int) int {
	s.t.Helper()
	low, high := 0, largestClaims // low passes, high fails
	require.True(s.t, s.try(low).passes())
	require.False(s.t, s.try(high).passes())
	if low < documented && documented < high {
		if !s.try(documented).passes() {
			high = documented
		} else if low = documented; !s.try(documented + 1).passes() {
			high = documented + 1
		}
	}
	for high-low > 1 {
		if middle := (low + high) / 2; s.try(middle).passes() {
			low = middle
		} else {
			high = middle
		}
	}
	return low
}

// documentedLargest matches what the document says about the most bytes of extra claims.
var documentedLargest = regexp.MustCompile(`up to ([\d,]+) bytes of extra claims work`)

func TestTheTablesOfHeaderSizesAreCurrent(t *testing.T) {
	document, err := os.ReadFile(headersDocument)
	require.NoError(t, err)
	documented := documentedLargest.FindAllSubmatch(document, -1)
	recommended := productionLines(t)
	defaults, buffers, all := newLargeSite(t, defaultLines), newLargeSite(t, withoutRequestLine(t, recommended)), newLargeSite(t, recommended)
	var text strings.Builder
	text.WriteString("| Extra claims | Cookies | Header of the sign-in response | `Cookie` header of a request | nginx, defaults | nginx, larger `proxy_buffer_size` alone | nginx, the lines of production.md |\n|---|---|---|---|---|---|---|\n")
	for _, claims := range []int{0, 512, 1024, 2048, 4096, 8192} {
		shown := []outcome{defaults.try(claims), buffers.try(claims), all.try(claims)}
		assert.True(t, shown[2].passes(), "the lines of production.md are enough for %d bytes", claims)
		of := all.sizes()
		fmt.Fprintf(&text, "| %s | %d | %s | %s | %s | %s | %s |\n", bytesOf(claims), of.cookies, bytesOf(of.response), bytesOf(of.request), shown[0], shown[1], shown[2])
	}
	text.WriteString("\n")
	for i, c := range []struct {
		name string
		site *largeSite
	}{{"With nginx's defaults", defaults}, {"With a larger `proxy_buffer_size` alone", buffers}, {"With the lines of [production.md](production.md)", all}} {
		guess := 0
		if i < len(documented) {
			guess, err = strconv.Atoi(strings.ReplaceAll(string(documented[i][1]), ",", ""))
			require.NoError(t, err)
		}
		largest := c.site.largestThatPasses(guess)
		fmt.Fprintf(&text, "* %s, up to %s of extra claims work. With one byte more: %s.\n", c.name, bytesOf(largest), c.site.try(largest+1))
	}

	const begin, end = "<!-- sizes -->\n", "<!-- end of sizes -->"
	before, rest, found := strings.Cut(string(document), begin)
	require.True(t, found)
	current, after, found := strings.Cut(rest, end)
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(headersDocument, []byte(before+begin+text.String()+end+after), 0o644))
		return
	}
	assert.Equal(t, text.String(), current, "run go test ./internal/proxy -run HeaderSizes -update")
}

// withoutRequestLine returns the lines of production.md without the one for requests.
func withoutRequestLine(t *testing.T, lines string) string {
	t.Helper()
	shorter := regexp.MustCompile(`(?m)^ *large_client_header_buffers .*$`).ReplaceAllString(lines, "")
	require.NotEqual(t, lines, shorter)
	return shorter
}

// String says what a user sees, for the table.
func (o outcome) String() string {
	author := "of authkit, which refuses an access token of more than 16 KB"
	if o.ofProxy {
		author = "of nginx"
	}
	switch {
	case o.passes():
		return "works"
	case o.signIn != http.StatusOK:
		return fmt.Sprintf("%d %s, at the sign-in", o.signIn, author)
	case o.page != http.StatusOK:
		return fmt.Sprintf("%d %s, at every page", o.page, author)
	}
	return fmt.Sprintf("%d %s, at a refresh", o.refresh, author)
}

// bytesOf formats a number of bytes with a comma for the thousands.
func bytesOf(n int) string {
	text := fmt.Sprint(n)
	if len(text) > 3 {
		text = text[:len(text)-3] + "," + text[len(text)-3:]
	}
	return text + " bytes"
}
