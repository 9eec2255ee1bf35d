// Tests of the evidence for a mistake, of the bounds of what is remembered, and of concurrent use.

package misconfig

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// recorder is a Detector and what it has logged at Warn.
type recorder struct {
	*Detector
	log *bytes.Buffer
	now time.Time
}

func newRecorder(redirect string, change func(*Settings)) *recorder {
	rec := &recorder{log: &bytes.Buffer{}, now: time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)}
	s := Settings{
		Log: slog.New(slog.NewTextHandler(rec.log, nil)), Now: func() time.Time { return rec.now },
		CookieName: "sid", Secure: strings.HasPrefix(redirect, "https:"), SameSite: http.SameSiteLaxMode, SignInTimeout: time.Hour,
	}
	if redirect != "" {
		s.RedirectURLs = []string{redirect}
	}
	if change != nil {
		change(&s)
	}
	rec.Detector = New(s)
	return rec
}

func (rec *recorder) warnings() int { return strings.Count(rec.log.String(), "level=WARN") }

// request returns a request of a browser to an address. Pairs are names and values of its header.
func request(address string, pairs ...string) *http.Request {
	r := httptest.NewRequest("GET", address, nil)
	r.RequestURI = r.URL.RequestURI()
	r.TLS = nil
	r.Header.Set("User-Agent", "Mozilla/5.0 (test)")
	for i := 0; i < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	return r
}

// at returns a request that a listener at a port of 127.0.0.1 has accepted.
func at(port int, r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}))
}

func TestAPageOfPlainHTTPNeedsEvidence(t *testing.T) {
	const app, local = "https://app.example.com/callback", "https://localhost:8080/callback"
	encrypted := request("http://app.example.com/login", "Referer", "http://app.example.com/")
	encrypted.TLS = &tls.ConnectionState{}
	for name, c := range map[string]struct {
		redirect string
		r        *http.Request
		plain    bool
	}{
		"a page of plain http":                  {app, request("http://app.example.com/login", "Referer", "http://app.example.com/x"), true},
		"an origin of plain http":               {app, request("http://app.example.com/login", "Origin", "http://app.example.com"), true},
		"no page":                               {app, request("http://app.example.com/login"), false},
		"a page over https":                     {app, request("http://app.example.com/login", "Referer", "https://app.example.com/x"), false},
		"a page of another host":                {app, request("http://app.example.com/login", "Referer", "http://www.example.com/"), false},
		"a request over TLS":                    {app, encrypted, false},
		"a proxy that says https":               {app, request("http://app.example.com/login", "Referer", "http://app.example.com/", "X-Forwarded-Proto", "https"), false},
		"a proxy that says https in Forwarded":  {app, request("http://app.example.com/login", "Referer", "http://app.example.com/", "Forwarded", "for=1.2.3.4;proto=HTTPS"), false},
		"a browser that says so by Fetch":       {app, request("http://app.example.com/login", "Referer", "http://app.example.com/", "Sec-Fetch-Site", "same-origin"), false},
		"another host":                          {app, request("http://other.example.com/login", "Referer", "http://other.example.com/"), false},
		"a redirect URL of http":                {"http://localhost:8080/callback", request("http://localhost:8080/login", "Referer", "http://localhost:8080/"), false},
		"a listener at the redirect URL":        {local, at(8080, request("http://localhost:8080/login")), true},
		"a listener at another port":            {local, at(8081, request("http://localhost:8080/login")), false},
		"a listener behind a proxy":             {local, at(8080, request("http://localhost:8080/login", "X-Forwarded-For", "::1")), false},
		"a front end at another port":           {local, at(8080, request("http://localhost:3000/login", "Referer", "http://localhost:3000/")), false},
		"an unknown listener":                   {local, request("http://localhost:8080/login"), false},
		"a page at the port of the redirect":    {local, at(8080, request("http://localhost:8080/login", "Referer", "http://localhost:8080/")), true},
		"a page whose port is not the listener": {local, at(9090, request("http://localhost:8080/login", "Referer", "http://localhost:8080/")), false},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newRecorder(c.redirect, nil)
			assert.Equal(t, c.plain, rec.isPlain(c.r))
		})
	}
}

