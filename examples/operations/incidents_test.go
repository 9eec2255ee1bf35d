// The incidents: each makes its alerts fire, /healthz says what is wrong, and both end when it is mended. They are played on a
// fake clock, and Prometheus gets the metrics of each minute. So the alerts have their real ranges and their real "for".

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// drillStart is the time at which each incident is played. The blocks of Prometheus begin every two hours.
var drillStart = time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)

func TestEachIncidentFiresItsAlertsAndEnds(t *testing.T) {
	tool(t, "prometheus")
	t.Parallel()
	players := map[string]*player{}
	for _, i := range incidents {
		d, planned := drills[i.Name]
		if assert.True(t, planned, "the incident %s has no drill", i.Name) {
			players[i.Name] = newPlayer(t, i.Name, d)
		}
	}
	var playing sync.WaitGroup
	slots := make(chan struct{}, 8) // some of them wait most of the time
	for _, p := range players {
		playing.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			p.play()
		})
	}
	playing.Wait()

	var recorded strings.Builder
	for _, p := range players {
		recorded.WriteString(p.recorded.String())
	}
	m := startMonitor(t, []byte(recorded.String()+"# EOF\n"))
	alerts := map[float64]map[string]map[string][]time.Time{} // by shorten
	for _, p := range players {
		if alerts[p.shorten] == nil {
			alerts[p.shorten] = firingTimes(t, m, p.shorten)
		}
	}
	charts := readDashboard(t).charts(t)
	covered := map[string]bool{}
	for name, p := range players {
		for _, alert := range p.alerts {
			covered[alert] = true
		}
		t.Run(name, func(t *testing.T) {
			for _, err := range p.errs {
				assert.NoError(t, err)
			}
			p.checkAlerts(t, alerts[p.shorten])
			p.checkPanels(t, m, charts)
		})
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(alerts[1])), slices.Collect(maps.Keys(covered)), "each alert has an incident, and each alert of a drill exists")
}

var (
	// week is the offset of a rule to the same hour of the last week. A drill takes less than two hours.
	week     = regexp.MustCompile(`offset (1w|7d)`)
	duration = regexp.MustCompile(`\[\w+\]|offset \w+`)
)

// firingTimes returns, for each alert and each site, the times at which the alert fires: its expression has had a result for
// as long as its "for" says. shorten divides the "for" and all durations of the expression.
func firingTimes(t *testing.T, m *monitor, shorten float64) map[string]map[string][]time.Time {
	t.Helper()
	alerts := map[string]map[string][]time.Time{}
	for _, r := range m.rules {
		require.Equal(t, "alerting", r.Type)
		step := 30 * time.Second
		during := span{drillStart, drillStart.Add(2 * time.Hour)}
		expression := week.ReplaceAllString(r.Query, "offset 1h")
		if shorten > 1 {
			step, during.end = time.Second, drillStart.Add(20*time.Minute)
			expression = duration.ReplaceAllStringFunc(expression, func(text string) string { return shortened(t, text, shorten) })
		}
		pending, err := m.holds(expression, during, step)
		require.NoError(t, err, r.Name)
		alerts[r.Name] = map[string][]time.Time{}
		for site, times := range pending {
			since := times[0]
			for i, at := range times {
				if i > 0 && at.Sub(times[i-1]) > step {
					since = at
				}
				if at.Sub(since).Seconds() >= r.Duration/shorten {
					alerts[r.Name][site] = append(alerts[r.Name][site], at)
				}
			}
		}
	}
	return alerts
}

// shortened divides the duration in a range, such as [5m], or in an offset.
func shortened(t *testing.T, text string, by float64) string {
	t.Helper()
	d, err := time.ParseDuration(strings.Trim(strings.TrimPrefix(text, "offset "), "[]"))
	require.NoError(t, err)
	short := fmt.Sprintf("%ds", max(int(d.Seconds()/by), 1))
	if strings.HasPrefix(text, "[") {
		return "[" + short + "]"
	}
	return "offset " + short
}

// player plays a drill on a site. What it does and finds is for the test to check afterwards.
type player struct {
	*testSite
	drill
	clock    *leapingClock
	crowd    []*authkittest.Browser
	others   []*neighbour
	recorded strings.Builder // the metrics of all ticks, in the format of OpenMetrics
	incident span
	end      time.Time

	mu   sync.Mutex
	errs []error // guarded by mu
}

// neighbour is another instance of the application, with a user. For its metrics, it need not share the store.
type neighbour struct {
	*testSite
	user *authkittest.Browser
}

