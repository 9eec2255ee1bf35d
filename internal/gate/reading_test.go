// Tests of path tricks: what an upstream may read in another way than the gate.

package gate_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/gate"
)

// sendRaw sends a request line as it is, anonymously, and returns the status.
func (a *application) sendRaw(t testing.TB, line string, headers ...string) int {
	t.Helper()
	host := strings.TrimPrefix(a.URL, "http://")
	conn, err := net.Dial("tcp", host)
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", line, host, strings.Join(append(headers, ""), "\r\n"))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestAPathTrickDoesNotPassTheGate(t *testing.T) {
	app := newApplication(t, withRules(
		gate.Rule{Path: "/public/*", Allow: []string{gate.Public}},
		gate.Rule{Path: "/public/admin/*", Roles: []string{"admin"}},
		gate.Rule{Path: "/public/exact", Roles: []string{"admin"}},
		gate.Rule{Path: "/", Allow: []string{gate.Public}},
	))
	for line, status := range map[string]int{
		"GET /public/a":                                    200,
		"GET /public/a.b/c-d_e":                            200,
		"GET /public/a%20b":                                200,
		"GET /public/a%2Fb":                                200,
		"GET /public//b":                                   200,
		"GET /public/a;v=1":                                200,
		"GET /public/.well-known/x":                        200,
		"GET /public/100%25":                               200,
		"GET /public/%E9":                                  200,
		"GET /":                                            200,
		"GET /public/../admin":                             400,
		"GET /public/./a":                                  400,
		"GET /public/..":                                   400,
		"GET /public/.":                                    400,
		"GET /public/%2e%2e/admin":                         400,
		"GET /public/%2E./admin":                           400,
		"GET /public/%252e%252e/admin":                     400,
		"GET /public/%25252e%25252e/admin":                 400,
		"GET /public/..%2fadmin":                           400,
		"GET /public/..%252fadmin":                         400,
		"GET /public/..;/admin":                            400,
		"GET /public/..;x=1/admin":                         400,
		"GET /public/..%3b/admin":                          400,
		"GET /public/.%20./admin":                          400,
		"GET /public/..%20/admin":                          400,
		"GET /public/.../admin":                            400,
		`GET /public/..\admin`:                             400,
		"GET /public/..%5cadmin":                           400,
		"GET /public/x%5c..%5c..%5cadmin":                  400,
		"GET /public/%255cadmin":                           400,
		"GET /public/x%00":                                 400,
		"GET /public/x%2500":                               400,
		"GET /public/x%0aadmin":                            400,
		"GET /public/x%7f":                                 400,
		"GET /public/%c0%ae%c0%ae/admin":                   400,
		"GET /public/%c0%af..":                             400,
		"GET /public/%e0%80%ae":                            400,
		"GET /public/%f0%80%80%ae":                         400,
		"GET /public/%zz":                                  400,
		"GET /public/%":                                    400,
		"GET /public/%u002e":                               400,
		"GET /public/admin":                                401,
		"GET /public/admin/":                               401,
		"GET /public/Admin/x":                              401,
		"GET /public//admin/x":                             401,
		"GET /public/%61dmin":                              401,
		"GET /public/%2561dmin":                            401,
		"GET /public/admin%2Fx":                            401,
		"GET /public%2Fadmin":                              401,
		"GET /public%2F%2Fadmin":                           401,
		"GET /public/admin;x=1":                            401,
		"GET /public/admin;x=1/users":                      401,
		"GET /public/a;b/../admin":                         400,
		"GET /public/exact/y":                              200,
		"GET /public/exact;x/y":                            401, // some programs cut the path at the first ;
		"GET /public/admin./x":                             401,
		"POST /%6Cogout":                                   401, // the gate's own paths have one spelling
		"GET /public/admin.":                               401,
		"GET /public/admin%20":                             401,
		"GET /public/%20admin":                             401,
		"GET /public/admin%3Fx":                            401,
		"GET /public/admin%23x":                            401,
		"GET /public/adm%C4%B1n":                           401, // a dotless i, whose capital letter is I
		"GET //public/x":                                   401, // a URL parser may take public for a host
		"GET //x/public/a":                                 401,
		"GET ///public/admin":                              401,
		"GET /;/public/a":                                  401,
		"GET /;a":                                          401,
		"GET /%2F":                                         401, // one reading is not /
		"GET /private":                                     401,
		"GET http://elsewhere.test/public/a":               200,
		"GET http://elsewhere.test/public/../admin":        400,
		"GET http://elsewhere.test/private":                401,
		"GET http://elsewhere.test":                        200,
		"GET http://user@elsewhere.test/public/a":          400,
		"GET ftp://elsewhere.test/public/a":                400,
		"GET mailto:public":                                400,
		"GET public/a":                                     400,
		"GET *":                                            400,
		"CONNECT elsewhere.test:443":                       400,
		"CONNECT /public/a":                                400,
		"POST http://elsewhere.test/logout":                200,
		"GET /public/" + strings.Repeat("a", 9000):         200,
		"GET /public/%20" + strings.Repeat("a", 9000):      414,
		"GET /public/%" + strings.Repeat("25", 200) + "41": 400,
	} {
		t.Run(line[:min(len(line), 60)], func(t *testing.T) {
			assert.Equal(t, status, app.sendRaw(t, line))
		})
	}
}

func TestTheStartOfAPathThatMayBeAHostOpensNothing(t *testing.T) {
	app := newApplication(t, withRules(gate.Rule{Path: "/*", Allow: []string{gate.Public}}, gate.Rule{Path: "/private/*"}))
	for line, status := range map[string]int{"GET /x/private": 200, "GET //x/private": 401, "GET //x:80/private/a": 401, "GET /%2Fx/private": 401, "GET //x/y": 200} {
		assert.Equal(t, status, app.sendRaw(t, line), line)
	}
}

func TestAHostThatIsNoneIsRefused(t *testing.T) {
	var env authkittest.Env
	authkittest.Run(t, func(e authkittest.Env) http.Handler { env = e; return http.NotFoundHandler() })
	g, err := gate.New(gate.Config{AuthKit: env.AuthKit(), Rules: []gate.Rule{{Path: "/*", Allow: []string{gate.Public}}}})
	require.NoError(t, err)
	for host, status := range map[string]int{
		"app.example.com": 200, "app.example.com:8443": 200, "[2001:db8::1]:80": 200, "my_app~1": 200, "": 200,
		"x/private?": 400, "x#y": 400, "user@x": 400, `x\y`: 400, `x"><script>`: 400, "x y": 400, "bücher.example": 400,
	} {
		r := httptest.NewRequest(http.MethodGet, "/a", nil)
		r.Host = host // of HTTP/2, where the server does not look at :authority
		w := httptest.NewRecorder()
		g.Serve(w, r, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		assert.Equal(t, status, w.Code, host)
	}
}

func TestAPathReachesTheUpstreamAsTheClientHasSentIt(t *testing.T) {
	app := newApplication(t, withRules())
	for _, path := range []string{"/a%2Fb", "/a//b", "/a;x=1/b", "/caf%c3%a9", "/a%20b", "/100%25", "/a+b", "/%41"} {
		status, upstream := app.send(t, ben, "GET", path)
		assert.Equal(t, 200, status, path)
		assert.Equal(t, path, upstream.Path)
	}
}
