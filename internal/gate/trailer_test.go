// Tests of trailers, with handlers that no reverse proxy is.

package gate_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/gate"
)

func TestTheGateRemovesHeaderFieldsFromATrailer(t *testing.T) {
	var env authkittest.Env
	authkittest.Run(t, func(e authkittest.Env) http.Handler { env = e; return http.NotFoundHandler() })
	g, err := gate.New(gate.Config{AuthKit: env.AuthKit(), Rules: []gate.Rule{{Path: "/*", Allow: []string{gate.Public}}}})
	require.NoError(t, err)
	for name, c := range map[string]struct {
		handler      http.HandlerFunc
		announcement []string
		trailer      http.Header
	}{
		"in several lines of Trailer": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Trailer"] = []string{"X-Sum,set-cookie", " ,X_Authkit_User", "Grpc-Status"}
			_, _ = io.WriteString(w, "text")
			w.Header()["Set-Cookie"], w.Header()["X_Authkit_User"] = []string{"a=b"}, []string{"user_1"}
			w.Header()["X-Sum"], w.Header()["Grpc-Status"] = []string{"7"}, []string{"0"}
		}, []string{"X-Sum, Grpc-Status"}, http.Header{"X-Sum": {"7"}, "Grpc-Status": {"0"}}},
		"in Trailer alone": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "Set-Cookie, Content-Type")
			_, _ = io.WriteString(w, "text")
			w.Header().Set("Set-Cookie", "a=b")
		}, nil, nil},
		"without an announcement": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "text")
			w.Header()[http.TrailerPrefix+"sET-cookie"] = []string{"a=b"}
			w.Header().Set(http.TrailerPrefix+"Content-Security-Policy-Report-Only", "default-src *")
			w.Header().Set(http.TrailerPrefix+"X-Sum", "7")
		}, nil, http.Header{"X-Sum": {"7"}}},
		"of a response without a body": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(http.TrailerPrefix+"Set-Cookie", "a=b")
			w.Header().Set(http.TrailerPrefix+"Grpc-Status", "0")
		}, nil, http.Header{"Grpc-Status": {"0"}}},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			g.Serve(recorder, httptest.NewRequest("GET", "/", nil), c.handler)
			result := recorder.Result()
			assert.Equal(t, c.announcement, result.Header["Trailer"])
			assert.Equal(t, c.trailer, result.Trailer)
		})
	}
}