func newPlayer(t *testing.T, name string, d drill) *player {
	clock := &leapingClock{FakeClock: authkittest.NewFakeClock(drillStart)}
	p := &player{testSite: newTestSite(t, name, clock), drill: d.withDefaults(), clock: clock}
	for range p.users {
		p.crowd = append(p.crowd, authkittest.NewBrowser())
	}
	if d.neighbour {
		n := &neighbour{newTestSite(t, "neighbour", clock), authkittest.NewBrowser()}
		p.others = append(p.others, n)
	}
	t.Cleanup(func() {
		for _, b := range p.crowd {
			b.CloseIdleConnections()
		}
		for _, other := range p.others {
			other.user.CloseIdleConnections()
		}
	})
	return p
}

// play plays healthy traffic, the incident, and the time after it.
func (p *player) play() {
	p.each(func(n int) { p.enter(n) })
	p.ticks(p.before)
	p.incident.begin = p.clock.Now()
	p.clock.AdvanceWhile(func() { p.must(p.press("/incidents/"+p.name, amountFields(p.amount))) })
	p.ticks(p.during)
	p.incident.end = p.clock.Now()
	p.awaitHealth("during the incident", p.health)
	p.clock.AdvanceWhile(func() { p.must(p.press("/incidents/"+p.name+"/end", nil)) })
	p.ticks(p.later)
	p.awaitHealth("after the incident", nil)
	p.end = p.clock.Now()
}

func (p *player) must(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.errs = append(p.errs, err)
	}
}

// awaitHealth waits until /healthz has the reasons: the list of events is read behind the requests.
func (p *player) awaitHealth(when string, reasons map[string]string) {
	limit := time.Now().Add(startLimit)
	for {
		err := p.healthy(reasons)
		if err == nil {
			return
		}
		if time.Now().After(limit) {
			p.must(fmt.Errorf("%s: %w", when, err))
			return
		}
		p.tick(0)
	}
}

// healthy reports a difference between /healthz and the reasons of the checks that should be degraded.
func (s *testSite) healthy(reasons map[string]string) error {
	h, err := s.healthDocument()
	if err != nil {
		return err
	}
	for name, check := range h.Checks {
		if check.Reason != reasons[name] {
			err = errors.Join(err, fmt.Errorf("/healthz says of %s: %s %q, and not %q", name, check.Status, check.Reason, reasons[name]))
		}
	}
	if degraded := len(reasons) > 0; degraded != (h.Status == "degraded") {
		err = errors.Join(err, fmt.Errorf("/healthz says %q", h.Status))
	}
	return err
}

// ticks lets time pass, with its traffic.
func (p *player) ticks(total time.Duration) {
	for n, end := 0, p.clock.Now().Add(total); p.clock.Now().Before(end); n++ {
		p.tick(n)
	}
}

// tick lets a tick pass, plays its traffic and records the metrics.
func (p *player) tick(n int) {
	p.awaitQuiet()
	p.clock.Leap(p.step)
	switch {
	case p.incident.begin.IsZero():
		p.traffic(n)
	case p.slow && p.incident.end.IsZero():
		p.traffic(n)
		p.awaitEvents()
	case p.unanswered && p.incident.end.IsZero():
		p.advanceFastWhile(func() { p.traffic(n) })
	default:
		p.clock.AdvanceWhile(func() { p.traffic(n) }) // requests may wait for pauses and time limits
	}
	p.must(p.record(p.testSite))
	for _, other := range p.others {
		p.must(p.record(other.testSite))
	}
}

