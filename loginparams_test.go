// Tests of how login parameters are combined and kept.

package authkit_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// authorizationQuery returns the query of the authorization URL that a login handler redirects to.
func authorizationQuery(t *testing.T, login http.Handler) url.Values {
	t.Helper()
	w := httptest.NewRecorder()
	login.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/login", nil))
	require.Equal(t, http.StatusSeeOther, w.Code, w.Body.String())
	location, err := w.Result().Location()
	require.NoError(t, err)
	return location.Query()
}

func TestALaterChangeOfAMaxAgeVariableChangesNoSignIn(t *testing.T) {
	age := 10 * time.Minute
	ofAll, err := authkit.New(behaviour.ValidOptions(authkit.WithLoginParams(authkit.LoginParams{MaxAge: &age}))...)
	require.NoError(t, err)
	plain, err := authkit.New(behaviour.ValidOptions()...)
	require.NoError(t, err)
	handlers := map[string]http.Handler{
		"WithLoginParams": ofAll.Login(),
		"Login":           plain.Login(authkit.LoginParams{MaxAge: &age}),
	}
	age = -time.Second // as a variable that the application uses again
	for name, login := range handlers {
		t.Run(name, func(t *testing.T) { assert.Equal(t, "600", authorizationQuery(t, login).Get("max_age")) })
	}
}

func TestWithLoginParamsGivenTwiceKeepsTheFieldsOfBoth(t *testing.T) {
	ak, err := authkit.New(behaviour.ValidOptions(
		authkit.WithLoginParams(authkit.LoginParams{Organization: "org_1", Prompt: "login"}),
		authkit.WithLoginParams(authkit.LoginParams{Prompt: "consent"}),
	)...)
	require.NoError(t, err)
	query := authorizationQuery(t, ak.Login())
	assert.Equal(t, "org_1", query.Get("organization_id"))
	assert.Equal(t, "consent", query.Get("prompt"))
}

func TestAnAgeBetweenMinusOneSecondAndZeroIsRefused(t *testing.T) {
	age := -time.Millisecond
	_, err := authkit.New(behaviour.ValidOptions(authkit.WithLoginParams(authkit.LoginParams{MaxAge: &age}))...)
	faults := configErrors(t, err)
	require.Len(t, faults, 1)
	assert.Equal(t, authkit.ReasonOutOfRange, faults[0].Reason)
}

func TestALaterProviderReplacesAnEarlierConnection(t *testing.T) {
	ak, err := authkit.New(behaviour.ValidOptions(authkit.WithLoginParams(authkit.LoginParams{Connection: "conn_1"}))...)
	require.NoError(t, err)
	query := authorizationQuery(t, ak.Login(authkit.LoginParams{Provider: "GoogleOAuth"}))
	assert.Equal(t, "GoogleOAuth", query.Get("provider"))
	assert.False(t, query.Has("connection_id"))
}