func TestALostCookieOfASignInNeedsEvidence(t *testing.T) {
	start := func() *http.Request { return request("http://app.example.com/login") }
	callback := func(pairs ...string) *http.Request {
		return request("http://app.example.com/callback", append([]string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, pairs...)...)
	}
	for name, c := range map[string]struct {
		run  func(rec *recorder)
		warn bool
	}{
		"a callback after a login":  {func(rec *recorder) { rec.StateMissing(callback(), "a", false) }, true},
		"without Fetch Metadata":    {func(rec *recorder) { rec.StateMissing(request("http://app.example.com/callback"), "a", false) }, true},
		"an unknown state":          {func(rec *recorder) { rec.StateMissing(callback(), "b", false) }, false},
		"another browser":           {func(rec *recorder) { rec.StateMissing(callback("User-Agent", "Mozilla/5.0 (phone)"), "a", false) }, false},
		"a program":                 {func(rec *recorder) { rec.StateMissing(callback("User-Agent", "curl/8"), "a", false) }, false},
		"an address that was typed": {func(rec *recorder) { rec.StateMissing(callback("Sec-Fetch-Site", "none"), "a", false) }, false},
		"a link of this site":       {func(rec *recorder) { rec.StateMissing(callback("Sec-Fetch-Site", "same-origin"), "a", false) }, false},
		"a sign-in that took too long": {func(rec *recorder) {
			rec.now = rec.now.Add(time.Hour)
			rec.StateMissing(callback(), "a", false)
		}, false},
		"a sign-in that was dropped": {func(rec *recorder) {
			rec.SignInDropped("a")
			rec.StateMissing(callback(), "a", false)
		}, false},
		"a cookie that came back before": {func(rec *recorder) {
			rec.StateReturned(callback(), "a")
			rec.StateMissing(callback(), "a", false)
		}, false},
		"a cookie that came back to another browser": {func(rec *recorder) {
			rec.SignInStarted(start(), "b")
			rec.StateReturned(callback(), "b")
			rec.StateMissing(callback(), "a", false)
		}, false},
		"a program that sends its cookie": {func(rec *recorder) {
			rec.SignInStarted(start(), "b")
			rec.StateReturned(callback("User-Agent", "curl/8"), "b")
			rec.StateMissing(callback(), "a", false)
		}, true},
		"a cookie that was changed": {func(rec *recorder) { rec.StateMissing(callback(), "a", true) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newRecorder("http://app.example.com/callback", nil)
			rec.SignInStarted(start(), "a")
			c.run(rec)
			assert.Equal(t, c.warn, rec.warnings() == 1, rec.log)
			assert.LessOrEqual(t, rec.warnings(), 1)
		})
	}
}

func TestALostSessionNeedsEvidence(t *testing.T) {
	page := func(target string, pairs ...string) *http.Request {
		return request("http://app.example.com"+target, pairs...)
	}
	for name, c := range map[string]struct {
		target string
		run    func(rec *recorder)
		warn   bool
	}{
		"the next page":                    {"/x?y=1#z", func(rec *recorder) { rec.NoSession(page("/x?y=1")) }, true},
		"another page":                     {"/x", func(rec *recorder) { rec.NoSession(page("/y")) }, false},
		"any page":                         {"", func(rec *recorder) { rec.NoSession(page("/y")) }, true},
		"a page that was typed":            {"/x", func(rec *recorder) { rec.NoSession(page("/x", "Sec-Fetch-Site", "none")) }, false},
		"another browser":                  {"/x", func(rec *recorder) { rec.NoSession(page("/x", "User-Agent", "Mozilla/5.0 (phone)")) }, false},
		"a page of another origin":         {"https://spa.example.com/x", func(rec *recorder) { rec.NoSession(page("/x")) }, false},
		"a session that came back":         {"/x", func(rec *recorder) { rec.SessionOpened(); rec.NoSession(page("/x")) }, false},
		"ten seconds later":                {"/x", func(rec *recorder) { rec.now = rec.now.Add(10 * time.Second); rec.NoSession(page("/x")) }, false},
		"a domain that does not cover it":  {"/x", func(rec *recorder) { rec.CookieDomain = "example.org"; rec.NoSession(page("/x")) }, true},
		"the same page of another host":    {"/x", func(rec *recorder) { rec.NoSession(request("http://www.example.com/x")) }, false},
		"the next page, once for each one": {"/x", func(rec *recorder) { rec.NoSession(page("/x")); rec.NoSession(page("/x")) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			rec := newRecorder("http://app.example.com/callback", nil)
			assert.False(t, rec.IsWaiting())
			rec.SignInCompleted(page("/callback"), c.target)
			c.run(rec)
			assert.Equal(t, c.warn, rec.warnings() == 1, rec.log)
			assert.LessOrEqual(t, rec.warnings(), 1)
		})
	}
}

