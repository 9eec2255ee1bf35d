// The session cache counts the memory that it takes.

package authkit_test

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/behaviour"
	"github.com/authkit-go/authkit/internal/testrun"
)

// oneFetch is a transport that fetches each document once. A connection whose server has yet to finish would
// count in the size of the heap.
type oneFetch struct {
	recorded map[string]*httptest.ResponseRecorder
}

func (o oneFetch) RoundTrip(r *http.Request) (*http.Response, error) {
	if known := o.recorded[r.URL.Path]; known != nil {
		again := httptest.NewRecorder()
		maps.Copy(again.Header(), known.Header())
		again.WriteHeader(known.Code)
		_, err := again.Write(known.Body.Bytes())
		return again.Result(), err
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil || r.Method != http.MethodGet {
		return response, err
	}
	defer response.Body.Close()
	known := httptest.NewRecorder()
	maps.Copy(known.Header(), response.Header)
	known.WriteHeader(response.StatusCode)
	if _, err := io.Copy(known, response.Body); err != nil {
		return nil, err
	}
	o.recorded[r.URL.Path] = known
	return o.RoundTrip(r)
}

// liveHeap returns the bytes of the heap that are in use.
func liveHeap() int {
	finalized := make(chan struct{})
	runtime.SetFinalizer(new([64]byte), func(*[64]byte) { close(finalized) })
	runtime.GC()
	<-finalized  // the connections that are no longer used have been finalized before
	runtime.GC() // frees their memory, and what pools still held during the first run
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// aloneVariable is set in the process of inOwnProcess.
const aloneVariable = "AUTHKIT_TEST_ALONE"

// inOwnProcess reports whether the test runs in a process of its own. If not, it runs this test in one: the heap also has what
// earlier tests used, and what is freed of that during a measurement is counted.
func inOwnProcess(t *testing.T) bool {
	if os.Getenv(aloneVariable) != "" {
		return true
	}
	binary, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), binary, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), aloneVariable+"=1")
	output, err := cmd.CombinedOutput()
	t.Logf("%s", output)
	require.NoError(t, err)
	require.Contains(t, string(output), "--- PASS: "+t.Name()+" ")
	return false
}

func TestTheSessionCacheCountsItsMemoryWithinFivePercent(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	sessions := testrun.Length(64, 160)
	fake := authkittest.New(t)
	client := &http.Client{Transport: oneFetch{map[string]*httptest.ResponseRecorder{}}}
	newKit := func(t *testing.T, opts ...authkit.Option) *authkit.AuthKit {
		ak, err := authkit.New(append(opts, authkit.WithHTTPClient(client), authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
			authkit.WithCookiePassword(behaviour.Password), authkit.WithRedirectURL("https://app.example.com/callback"),
			authkit.WithLogger(slog.New(slog.DiscardHandler)), authkit.WithBearerTokens())...)
		require.NoError(t, err)
		return ak
	}
	serve := func(handler http.Handler, header, value string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(header, strings.Clone(value))
		handler.ServeHTTP(&reply{http.Header{}}, r)
	}
	var cookies, compact, tokens []string
	writer := newKit(t, authkit.WithSessionCache(0, 0))
	compactWriter := newKit(t, authkit.WithCompactCookie())
	tokenReader := writer.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		tokens = append(tokens, "Bearer "+s.AccessToken())
	}))
	for i := range sessions {
		cookies = append(cookies, signedInCookie(t, writer, fake, i))
		compact = append(compact, signedInCookie(t, compactWriter, fake, i))
		serve(tokenReader, "Cookie", cookies[i])
	}
	for name, c := range map[string]struct {
		header      string
		credentials []string
		times       int  // that each comes
		marks       bool // WorkOS has told of changes
	}{
		"used once":                             {"Cookie", cookies, 1, false},
		"in use":                                {"Cookie", cookies, 3, false},
		"in use, after a change":                {"Cookie", cookies, 3, true},
		"compact, used once":                    {"Cookie", compact, 1, false},
		"compact, in use, after a change":       {"Cookie", compact, 3, true},
		"bearer tokens, used once":              {"Authorization", tokens, 1, false},
		"bearer tokens, in use, after a change": {"Authorization", tokens, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			ak := newKit(t)
			if c.marks {
				authkit.NoteChanges(ak, 1)
				authkit.NoteEnds(ak)
			}
			handler := ak.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if _, ok := authkit.FromContext(r.Context()); !ok {
					panic("the request has no session")
				}
			}))
			serve(handler, c.header, c.credentials[0])
			before, counted := liveHeap(), ak.Stats().Cache.Bytes
			for range c.times {
				for _, credential := range c.credentials[1:] {
					serve(handler, c.header, credential)
				}
			}
			grown, counted := liveHeap()-before, ak.Stats().Cache.Bytes-counted
			t.Logf("%d bytes each, %d counted", grown/(sessions-1), counted/(sessions-1))
			assert.InEpsilon(t, grown, counted, 0.05)
			assert.Equal(t, sessions, ak.Stats().Cache.Entries)
			runtime.KeepAlive(handler)
		})
	}
}
