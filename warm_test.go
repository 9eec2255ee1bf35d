// The allocations of a request of a cached session.

package authkit_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/workos"
)

// The metadata are a map, which a handler may change. So each call of User copies it.
func TestAWarmRequestThatReadsTheUserAllocatesLittle(t *testing.T) {
	fake := authkittest.New(t)
	ak := newQuietAuthKit(t, fake)
	for name, c := range map[string]struct {
		metadata map[string]string
		limit    float64
	}{
		"without metadata": {nil, 2},
		"with metadata":    {map[string]string{"plan": "pro", "seats": "3"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			r := requestWithSession(t, ak, fake, c.metadata)
			handler := ak.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				s, _ := authkit.FromContext(r.Context())
				if user := s.User(); user.Email != "kim@example.com" || len(user.Metadata) != len(c.metadata) {
					panic("the request has no session, or not its profile")
				}
			}))
			w := &reply{http.Header{}}
			serve := func() {
				clear(w.header)
				handler.ServeHTTP(w, r)
			}
			serve()
			serve()
			assert.LessOrEqual(t, testing.AllocsPerRun(100, serve), c.limit)
		})
	}
}

func newQuietAuthKit(t *testing.T, fake *authkittest.Server) *authkit.AuthKit {
	ak, err := authkit.New(
		authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithCookiePassword(behaviour.Password), authkit.WithRedirectURL("https://app.example.com/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	)
	require.NoError(t, err)
	return ak
}

// requestWithSession returns a request with the cookies of a new session.
func requestWithSession(t *testing.T, ak *authkit.AuthKit, fake *authkittest.Server, metadata map[string]string) *http.Request {
	token := fake.SignToken(map[string]any{
		"iss": fake.Issuer(), "sub": "user_1", "sid": "session_1", "client_id": fake.ClientID(),
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	})
	signIn := httptest.NewRecorder()
	_, err := ak.SignIn(signIn, httptest.NewRequest(http.MethodPost, "/sign-in", nil), &workos.Authentication{
		AccessToken: token, RefreshToken: "refresh", User: workos.User{ID: "user_1", Email: "kim@example.com", Metadata: metadata},
	})
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, cookie := range signIn.Result().Cookies() {
		r.AddCookie(cookie)
	}
	return r
}