func TestChunksThatAreMissingTwiceAreLoggedWithTheirSizes(t *testing.T) {
	r := request("http://app.example.com/")
	rec := newRecorder("http://app.example.com/callback", nil)
	rec.SessionSet([]string{"one cookie"})
	assert.False(t, rec.AwaitsChunks())
	rec.SessionSet([]string{"aaaa", "bbbb", "c"})
	assert.True(t, rec.AwaitsChunks())
	rec.ChunksCame(r, []string{"of another session"})
	rec.ChunksCame(r, []string{"aaaa", "c"})
	assert.Zero(t, rec.warnings(), "a response may still be arriving")
	rec.ChunksCame(r, []string{"aaaa", "c"})
	assert.Contains(t, rec.log.String(), `set="4 4 1" came_back="4 1"`)
	assert.False(t, rec.AwaitsChunks())

	rec = newRecorder("http://app.example.com/callback", nil)
	rec.SessionSet([]string{"aaaa", "bbbb", "c"})
	rec.ChunksCame(r, []string{"aaaa"})
	rec.ChunksCame(r, []string{"aaaa", "bbbb", "c"})
	rec.ChunksCame(r, []string{"aaaa"})
	rec.ChunksCame(r, []string{"aaaa"})
	assert.False(t, rec.AwaitsChunks(), "the set came back whole")
	rec.SessionSet([]string{"dddd", "eee"})
	assert.False(t, rec.AwaitsChunks(), "a smaller one comes back too")
	rec.SessionSet([]string{"dddd", "eeee", "ff"})
	assert.True(t, rec.AwaitsChunks())
	rec.now = rec.now.Add(time.Minute)
	rec.ChunksCame(r, []string{"dddd"})
	assert.False(t, rec.AwaitsChunks())
	assert.Zero(t, rec.warnings())
}

func TestAnotherHostIsLoggedOncePerClass(t *testing.T) {
	rec := newRecorder("https://app.example.com/callback", nil)
	for _, host := range []string{"evil.example", "evil2.example", "www.app.example.com", "example.com", "admin.example.com", "192.0.2.1", "[2001:db8::1]:8443", "com"} {
		rec.SignInStarted(request("http://"+host+"/login", "Referer", "https://"+host+"/"), "a")
	}
	assert.Equal(t, 2, rec.warnings(), rec.log)
	for _, host := range []string{"app.example.com", "APP.example.com", "app.example.com.", "app.example.com:443"} {
		rec = newRecorder("https://app.example.com/callback", nil)
		rec.SignInStarted(request("http://"+host+"/login", "Referer", "https://"+host+"/"), "a")
		assert.Zero(t, rec.warnings(), host)
	}
	rec = newRecorder("https://app.example.com/callback", nil)
	rec.Detector = New(Settings{Log: rec.Log, Now: rec.Now, SignInTimeout: time.Hour, RedirectURLs: []string{"https://app.example.com/callback", "https://acme.example.com/callback"}})
	rec.SignInStarted(request("http://acme.example.com/login", "Referer", "https://acme.example.com/"), "a")
	assert.Zero(t, rec.warnings(), "a redirect URL of its own")
}

func TestAnAttackerCanWriteOnlyAShortHostIntoTheLog(t *testing.T) {
	rec := newRecorder("https://app.example.com/callback", nil)
	r := request("http://x/login")
	r.Host = "evil\n level=ERROR msg=x\x1b[31m\"" + strings.Repeat("é", 100)
	rec.warnHost(r, hostOf(r.Host))
	assert.Equal(t, 1, rec.warnings())
	assert.NotContains(t, rec.log.String(), "ERROR")
	assert.NotContains(t, rec.log.String(), "\x1b")
	assert.Less(t, rec.log.Len(), 500)
}

