// Tests of the exported errors: the problem document, the page and the Failure of each.

package authkit_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// exportedErrors holds the exported errors of the package by name.
var exportedErrors = map[string]error{
	"ErrUnauthenticated":            authkit.ErrUnauthenticated,
	"ErrForbidden":                  authkit.ErrForbidden,
	"ErrRecentAuthRequired":         authkit.ErrRecentAuthRequired,
	"ErrRefreshRefused":             authkit.ErrRefreshRefused,
	"ErrOrganizationRefused":        authkit.ErrOrganizationRefused,
	"ErrOrganizationSignInRequired": authkit.ErrOrganizationSignInRequired,
	"ErrUnavailable":                authkit.ErrUnavailable,
	"ErrTooManyAPIKeys":             authkit.ErrTooManyAPIKeys,
	"ErrInvalidState":               authkit.ErrInvalidState,
	"ErrNoStep":                     authkit.ErrNoStep,
	"ErrSignInCancelled":            authkit.ErrSignInCancelled,
	"ErrSignInStepRequired":         authkit.ErrSignInStepRequired,
	"ErrSignInRefused":              authkit.ErrSignInRefused,
	"ErrSignInRateLimited":          authkit.ErrSignInRateLimited,
	"ErrSignInFailed":               authkit.ErrSignInFailed,
	"ErrSignInUnavailable":          authkit.ErrSignInUnavailable,
	"ErrSessionTooLarge":            authkit.ErrSessionTooLarge,
	"ErrSignInHookFailed":           authkit.ErrSignInHookFailed,
	"ErrCrossOriginRefused":         authkit.ErrCrossOriginRefused,
	"ErrPrefetchRefused":            authkit.ErrPrefetchRefused,
	"ErrMethodNotAllowed":           authkit.ErrMethodNotAllowed,
	"ErrCookieConflict":             authkit.ErrCookieConflict,
	"ErrInvalidActionSignature":     authkit.ErrInvalidActionSignature,
	"ErrActionTooLarge":             authkit.ErrActionTooLarge,
	"ErrActionFailed":               authkit.ErrActionFailed,
	"ErrInvalidWebhookSignature":    authkit.ErrInvalidWebhookSignature,
	"ErrWebhookTooLarge":            authkit.ErrWebhookTooLarge,
	"ErrInvalidWebhook":             authkit.ErrInvalidWebhook,
	"ErrEventFailed":                authkit.ErrEventFailed,
	"ErrInvalidLoginParams":         authkit.ErrInvalidLoginParams,
	"ErrLoginParamsTooLarge":        authkit.ErrLoginParamsTooLarge,
}

// snakeCase returns a name in snake case: too_many_api_keys for TooManyAPIKeys.
func snakeCase(name string) string {
	name = regexp.MustCompile(`([A-Z]+)([A-Z][a-z])`).ReplaceAllString(name, "${1}_${2}")
	name = regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(name, "${1}_${2}")
	return strings.ToLower(name)
}

func TestTheTestsCoverEveryExportedError(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	require.NoError(t, err)
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && strings.HasPrefix(spec.Names[0].Name, "Err") {
			names = append(names, spec.Names[0].Name)
			assert.Contains(t, exportedErrors, spec.Names[0].Name)
		}
		return !ok
	})
	assert.Len(t, names, len(exportedErrors))
}

func TestEveryErrorHasAProblemDocumentOfItsOwn(t *testing.T) {
	var failure authkit.Failure
	ak, err := authkit.New(behaviour.ValidOptions(authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
		failure = f
		f.ServeHTTP(w, r)
	}))...)
	require.NoError(t, err)
	types, codes := map[string]string{}, map[string]string{}
	for name, sentinel := range exportedErrors {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			ak.Fail(w, httptest.NewRequest("GET", "/", nil), fmt.Errorf("%w: the reason", sentinel))
			assert.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
			var problem struct {
				Type, Title, Detail, Code string
				Status                    int
			}
			decoder := json.NewDecoder(w.Body)
			decoder.DisallowUnknownFields()
			require.NoError(t, decoder.Decode(&problem))
			assert.Equal(t, "https://pkg.go.dev/github.com/authkit-go/authkit#"+name, problem.Type)
			assert.Equal(t, snakeCase(strings.TrimPrefix(name, "Err")), problem.Code)
			assert.Equal(t, "authkit: "+problem.Code, sentinel.Error())
			assert.NotEmpty(t, problem.Title)
			assert.NotEmpty(t, problem.Detail)
			assert.GreaterOrEqual(t, problem.Status, 400)
			assert.Equal(t, problem.Status, w.Code)
			assert.Empty(t, types[problem.Type], "the type is unique")
			assert.Empty(t, codes[problem.Code], "the code is unique")
			types[problem.Type], codes[problem.Code] = name, name

			assert.ErrorIs(t, failure.Err, sentinel)
			assert.Equal(t, problem.Type, failure.Type)
			assert.Equal(t, problem.Title, failure.Title)
			assert.Equal(t, problem.Status, failure.Status)
			assert.Equal(t, problem.Detail, failure.Detail)
			assert.Equal(t, problem.Code, failure.Code)
			assert.Empty(t, failure.Missing)
			assert.False(t, failure.Page)
		})
	}
}

