// Set-ups that are right, or that the doctor cannot judge: what must be no fault.

package doctor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testserver"
)

func TestARateLimitOfWorkOSIsNoFaultOfTheRedirectURI(t *testing.T) {
	s := newScene(t)
	s.fake.InjectFault(authkittest.RouteAuthorize, authkittest.Fault{Status: http.StatusTooManyRequests, Body: `{"message":"slow down"}`})
	s.setenv()
	results := Run(t.Context(), s.cfg)
	assert.False(t, HasFault(results), "%v", results)
	assert.NotNil(t, result(results, "authorization", Warning), "%v", results)
}

func TestAPageOfAnOutageIsNoFaultOfTheConfiguration(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
		s := newScene(t, answering("/user_management/client_", answers(status, "<html>Come back later</html>")))
		s.setenv()
		results := Run(t.Context(), s.cfg)
		assert.False(t, HasFault(results), "%v", results)
		assert.NotNil(t, result(results, "WorkOS", Warning), "%v", results)
	}
}

func TestAnAnswerOfACacheDoesNotTellTheTimeOfItsArrival(t *testing.T) {
	s := newScene(t, authkittest.WithMiddleware(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(-5*time.Minute).UTC().Format(http.TimeFormat))
			w.Header().Set("Age", "300")
			next.ServeHTTP(w, r)
		})
	}))
	s.setenv()
	results := Run(t.Context(), s.cfg)
	assert.NotNil(t, result(results, "clock", OK), "%v", results)
}

func TestAProxyThatDoesNotListenIsNotTakenForWorkOS(t *testing.T) {
	reserved, err := testserver.Reserve()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, reserved.Release()) })
	s := newScene(t)
	proxy := &url.URL{Scheme: "http", Host: reserved.Addr(), User: url.UserPassword("user", goodPassword)}
	s.cfg.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
	s.setenv()
	results := Run(t.Context(), s.cfg)
	found := result(results, "WorkOS", Fault)
	require.NotNil(t, found, "%v", results)
	assert.Contains(t, found.Finding, "the proxy of the environment cannot be reached")
	assert.Contains(t, found.Cure, "HTTPS_PROXY")
	requireNoSecret(t, s, results)
}

func TestAPartOfAPasswordInTheAddressOfAStoreIsNotPrinted(t *testing.T) {
	for _, store := range []string{"postgres://app:98765/word@localhost/app", "redis://:98765#word@localhost", "postgres://app:98765?word@localhost/app"} {
		d := &doctor{Config: Config{Timeout: time.Second, Store: store}}
		d.checkStore(t.Context())
		require.Len(t, d.results, 1)
		assert.Equal(t, Fault, d.results[0].Status)
		assert.NotContains(t, fmt.Sprint(d.results), "98765")
		assert.Contains(t, d.results[0].Cure, "%40")
	}
}

func TestAnApplicationThatFailsIsAFault(t *testing.T) {
	for status, want := range map[int]Status{http.StatusInternalServerError: Fault, http.StatusBadRequest: Warning} {
		server := httptest.NewServer(answers(status, ""))
		t.Cleanup(server.Close)
		d := &doctor{Config: Config{Timeout: 5 * time.Second, URL: server.URL}, http: server.Client()}
		d.checkApplication(t.Context())
		assert.NotNil(t, result(d.results, "application", want), "%v", d.results)
		assert.Nil(t, result(d.results, "request header", OK), "%v", d.results)
	}
}

func TestAnApplicationOnSeveralHostsHasARedirectURIForEach(t *testing.T) {
	for _, tt := range []struct {
		registered []string
		want       Status
	}{
		{[]string{"https://a.example.com/callback", "https://b.example.com/callback"}, OK},
		{nil, OK}, // not known
		{[]string{"https://a.example.com/callback"}, Fault},
	} {
		d := &doctor{env: environment{clientID: "client_1", redirectURI: "https://a.example.com/callback"}, registered: tt.registered}
		d.compareSignIn("https://b.example.com", &answer{Response: &http.Response{}},
			url.Values{"client_id": {"client_1"}, "redirect_uri": {"https://b.example.com/callback"}})
		assert.NotNil(t, result(d.results, "sign-in", tt.want), "%v", d.results)
	}
}
