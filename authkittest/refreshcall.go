// What surrounds a refresh: its counts, the lock of its session and the time that it takes.

package authkittest

import "net/http"

// RefreshCounts counts the calls of RouteRefresh by their outcome. A call that a fault answered without TakeEffect has none.
type RefreshCounts struct {
	Exchanged int `json:"exchanged"` // refresh tokens that were exchanged for new tokens
	Replayed  int `json:"replayed"`  // calls within the replay window, which got the tokens of an earlier exchange
	Refused   int `json:"refused"`   // calls that got an error, except 429: for example invalid_grant
	Limited   int `json:"limited"`   // calls that got 429 because of WithRateLimit or WithSessionLock

	// MostPresented is how often the refresh token that was presented most often was presented: 1 if every refresh token was
	// presented once. Calls beyond the rate limit do not count, calls that met a locked session do.
	MostPresented int `json:"most_presented"`
}

// Refreshes returns the counts of all refreshes since the start.
func (f *Server) Refreshes() RefreshCounts {
	f.mu.Lock()
	counts := f.refreshes
	f.mu.Unlock()
	counts.Limited = f.Limited(RouteRefresh)
	return counts
}

// Presented returns how often a refresh token was presented to the fake, counted as for MostPresented of [RefreshCounts]. It
// returns 0 for an unknown refresh token, and for one that was exchanged more than a day ago.
func (f *Server) Presented(refreshToken string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if token := f.refreshTokens[refreshToken]; token != nil {
		return token.presented
	}
	return 0
}

// refreshCall is a call of RouteRefresh and the writer of its response.
type refreshCall struct {
	http.ResponseWriter
	f       *Server
	session *session // locked by this call; nil if it has locked none
}

// run exchanges the refresh token and waits for the refresh latency. If the session is locked, it does neither.
func (c *refreshCall) run(r *http.Request, grantType string, p parameters) (*authentication, *apiError) {
	if !c.lock(p["refresh_token"]) {
		return nil, tooManyRequests("Another refresh of this session is in progress.", 1)
	}
	response, apiErr := c.f.grant(grantType, p)
	if apiErr != nil {
		c.f.mu.Lock()
		c.f.refreshes.Refused++
		c.f.mu.Unlock()
	}
	c.wait(r)
	return response, apiErr
}

// lock counts the refresh token as presented and locks its session. It reports false if another call has locked it. An
// unknown refresh token has no session to lock.
func (c *refreshCall) lock(refreshToken string) bool {
	f := c.f
	f.mu.Lock()
	defer f.mu.Unlock()
	token := f.refreshTokens[refreshToken]
	if token == nil {
		return true
	}
	token.presented++
	f.refreshes.MostPresented = max(f.refreshes.MostPresented, token.presented)
	if f.settings.sessionLock && token.session.locks > 0 {
		return false
	}
	c.session = token.session
	c.session.locks++
	return true
}

// wait waits for the refresh latency. A caller that disconnects ends the wait. Its session stays locked for the whole latency,
// because WorkOS also continues with what a caller no longer waits for. The lock ends with the latency on the clock, and not
// when this goroutine notices it.
func (c *refreshCall) wait(r *http.Request) {
	f, s := c.f, c.session
	if f.settings.refreshLatency <= 0 {
		return
	}
	c.session = nil // the timer unlocks it
	over := make(chan struct{})
	f.clock.AfterFunc(f.settings.refreshLatency, func() {
		f.addLocks(s, -1)
		close(over)
	})
	noteEffect(r)
	f.calls.noteFault()
	f.calls.end()
	defer f.calls.begin()
	select {
	case <-over:
		return
	case <-r.Context().Done():
	case <-f.done:
	}
	panic(http.ErrAbortHandler)
}

// WriteHeader unlocks the session first. A caller that has its response can refresh the session again.
func (c *refreshCall) WriteHeader(status int) {
	c.unlock()
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap returns the writer for http.ResponseController.
func (c *refreshCall) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// unlock removes the lock of this call, at its first call.
func (c *refreshCall) unlock() {
	c.f.addLocks(c.session, -1)
	c.session = nil
}

// addLocks changes the number of locks of a session, if there is one.
func (f *Server) addLocks(s *session, n int) {
	if s == nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	s.locks += n
}