// awaitQuiet waits until no call of WorkOS is under way. The next step of the clock is longer than the time limit of a call,
// which would fail for the clock alone. It gives up after a while, because some incidents let calls hang.
func (p *player) awaitQuiet() {
	const turns = 200
	for range turns {
		if p.network.isQuiet() {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
}

// awaitEvents waits until the list of events is read at the time of the clock. A read that began before the clock was moved
// gives an earlier time, and the next one begins a second later. So the clock is moved on from time to time.
func (p *player) awaitEvents() {
	const patience = 5 * time.Second // more than a slow read takes
	moved := time.Now()
	for limit := moved.Add(startLimit); !p.deployment.Load().ak.Stats().Events.ReadAt.Equal(p.clock.Now()); {
		if time.Now().After(limit) {
			p.must(errors.New("the list of events is not read"))
			return
		}
		if time.Since(moved) > patience {
			p.clock.Leap(time.Second)
			moved = time.Now()
		}
		<-time.After(poll)
	}
}

// advanceFastWhile moves the clock until f returns. It does not wait until everything waits, as AdvanceWhile does. That is right
// if no call of WorkOS is answered, so that none can miss its time limit because of the clock.
func (p *player) advanceFastWhile(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	for {
		select {
		case <-done:
			return
		case <-time.After(5 * time.Millisecond):
			p.clock.Advance(250 * time.Millisecond)
		}
	}
}

// traffic plays the requests of a tick, at the same time.
func (p *player) traffic(n int) {
	var all sync.WaitGroup
	all.Go(func() {
		for range p.visits {
			p.each(p.enter)
		}
	})
	if p.more != nil {
		all.Go(func() { p.more(p) })
	}
	for _, other := range p.others {
		all.Go(func() { p.must(other.enter(p.t.Context(), other.user, "ada@harborpress.test")) })
	}
	if n%p.signInEvery == 0 {
		all.Go(func() { _, _ = p.send(p.t.Context(), http.DefaultClient, "/api/report", bearer(p.apiKey)) })
		all.Go(func() {
			b, err := p.signIn("ada@harborpress.test") // fails in some incidents
			if err == nil {
				_, _ = b.Fetch(http.MethodPost, p.home+"/logout")
			}
			b.CloseIdleConnections()
		})
	}
	all.Wait()
}

// each calls a function for each user, at the same time.
func (p *player) each(do func(n int)) {
	var all sync.WaitGroup
	for n := range p.crowd {
		all.Go(func() { do(n) })
	}
	all.Wait()
}

// enter is a visit of a user to a page. A user without a session signs in, unless the drill says that they stay.
func (p *player) enter(n int) {
	users := p.fake.Users()
	if p.stay && !p.incident.begin.IsZero() {
		_ = p.visit(p.t.Context(), p.crowd[n], "/api/me") // the user is signed out
		return
	}
	_ = p.testSite.enter(p.t.Context(), p.crowd[n], users[n%len(users)].Email) // fails in some incidents
}

// enter is a visit of a user to a page. A user without a session signs in.
func (s *testSite) enter(ctx context.Context, b *authkittest.Browser, email string) error {
	err := s.visit(ctx, b, "/api/me")
	if errors.Is(err, errSignedOut) {
		_, err = b.SignIn(s.home+"/login", email)
	}
	return err
}

// record records the metrics of an instance as they are now.
func (p *player) record(s *testSite) error {
	text, err := s.fetch("/metrics")
	if err != nil {
		return err
	}
	at := unix(p.clock.Now())
	for line := range strings.Lines(text) {
		name, rest, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found || !strings.HasPrefix(name, "authkit_") {
			continue
		}
		name, labels, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
		if labels != "" {
			labels = "," + labels
		}
		fmt.Fprintf(&p.recorded, "%s{job=%q,instance=%q%s} %s %s\n", name, p.name, s.name, labels, rest, at)
	}
	return nil
}

// checkAlerts checks that the alerts of the drill fire during the incident and end after it, and that no other one fires.
func (p *player) checkAlerts(t *testing.T, alerts map[string]map[string][]time.Time) {
	for _, name := range p.alerts {
		times := alerts[name][p.name]
		if assert.NotEmpty(t, times, "%s does not fire", name) {
			assert.True(t, times[0].After(p.incident.begin) && !times[0].After(p.incident.end), "%s fires at %s, and not during the incident from %s to %s", name, times[0], p.incident.begin, p.incident.end)
			assert.True(t, times[len(times)-1].Before(p.end), "%s fires until %s, and should end before %s", name, times[len(times)-1], p.end)
		}
	}
	for name, sites := range alerts {
		if name == "AuthKitRefreshesSlow" {
			continue // durations are real, so it can fire on a busy machine
		}
		if !slices.Contains(p.alerts, name) && !slices.Contains(p.also, name) {
			assert.Empty(t, sites[p.name], "%s fires. The incident is from %s to %s", name, p.incident.begin, p.incident.end)
		}
	}
}

// checkPanels checks what the panels show at the end of the incident, about the time since its begin.
func (p *player) checkPanels(t *testing.T, m *monitor, charts map[string]panel) {
	window := p.incident.end.Sub(p.incident.begin)
	for title, check := range p.panels {
		s := shown{window: window}
		for n := range charts[title].Targets {
			found, err := m.query(charts[title].expression(n, p.name, window), p.incident.end)
			require.NoError(t, err)
			s.queries = append(s.queries, found)
		}
		if assert.NotEmpty(t, s.queries, "there is no panel %q", title) {
			assert.NoError(t, check(s), title)
		}
	}
}

// shown is what a panel shows about a time: the samples of each of its queries.
type shown struct {
	queries []samples
	window  time.Duration
}

// count returns how often something has happened, of a query that is a rate by a label. It is exact to a few percent, because
// Prometheus extrapolates.
func (p shown) count(query int, label, value string) float64 {
	return p.queries[query].sum(label, value) * p.window.Seconds()
}

// value returns the value of a query that has one series.
func (p shown) value(query int) float64 {
	if len(p.queries[query]) != 1 {
		return math.NaN()
	}
	return p.queries[query][0].value
}

func between(value, least, most float64) error {
	if value >= least && value <= most {
		return nil
	}
	return fmt.Errorf("%v is not between %v and %v", value, least, most)
}
