// Malformed bodies: what the steps of the conformance tests send, with one value replaced, and bodies that are no object.

package authkittest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/openapi"
	"github.com/authkit-go/authkit/internal/testrun"
)

// longValue is the length of long values, and how deep arrays are nested.
var longValue = testrun.Length(500, 5000)

// wrongValues replace each value of a body.
var wrongValues = []json.RawMessage{
	[]byte(`null`), []byte(`-1.5`), []byte(`1e400`), []byte(`true`), []byte(`""`), []byte(`[]`), []byte(`[null]`), []byte(`{}`),
	[]byte(`"\u0000\ud800"`), []byte(`"` + strings.Repeat("x", longValue) + `"`), []byte(strings.Repeat("[", longValue) + strings.Repeat("]", longValue)),
}

// wrongBodies are bodies of no JSON object, one that is nested deeper than encoding/json reads, and one that is too large.
var wrongBodies = []string{
	`null`, `[]`, `7`, `{`, strings.Repeat(`{"a":`, testrun.Length(11_000, 50_000)), `{"email":"` + strings.Repeat("x", testrun.Length(1<<20, 2<<20)) + `"}`,
}

func TestNoMalformedBodyBreaksARoute(t *testing.T) {
	sent := map[string]bool{}
	kind := 0
	for _, name := range slices.Sorted(maps.Keys(subjects)) {
		c := newConversation(t)
		// With a fault, nothing is checked against the description, which has no answer to a body that is no object.
		c.InjectFault(authkittest.RouteDiscovery, authkittest.Fault{Status: http.StatusNotFound}) // not retried
		var patterns []string
		for _, route := range c.Routes() {
			patterns = append(patterns, string(route))
		}
		c.Wrap(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				require.NoError(t, err)
				r.Body = io.NopCloser(bytes.NewReader(body))
				next.ServeHTTP(w, r)
				route, ok := openapi.Match(patterns, r.Method, r.URL.EscapedPath())
				var whole map[string]any
				if !ok || json.Unmarshal(body, &whole) != nil {
					return
				}
				grant, _ := whole["grant_type"].(string)
				if sent[route+grant] {
					return
				}
				sent[route+grant] = true
				try := func(body []byte) {
					again := httptest.NewRequest(r.Method, r.URL.String(), bytes.NewReader(body))
					again.Header = r.Header.Clone()
					response := httptest.NewRecorder()
					assert.NotPanics(t, func() { next.ServeHTTP(response, again) }, "%s: %.200s", route, body)
					assert.Less(t, response.Code, http.StatusInternalServerError, "%s: %.200s", route, body)
					assert.True(t, response.Body.Len() == 0 || json.Valid(response.Body.Bytes()), "%s: %.200s", route, body)
				}
				for _, body := range wrongBodies {
					if len(body) > 1000 && len(sent)%testrun.Length(5, 1) != 0 {
						continue // they take long
					}
					try([]byte(body))
				}
				visitValues(whole, &kind, func() {
					body, err := json.Marshal(whole)
					require.NoError(t, err)
					try(body)
				})
			})
		})
		for _, s := range subjects[name] {
			func() {
				defer func() { _ = recover() }() // of must: an accepted body has changed what a later step expects
				_ = s.call(c)
			}()
		}
	}
	assert.Greater(t, len(sent), 50, "routes and grants with a body")
}

// wrongPerValue is how many of the wrong values replace a value.
var wrongPerValue = testrun.Length(5, len(wrongValues))

// visitValues calls f with each value of an object replaced by wrong ones, in turn from the given kind on, and with each member
// left out.
func visitValues(value any, kind *int, f func()) {
	replace := func(old any, set func(any)) {
		for range wrongPerValue {
			set(wrongValues[*kind%len(wrongValues)])
			*kind++
			f()
		}
		set(old)
		visitValues(old, kind, f)
	}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			old := value[name]
			replace(old, func(v any) { value[name] = v })
			delete(value, name)
			f()
			value[name] = old
		}
	case []any:
		for i, old := range value {
			replace(old, func(v any) { value[i] = v })
		}
	}
}
