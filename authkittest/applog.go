// The log of an application under test, which goes to the log of the test without secrets.

package authkittest

import (
	"bytes"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// maxAppLog is how much of the log is kept, in bytes. The beginning is kept.
const maxAppLog = 1 << 20

// token matches a compact JWS or JWE, of which an access token is one.
var token = regexp.MustCompile(`\beyJ[\w-]{8,}\.[\w-]+\.[\w.-]+`)

// appLog keeps the log of an application. It is safe for concurrent use.
type appLog struct {
	secrets *strings.Replacer

	mu      sync.Mutex // guards everything below
	text    bytes.Buffer
	dropped int // bytes
}

func newAppLog(secrets ...string) *appLog {
	var pairs []string
	for _, secret := range secrets {
		pairs = append(pairs, secret, "[secret]")
	}
	return &appLog{secrets: strings.NewReplacer(pairs...)}
}

// logger returns a logger that writes to the log, at every level. Its lines have no time, because the clock stands still.
func (l *appLog) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// Write implements io.Writer.
func (l *appLog) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len()+len(line) > maxAppLog {
		l.dropped += len(line)
		return len(line), nil
	}
	return l.text.Write(line)
}

// writeTo writes the log to the log of a test.
func (l *appLog) writeTo(tb testing.TB) {
	l.mu.Lock()
	text, dropped := l.text.String(), l.dropped
	l.mu.Unlock()
	if text == "" {
		return
	}
	text = token.ReplaceAllString(l.secrets.Replace(text), "[token]")
	if dropped > 0 {
		text += fmt.Sprintf("(%d more bytes)\n", dropped)
	}
	tb.Logf("the log of the application:\n%s", text)
}
