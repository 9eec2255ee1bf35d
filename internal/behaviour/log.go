// The log of an application.

package behaviour

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// Log collects a log that several goroutines write.
type Log struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{} // closed at the next write, nil where nobody waits
}

func (b *Log) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.changed != nil {
		close(b.changed)
		b.changed = nil
	}
	return b.buf.Write(p)
}

func (b *Log) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// await waits until a text has been written so many times.
func (b *Log) await(t testing.TB, text string, times int) {
	t.Helper()
	tooLong := time.After(20 * time.Second)
	for {
		b.mu.Lock()
		if strings.Count(b.buf.String(), text) >= times {
			b.mu.Unlock()
			return
		}
		if b.changed == nil {
			b.changed = make(chan struct{})
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-tooLong:
			t.Fatalf("%q was not logged", text)
		}
	}
}
