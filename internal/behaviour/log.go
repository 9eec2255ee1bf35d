// The log of an application, and the secrets that must not be in it.

package behaviour

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Log collects a log that several goroutines write, and remembers the secrets that were sent and received meanwhile.
type Log struct {
	mu      sync.Mutex // guards what follows
	text    bytes.Buffer
	checked int             // how much of the text faults has looked at
	changed chan struct{}   // closed at the next write, nil where no test waits
	secrets map[string]bool // the beginning of each
	panics  bool            // faults reports no panic
}

func newLog(secrets ...string) *Log {
	l := &Log{secrets: map[string]bool{}}
	for _, secret := range secrets {
		l.keep(secret)
	}
	return l
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// has reports whether the log has a text since its faults were last returned.
func (l *Log) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes()[l.checked:], []byte(text))
}

// allowPanics is for a test whose own code panics.
func (l *Log) allowPanics() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.panics = true
}

// await waits until a text has been written so many times.
func (l *Log) await(t testing.TB, text string, times int) {
	t.Helper()
	tooLong := time.After(20 * time.Second)
	for {
		l.mu.Lock()
		if strings.Count(l.text.String(), text) >= times {
			l.mu.Unlock()
			return
		}
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-tooLong:
			t.Fatalf("%q was not logged", text)
		}
	}
}

// shortestSecret keeps words such as "x" and "none", which a test plays a secret with, from being looked for.
const shortestSecret = 20

// mayNotTell remembers the secrets of a message: its cookies, its credentials, its code and its state.
func (l *Log) mayNotTell(h http.Header, u *url.URL) {
	var secrets []string
	for _, line := range slices.Concat(h["Cookie"], h["Set-Cookie"]) {
		for pair := range strings.SplitSeq(line, ";") {
			_, value, _ := strings.Cut(pair, "=")
			secrets = append(secrets, value)
		}
	}
	for _, line := range h["Authorization"] {
		_, token, _ := strings.Cut(line, " ")
		secrets = append(secrets, token)
	}
	if u != nil {
		secrets = append(secrets, u.Query().Get("code"), u.Query().Get("state"))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, secret := range secrets {
		l.keep(secret)
	}
}

// keep remembers the beginning of a secret: an error may quote so much and cut the rest.
func (l *Log) keep(secret string) {
	if len(secret) >= shortestSecret {
		l.secrets[secret[:shortestSecret]] = true
	}
}

// faults returns what is wrong with the log since it last returned anything.
func (l *Log) faults() (faults []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()[l.checked:]
	l.checked = l.text.Len()
	// authkit logs that a transport or a hook of the application "panicked": that one is caught.
	if _, after, found := strings.Cut(strings.ReplaceAll(text, "panicked", ""), "panic"); found && !l.panics {
		faults = append(faults, "the application panicked: "+after[:min(len(after), 4<<10)])
	}
	for secret := range l.secrets {
		if strings.Contains(text, secret) {
			faults = append(faults, "the log tells a secret that begins with "+secret[:8])
		}
	}
	return faults
}
