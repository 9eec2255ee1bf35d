// A nil *Session and a zero Session: every method returns, and none panics.

package authkit_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
)

var anonymousSessions = map[string]*authkit.Session{"nil": nil, "zero": {}}

// printer is a fmt.State that records what is written.
type printer struct{ text []byte }

func (p *printer) Write(b []byte) (int, error) { p.text = append(p.text, b...); return len(b), nil }
func (p *printer) Width() (int, bool)          { return 0, false }
func (p *printer) Precision() (int, bool)      { return 0, false }
func (p *printer) Flag(int) bool               { return false }

func TestEveryMethodOfAnAnonymousSessionReturnsItsZeroValue(t *testing.T) {
	claims := map[string]any{}
	arguments := map[string][]any{
		"HasRole": {"admin"}, "HasPermission": {"posts:write"}, "HasEntitlement": {"sso"}, "HasFeatureFlag": {"beta"},
		"Claims": {&claims}, "Format": {&printer{}, 'v'},
	}
	notZero := map[string]any{
		"String": "authkit.Session(anonymous)", "GoString": "authkit.Session(anonymous)", "MarshalJSON": []byte("null"),
	}
	for name, session := range anonymousSessions {
		v := reflect.ValueOf(session)
		require.Greater(t, v.NumMethod(), 25)
		for i := range v.NumMethod() {
			method := v.Type().Method(i).Name
			t.Run(name+", "+method, func(t *testing.T) {
				var in []reflect.Value
				for _, argument := range arguments[method] {
					in = append(in, reflect.ValueOf(argument))
				}
				require.Equal(t, v.Method(i).Type().NumIn(), len(in), "arguments has no entry for this method")
				for place, out := range v.Method(i).Call(in) {
					if want, ok := notZero[method]; ok && place == 0 {
						assert.Equal(t, want, out.Interface())
						continue
					}
					assert.True(t, out.IsZero(), "result %d is %v", place, out)
				}
			})
		}
	}
	assert.Empty(t, claims)
}

func TestAHandlerCanAskTheSessionOfAnAnonymousRequest(t *testing.T) {
	a := behaviour.NewApp(t, behaviour.AppOptions{Routes: func(_ *behaviour.App, mux *http.ServeMux) {
		mux.HandleFunc("GET /open", func(w http.ResponseWriter, r *http.Request) {
			s, _ := authkit.FromContext(r.Context())
			key, _ := authkit.APIKeyFromContext(r.Context())
			fmt.Fprintf(w, "%t %q %q %v", s.HasRole("admin"), s.User().Email, key.OrganizationID(), key)
		})
	}})
	assert.Equal(t, `false "" "" <nil>`, a.Send(behaviour.Request{Target: "/open"}).Body)
}

func TestEveryMethodOfANilAPIKeyReturns(t *testing.T) {
	var key *authkit.APIKey
	v := reflect.ValueOf(key)
	for i := range v.NumMethod() {
		switch method := v.Type().Method(i).Name; method {
		case "OrganizationID":
			assert.Empty(t, v.Method(i).Call(nil)[0].String())
		case "Format": // package fmt calls it
			assert.Equal(t, "<nil>", fmt.Sprint(key))
		case "UnmarshalJSON": // package encoding/json calls it
			assert.Error(t, json.Unmarshal([]byte(`{}`), key))
		default:
			t.Errorf("the test does not call %s", method)
		}
	}
}

func TestAnAnonymousSessionHasNoRoleWithAnEmptySlug(t *testing.T) {
	for name, session := range anonymousSessions {
		assert.False(t, session.HasRole(""), name)
		assert.False(t, session.HasPermission(""), name)
	}
}

func TestAnAnonymousSessionPrintsAsAnonymous(t *testing.T) {
	for name, session := range anonymousSessions {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%x", "%t"} {
			assert.Equal(t, "authkit.Session(anonymous)", fmt.Sprintf(verb, session), "%s, %s", name, verb)
		}
		encoded, err := json.Marshal(map[string]any{"session": session})
		require.NoError(t, err)
		assert.Equal(t, `{"session":null}`, string(encoded), name)
		assert.True(t, session.LogValue().Equal(slog.Value{}), name)
		embedding := struct{ *authkit.Session }{session}
		assert.Equal(t, "authkit.Session(anonymous)", fmt.Sprint(embedding), name)
	}
}

func TestAnAnonymousSessionInTheContextIsAnAnonymousRequest(t *testing.T) {
	ak, err := authkit.New(behaviour.ValidOptions()...)
	require.NoError(t, err)
	for name, session := range anonymousSessions {
		r := httptest.NewRequest("GET", "/", nil)
		ctx := authkit.NewContext(r.Context(), session)
		found, ok := authkit.FromContext(ctx)
		assert.False(t, ok, name)
		assert.Nil(t, found, name)
		w := httptest.NewRecorder()
		ak.RequireAuth(http.NotFoundHandler()).ServeHTTP(w, r.WithContext(ctx))
		assert.Equal(t, http.StatusUnauthorized, w.Code, name)
	}
}

func TestASessionThatIsNotABearerSessionHasAProfile(t *testing.T) {
	user := authkit.User{ID: "user_kim", Email: "kim@example.com", Metadata: map[string]string{"plan": "pro"}}
	profile, ok := authkit.NewSession(authkit.SessionParams{User: user}).Profile()
	assert.True(t, ok)
	assert.Equal(t, user, profile)
}