func TestAnErrorPageShowsTitleAndDetailButNoReason(t *testing.T) {
	var failure authkit.Failure
	ak, err := authkit.New(behaviour.ValidOptions(authkit.WithErrorHandler(func(w http.ResponseWriter, r *http.Request, f authkit.Failure) {
		failure = f
		f.Title, f.Detail = "A title", "A detail"
		f.ServeHTTP(w, r)
	}))...)
	require.NoError(t, err)
	for name, sentinel := range exportedErrors {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", "text/html")
		ak.Fail(w, r, fmt.Errorf("%w: the reason", sentinel))
		assert.True(t, failure.Page, name)
		assert.Equal(t, failure.Status, w.Code, name)
		assert.Contains(t, w.Body.String(), "A title", name)
		assert.Contains(t, w.Body.String(), "A detail", name)
		assert.NotContains(t, w.Body.String(), "the reason", name)
	}
}

func TestAFailureEncodesAsItsProblemDocument(t *testing.T) {
	failure := authkit.Failure{
		Type: "https://example.com/", Title: "A title", Status: 403, Detail: "A detail", Code: "a_code", Missing: "role admin",
		Err: authkit.ErrForbidden, Link: "/login", RetryAfter: 1, Page: false,
	}
	encoded, err := json.Marshal(failure)
	require.NoError(t, err)
	const want = `{"type":"https://example.com/","title":"A title","status":403,"detail":"A detail","code":"a_code","missing":"role admin"}`
	assert.JSONEq(t, want, string(encoded))
	w := httptest.NewRecorder()
	failure.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	assert.JSONEq(t, want, w.Body.String())
}

func TestAnUnknownErrorIsAnsweredAsErrSignInFailed(t *testing.T) {
	ak, err := authkit.New(behaviour.ValidOptions()...)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	ak.Fail(w, httptest.NewRequest("GET", "/", nil), http.ErrNoCookie)
	assert.Equal(t, http.StatusBadGateway, w.Code)
	assert.Contains(t, w.Body.String(), "#ErrSignInFailed")
	assert.NotContains(t, w.Body.String(), http.ErrNoCookie.Error())
}

// RFC 9457, section 3.1.1: a missing type means about:blank. An empty one is a reference to the requested URL.
func TestAProblemDocumentWithoutATypeHasNoTypeMember(t *testing.T) {
	w := httptest.NewRecorder()
	authkit.Failure{Title: "There is no such page", Status: http.StatusNotFound, Code: "not_found"}.
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	assert.Equal(t, http.StatusNotFound, w.Code)
	var document map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &document))
	assert.NotContains(t, document, "type")
}

func TestErrSignInStepRequiredMatchesErrSignInRefused(t *testing.T) {
	assert.ErrorIs(t, authkit.ErrSignInStepRequired, authkit.ErrSignInRefused)
	assert.NotErrorIs(t, authkit.ErrSignInRefused, authkit.ErrSignInStepRequired)
}

func TestErrLoginParamsTooLargeMatchesErrInvalidLoginParams(t *testing.T) {
	assert.ErrorIs(t, authkit.ErrLoginParamsTooLarge, authkit.ErrInvalidLoginParams)
	assert.NotErrorIs(t, authkit.ErrInvalidLoginParams, authkit.ErrLoginParamsTooLarge)
}

func TestEveryErrorPageHasAWayHome(t *testing.T) {
	for name, c := range map[string]struct {
		opts []authkit.Option
		home string
	}{
		"at the root of the host": {nil, "/"},
		"below a path":            {[]authkit.Option{authkit.WithBasePath("/tool"), authkit.WithRedirectURL("https://app.example.com/tool/callback")}, "/tool/"},
	} {
		t.Run(name, func(t *testing.T) {
			ak, err := authkit.New(behaviour.ValidOptions(c.opts...)...)
			require.NoError(t, err)
			for name, sentinel := range exportedErrors {
				r := httptest.NewRequest("GET", "/x", nil)
				r.Header.Set("Accept", "text/html")
				w := httptest.NewRecorder()
				ak.Fail(w, r, sentinel)
				assert.Contains(t, w.Body.String(), `href="`+c.home+`">Home page</a>`, name)
			}
		})
	}
	public, err := authkit.New(behaviour.ValidOptions(authkit.WithRedirectURL(""))...)
	require.NoError(t, err)
	r := httptest.NewRequest("GET", "/x", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	public.Fail(w, r, authkit.ErrForbidden)
	assert.NotContains(t, w.Body.String(), "href", "an API has no home page")
}

func TestAMethodThatAHandlerDoesNotServeGetsAPageOrADocument(t *testing.T) {
	ak, err := authkit.New(behaviour.ValidOptions()...)
	require.NoError(t, err)
	for _, c := range []struct {
		handler       http.Handler
		method, allow string
	}{
		{ak.Login(), "POST", "GET"}, {ak.Callback(), "DELETE", "GET"}, {ak.Logout(), "GET", "POST"}, {ak.SwitchOrganization(), "GET", "POST"}, {ak.Me(), "POST", "GET"},
		{ak.Login(), "HEAD", "GET"}, {ak.Logout(), "HEAD", "POST"},
	} {
		for accept, contentType := range map[string]string{"text/html": "text/html; charset=utf-8", "*/*": "application/problem+json"} {
			r := httptest.NewRequest(c.method, "/x", nil)
			r.Header.Set("Accept", accept)
			w := httptest.NewRecorder()
			c.handler.ServeHTTP(w, r)
			assert.Equal(t, http.StatusMethodNotAllowed, w.Code)
			assert.Equal(t, c.allow, w.Header().Get("Allow"))
			assert.Equal(t, contentType, w.Header().Get("Content-Type"), "%s with %s", c.method, accept)
			assert.Equal(t, accept == "text/html", strings.Contains(w.Body.String(), "Home page"))
		}
	}
}