func TestAPreflightIsLoggedForOriginsOfTheApplication(t *testing.T) {
	for origin, warn := range map[string]bool{
		"https://spa.example.org": true, "https://spa.example.org:443": true, "http://spa.example.org": false, "https://spa.example.org:8443": false,
		"https://www.example.com": true, "https://example.com": true, "https://com": false, "https://evil.example": false, "null": false, "": false,
		"http://localhost:5173": false, "https://evil-example.com": false, "https://example.com.evil.example": false,
	} {
		rec := newRecorder("https://app.example.com/callback", func(s *Settings) { s.Origins = []string{"https://spa.example.org"} })
		r := request("http://app.example.com/x", "Origin", origin, "Access-Control-Request-Method", "PUT")
		rec.Preflight(r)
		assert.Zero(t, rec.warnings(), "not OPTIONS")
		r.Method = "OPTIONS"
		rec.Preflight(r)
		rec.Preflight(r)
		assert.Equal(t, warn, rec.warnings() == 1, origin)
		r.Header.Del("Access-Control-Request-Method")
		rec = newRecorder("https://app.example.com/callback", nil)
		rec.Preflight(r)
		assert.Zero(t, rec.warnings(), "no preflight")
	}
}

func TestARefusedReturnIsLoggedForTrustedOriginsAndThisMachine(t *testing.T) {
	for _, c := range []struct {
		redirect, target string
		warn             bool
	}{
		{"https://app.example.com/callback", "https://spa.example.org/x", true},
		{"https://app.example.com/callback", "http://spa.example.org/x", false},
		{"https://app.example.com/callback", "https://www.example.com/x", false}, // any site can name it, and a line of the log must not make it a target
		{"https://app.example.com/callback", "http://localhost:5173/x", false},
		{"https://app.example.com/callback", "/x", false},
		{"http://localhost:8080/callback", "http://localhost:5173/x", true},
		{"http://localhost:8080/callback", "javascript://localhost/x", false},
		{"http://localhost:8080/callback", "https://evil.example/x", false},
	} {
		rec := newRecorder(c.redirect, func(s *Settings) { s.Origins = []string{"https://spa.example.org"} })
		program := request("http://app.example.com/login")
		program.Header.Set("User-Agent", "curl/8.5.0")
		rec.ReturnRefused(program, c.target)
		assert.Zero(t, rec.warnings(), "no browser")
		r := request("http://app.example.com/login")
		rec.ReturnRefused(r, c.target)
		rec.ReturnRefused(r, c.target)
		assert.Equal(t, c.warn, rec.warnings() == 1, c)
	}
}

func TestWhatIsRememberedOfBrowsersIsBounded(t *testing.T) {
	rec := newRecorder("http://app.example.com/callback", nil)
	for i := range 3 * maxStarted {
		text := fmt.Sprint(i)
		r := request("http://app.example.com/login", "User-Agent", "Mozilla/5.0 "+text)
		rec.SignInStarted(r, text)
		rec.SignInCompleted(r, "/"+text)
		rec.SessionSet([]string{text, text + "x"})
		rec.ForeignReplaced(r)
	}
	assert.LessOrEqual(t, rec.started.Len(), maxStarted)
	assert.LessOrEqual(t, rec.replaced.Len(), maxReplaced)
	assert.Len(t, rec.expected, maxExpected)
	assert.Len(t, rec.chunks, maxChunkSets)
	assert.Zero(t, rec.warnings())
}

func TestAMistakeIsLoggedOnceByConcurrentRequests(t *testing.T) {
	rec := newRecorder("http://app.example.com/callback", nil)
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			state := fmt.Sprint(i)
			r := request("http://app.example.com/x")
			rec.SignInStarted(r, state)
			rec.StateMissing(r, state, false)
			rec.SignInCompleted(r, "/x")
			rec.NoSession(r)
			rec.SessionSet([]string{"a" + state, "b"})
			rec.ChunksCame(r, []string{"a" + state})
			rec.ForeignReplaced(r)
			rec.ForeignReturned(r, false)
			rec.ForeignReturned(r, true)
		})
	}
	wg.Wait()
	rec.SessionOpened()
	assert.False(t, rec.IsWaiting())
	for _, k := range []kind{stateLost, sessionLost, sessionReplaced, otherClient} {
		assert.Equal(t, 1, strings.Count(rec.log.String(), messages[k]), messages[k])
	}
}

func TestEveryWarningIsOneSentenceThatSaysWhatToDo(t *testing.T) {
	seen := map[string]bool{}
	for _, message := range Messages() {
		assert.Regexp(t, `^authkit: [a-z].{30,}: [a-z].{20,}$`, message)
		assert.NotContains(t, message, ". ")
		assert.NotContains(t, message, "\n")
		assert.False(t, seen[message])
		seen[message] = true
	}
}
