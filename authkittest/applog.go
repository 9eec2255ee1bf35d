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

var (
	// token matches a compact JWS or JWE, of which an access token is one.
	token = regexp.MustCompile(`\beyJ[\w-]{8,}\.[\w-]+\.[\w.-]+`)

	// sealed matches what is as long as a sealed cookie, which a log has no use for.
	sealed = regexp.MustCompile(`[\w-]{100,}=*`)

	// random matches the codes, tokens and keys of the fake, which have a text of crypto/rand.Text. Most are gone when the test
	// ends, and the fake does not know them any more. The IDs of objects have other prefixes.
	random = regexp.MustCompile(`\b(?:sk_|oauth_access_|oauth_refresh_)?[A-Z2-7]{26}\b`)
)

// appLog keeps the log of an application. It is safe for concurrent use.
type appLog struct {
	mu      sync.Mutex // guards everything below
	text    bytes.Buffer
	dropped int // bytes
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

// writeTo writes the log to the log of a test. It replaces the secrets, the tokens and the sealed cookies.
func (l *appLog) writeTo(tb testing.TB, secrets []string) {
	l.mu.Lock()
	text, dropped := l.text.String(), l.dropped
	l.mu.Unlock()
	if text == "" {
		return
	}
	var pairs []string
	for _, secret := range secrets {
		pairs = append(pairs, secret, "[secret]")
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	text = token.ReplaceAllString(text, "[token]")
	text = random.ReplaceAllString(sealed.ReplaceAllString(text, "[secret]"), "[secret]")
	if dropped > 0 {
		text += fmt.Sprintf("(%d more bytes)\n", dropped)
	}
	tb.Logf("the log of the application:\n%s", text)
}

// minMaskedPassword is the fewest characters of a password or of the secret of Actions that is replaced. A shorter one may be a part of other words.
const minMaskedPassword = 8

// secrets returns the keys of the fake, the passwords of its users, the secrets of Actions and webhooks, and the cookie password of
// its applications.
func (f *Server) secrets() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	secrets := []string{f.apiKey, f.cookiePassword}
	for _, k := range f.apiKeys {
		secrets = append(secrets, k.value)
	}
	for _, a := range f.accounts {
		if len(a.Password) >= minMaskedPassword {
			secrets = append(secrets, a.Password)
		}
	}
	if len(f.actions.Secret) >= minMaskedPassword {
		secrets = append(secrets, f.actions.Secret)
	}
	for _, e := range f.webhooks.endpoints {
		if len(e.secret) >= minMaskedPassword {
			secrets = append(secrets, e.secret)
		}
	}
	return secrets
}
