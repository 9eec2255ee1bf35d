// A hundred requests that wait for one exchange: their spans, and the picture of them in the documentation.

package authkitotel_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// update makes TestAHundredRequestsThatWaitAreDrawn write the picture: go test -run AreDrawn -update
var update = flag.Bool("update", false, "write docs/trace.svg")

const (
	picture = "../../docs/trace.svg"
	waiting = 100
)

// tracedRequest is the span of a request, and the only span below it.
type tracedRequest struct {
	visit, child tracetest.SpanStub
}

// requestsOfOneExchange sends requests that need a refresh, all at once. WorkOS answers when all of them wait. It returns the
// request that has made the exchange, and the others in the order of their begin.
func requestsOfOneExchange(t *testing.T, a *app) (starter tracedRequest, waiters []tracedRequest) {
	t.Helper()
	cookie := a.staleCookie()
	a.spans.Reset()
	a.Fake.InjectFault(authkittest.RouteRefresh, authkittest.Fault{Hang: true})
	var answers []chan behaviour.Response
	for range 1 + waiting {
		target := "/account?code=a_query_that_no_span_may_contain"
		answers = append(answers, a.SendAsync(behaviour.Request{Target: target, Cookie: cookie, Header: behaviour.Scripted()}))
	}
	a.awaitWaiting(1 + waiting)
	a.Fake.ClearFault(authkittest.RouteRefresh)
	for _, answer := range answers {
		require.Equal(t, http.StatusOK, (<-answer).Status)
	}
	require.Equal(t, 1, a.Fake.Calls(authkittest.RouteRefresh))
	a.awaitVisits()
	children := map[trace.SpanID]tracetest.SpanStub{}
	for _, span := range a.spans.GetSpans() {
		if parent := span.Parent.SpanID(); span.Parent.IsValid() {
			require.NotContains(t, children, parent, "each request has one span of the AuthKit")
			children[parent] = span
		}
	}
	for _, visit := range a.spansOf(t, "GET /account", 1+waiting) {
		child := children[visit.SpanContext.SpanID()]
		if child.Name == "authkit.refresh" {
			starter = tracedRequest{visit, child}
		} else {
			waiters = append(waiters, tracedRequest{visit, child})
		}
	}
	slices.SortFunc(waiters, func(a, b tracedRequest) int { return a.visit.StartTime.Compare(b.visit.StartTime) })
	return starter, waiters
}

// documentedAttributes returns the names of the attributes that the comment of the package lists.
func documentedAttributes(t *testing.T) (names []string) {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	_, list, _ := strings.Cut(string(doc), "The attributes are:")
	list, _, _ = strings.Cut(list, "The status is")
	for _, item := range regexp.MustCompile(`(?m)^//   - (.*?)[:\n]`).FindAllStringSubmatch(strings.ReplaceAll(list, ", with", ":"), -1) {
		names = append(names, regexp.MustCompile(`\w+(\.\w+)+`).FindAllString(item[1], -1)...)
	}
	require.Subset(t, names, []string{"authkit.outcome", "authkit.waiters", "authkit.organization.id"})
	return names
}

func TestAHundredRequestsThatWaitAreDrawn(t *testing.T) {
	a := newApp(t)
	starter, waiters := requestsOfOneExchange(t, a)
	exchange := starter.child
	require.Equal(t, "authkit.refresh", exchange.Name)
	require.Len(t, waiters, waiting)
	require.Len(t, a.spans.GetSpans(), 2*(1+waiting), "there are no other spans")
	assert.Equal(t, "authkit.exchange=1 authkit.outcome=ok authkit.waiters=100", described(exchange))
	assert.Empty(t, exchange.Links)
	for _, wait := range waiters {
		require.Equal(t, "authkit.refresh_wait", wait.child.Name)
		assert.Equal(t, "authkit.exchange=1 authkit.outcome=ok", described(wait.child))
		require.Len(t, wait.child.Links, 1)
		link := wait.child.Links[0]
		assert.Equal(t, exchange.SpanContext.TraceID(), link.SpanContext.TraceID())
		assert.Equal(t, exchange.SpanContext.SpanID(), link.SpanContext.SpanID())
		assert.Empty(t, link.Attributes)
		assert.False(t, wait.child.EndTime.Before(exchange.EndTime), "a wait ends after the exchange")
		assert.True(t, wait.child.StartTime.Before(exchange.EndTime))
	}

	documented := documentedAttributes(t)
	traces := map[trace.TraceID]bool{}
	for _, r := range append(waiters, starter) {
		traces[r.visit.SpanContext.TraceID()] = true
		assert.Equal(t, r.visit.SpanContext.TraceID(), r.child.SpanContext.TraceID())
		assert.False(t, r.child.StartTime.Before(r.visit.StartTime))
		assert.False(t, r.child.EndTime.After(r.visit.EndTime))
		assert.Equal(t, codes.Unset, r.child.Status.Code)
		assert.Empty(t, r.child.Events)
		assert.Empty(t, r.visit.Events)
		for _, at := range r.child.Attributes {
			assert.Contains(t, documented, string(at.Key))
			if at.Value.Type() == attribute.STRING {
				assert.Regexp(t, `^[a-z_]+$`, at.Value.AsString(), "no token, no path and no query")
			}
		}
		fmt.Fprintf(a.Logs, "%+v %+v\n", r.visit, r.child) // the log is checked for the secrets of all requests
	}
	assert.Len(t, traces, 1+waiting, "each request has a trace of its own")

	drawn := drawTrace(starter, waiters)
	if *update {
		require.NoError(t, os.WriteFile(picture, drawn, 0o644))
	}
	committed, err := os.ReadFile(picture)
	require.NoError(t, err)
	assert.Equal(t, structure(t, drawn), structure(t, committed), "run go test -run AreDrawn -update")
}

// The picture in the documentation is checked by itself: what a reader sees, and what a page of GitHub accepts.
func TestThePictureOfATraceIsComplete(t *testing.T) {
	committed, err := os.ReadFile(picture)
	require.NoError(t, err)
	assert.Less(t, len(committed), 40<<10)
	count := map[string]int{}
	var text []string
	for _, e := range elements(t, committed) {
		assert.Contains(t, []string{"svg", "title", "desc", "style", "rect", "text", "tspan", "line", "path", "circle"}, e.name, "no script and nothing from another file")
		for name := range e.attributes {
			assert.NotRegexp(t, `^(on|href)`, name)
		}
		count[e.attributes["class"]]++
		if e.attributes["class"] == "wait more" {
			count["more"] += strings.Count(e.attributes["d"], "M")
		}
		text = append(text, e.text)
	}
	assert.Equal(t, 1, count["exchange"])
	assert.Equal(t, drawnSingly, count["wait"])
	assert.Equal(t, drawnSingly, count["link from"])
	assert.Equal(t, waiting-drawnSingly, count["more"])
	all := strings.Join(text, "\n")
	for _, name := range []string{"GET /account", "authkit.refresh", "authkit.refresh_wait", "authkit.waiters = 100", "and 88 more", "100 links"} {
		assert.Contains(t, all, name)
	}
	assert.Regexp(t, `\d+ ms`, all)
	assert.Contains(t, string(committed), "prefers-color-scheme: dark")
	assert.NotContains(t, strings.ReplaceAll(string(committed), `xmlns="http://www.w3.org/2000/svg"`, ""), "http")
}
