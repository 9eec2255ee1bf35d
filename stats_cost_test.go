// What counting requests costs: no allocation. Command compare in module bench measures the time.

package authkit_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
)

func TestCountingRequestsAllocatesNothing(t *testing.T) {
	observed := 0
	for name, opts := range map[string][]authkit.Option{
		"without an observer": nil,
		"with an observer":    {authkit.WithObserver(func(context.Context, authkit.Observation) { observed++ })},
	} {
		t.Run(name, func(t *testing.T) {
			handler, cookies := newBenchmark(t, 1, opts...)
			w, r := &reply{http.Header{}}, httptest.NewRequest("GET", "/", nil)
			serve := func() {
				clear(w.header)
				handler.ServeHTTP(w, r)
			}
			// The response writer of the middleware.
			assert.EqualValues(t, 1, testing.AllocsPerRun(100, serve), "an anonymous request")
			// It also holds the result of the authentication and the copy of the request.
			r.Header.Set("Cookie", cookies[0])
			serve()
			before := observed
			assert.EqualValues(t, 1, testing.AllocsPerRun(100, serve), "a warm request")
			assert.Equal(t, before, observed, "no observer is called")
		})
	}
}
