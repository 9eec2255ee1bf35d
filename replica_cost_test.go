// The cost of a store for requests that do not need it.

package authkit_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
)

func BenchmarkWarmWithStore(b *testing.B) {
	handler, cookies := newBenchmark(b, 1, authkit.WithStore(authkittest.NewMemoryStore(authkittest.NewFakeClock(time.Now()))))
	serve(b, handler, cookies...)
}

func TestARequestThatIsNotRefreshedAllocatesNoMoreWithAStore(t *testing.T) {
	store := authkittest.NewMemoryStore(authkittest.NewFakeClock(time.Now()))
	allocations := func(cookie bool, opts ...authkit.Option) float64 {
		handler, cookies := newBenchmark(t, 1, opts...)
		w := &reply{http.Header{}}
		r := httptest.NewRequest("GET", "/", nil)
		if cookie {
			r.Header.Set("Cookie", cookies[0])
		}
		handler.ServeHTTP(w, r) // the first request opens and verifies the session
		return testing.AllocsPerRun(100, func() {
			clear(w.header)
			handler.ServeHTTP(w, r)
		})
	}
	for name, cookie := range map[string]bool{"anonymous": false, "warm": true} {
		assert.Equal(t, allocations(cookie), allocations(cookie, authkit.WithStore(store)), name)
	}
}
