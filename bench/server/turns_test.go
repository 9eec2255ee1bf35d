// Turns with made-up results, and doors that do not work.

package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheRatioOfTwoServersIsTheMedianOfTheirTurns(t *testing.T) {
	of := func(cpu time.Duration) Result {
		return Result{Tally: Tally{Requests: 10, Took: time.Second}, CPU: cpu, Application: 2 * cpu, Store: 3 * cpu}
	}
	turns := Turns{
		slices:  [][]Result{{of(10), of(20)}, {of(30), of(30)}, {of(10), of(90)}},
		latency: []Percentiles{{P99: 5}, {P99: 7}},
	}
	assert.EqualValues(t, 2, turns.Ratio(1, 0, Result.CPUPerRequest))
	assert.EqualValues(t, 0.5, turns.Ratio(0, 1, Result.CPUPerRequest))
	sum := turns.Sum(1)
	assert.Equal(t, 30, sum.Requests)
	assert.EqualValues(t, 140, sum.CPU)
	assert.EqualValues(t, 280, sum.Application)
	assert.EqualValues(t, 420, sum.Store)
	assert.EqualValues(t, 7, sum.P99)
	assert.EqualValues(t, 10, sum.Throughput())
}

func TestADoorThatIsOpenToAllIsNotMeasured(t *testing.T) {
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writePage(w, "visitor") }))
	defer open.Close()
	d := NewDoor(strings.TrimPrefix(open.URL, "http://"), nil)
	assert.ErrorContains(t, d.AwaitRedirect(t.Context()), "the proxy answered a request without a session with 200 OK")
}

func TestAConnectionThatCannotBeHeldIsAnError(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	defer closed.Close()
	d := NewDoor(strings.TrimPrefix(closed.URL, "http://"), nil)
	d.cookies = []string{"a=1"}
	_, err := d.Hold(2)
	require.ErrorContains(t, err, "404")
}

func TestARedirectMaySetACookieWithoutASession(t *testing.T) {
	redirecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "state", Value: "1"})
		http.Redirect(w, r, "/elsewhere", http.StatusSeeOther)
	}))
	defer redirecting.Close()
	c, err := plan{Path: "/", Protocol: HTTP1, Clients: 1}.connect(target{
		addresses: addresses{HTTP: strings.TrimPrefix(redirecting.URL, "http://")}, Status: http.StatusSeeOther,
	})
	require.NoError(t, err)
	defer c.close()
	assert.NoError(t, c[0].request())
}
