// The log of an application, and the check that it contains no secret.

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

// Log collects the log of an application and the secrets that its messages contain. Several goroutines can use it.
type Log struct {
	mu      sync.Mutex // guards all fields below
	text    bytes.Buffer
	checked int             // the length of the text that faults has checked
	changed chan struct{}   // closed at the next write; nil if no test waits
	secrets map[string]bool // the first minSecretLength bytes of each
	panics  bool            // panics are allowed
}

// newLog returns a log that must not contain these secrets.
func newLog(secrets ...string) *Log {
	l := &Log{secrets: map[string]bool{}}
	for _, secret := range secrets {
		l.addSecret(secret)
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

// has reports whether the log contains a text after the part that faults has checked.
func (l *Log) has(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Contains(l.text.Bytes()[l.checked:], []byte(text))
}

// allowPanics makes faults ignore panics. It is for tests whose own code panics.
func (l *Log) allowPanics() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.panics = true
}

// await waits until the log contains a text this many times. It ends the test after 20 seconds.
func (l *Log) await(t testing.TB, text string, times int) {
	t.Helper()
	timeout := time.After(20 * time.Second)
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
		case <-timeout:
			t.Fatalf("%q was not logged", text)
		}
	}
}

// minSecretLength is the length in bytes from which a value counts as a secret. Tests use short words such as "x" as invalid
// cookies.
const minSecretLength = 20

// addSecrets records the secrets of a message: its cookies, its credentials, its code and its state.
func (l *Log) addSecrets(h http.Header, u *url.URL) {
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
		l.addSecret(secret)
	}
}

// addSecret records the beginning of a secret, because an error may quote a value and truncate it. The caller holds mu,
// unless no other goroutine uses the log.
func (l *Log) addSecret(secret string) {
	if len(secret) < minSecretLength {
		return
	}
	if beginning := secret[:minSecretLength]; !l.secrets[beginning] {
		l.secrets[strings.Clone(beginning)] = true // without a copy, the whole secret would stay in memory
	}
}

// faults returns the panics and secrets in the part of the log that it has not checked before.
func (l *Log) faults() (faults []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()[l.checked:]
	l.checked = l.text.Len()
	// authkit logs "panicked" when it has recovered a panic of a transport or a hook. That is allowed.
	if _, after, found := strings.Cut(strings.ReplaceAll(text, "panicked", ""), "panic"); found && !l.panics {
		faults = append(faults, "the application panicked: "+after[:min(len(after), 4<<10)])
	}
	for secret := range l.secrets {
		if strings.Contains(text, secret) {
			faults = append(faults, "the log contains a secret that begins with "+secret[:8])
		}
	}
	return faults
}
