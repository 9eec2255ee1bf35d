// Marks last as long as the tokens that they refuse, also if the clock of the machine is set back.

package authkit

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/replica"
)

// shifted returns a time whose wall clock and whose monotonic clock have moved by different durations, as after a step of the
// clock of the machine. Package time has no function for that, so the test writes the monotonic reading.
func shifted(t *testing.T, from time.Time, wall, monotonic time.Duration) time.Time {
	moved := from.Add(wall)
	(*struct {
		wall uint64
		ext  int64
		loc  *time.Location
	})(unsafe.Pointer(&moved)).ext += int64(monotonic - wall)
	require.Equal(t, monotonic, moved.Sub(from))
	require.Equal(t, wall, moved.Round(0).Sub(from.Round(0)))
	return moved
}

// The end of a token is a time of the wall clock. If the clock is set back, the token is accepted for longer, and its mark must
// last as long. While the clock is ahead, the token is not accepted, and it is again when the clock is set right.
func TestAMarkLastsAsLongAsItsTokenIfTheClockIsSet(t *testing.T) {
	start := time.Now() // a time with both readings
	for name, mark := range map[string]func(a *AuthKit, s *Session){
		"a sign-out": func(a *AuthKit, s *Session) { a.markSignedOut(s, true, 0) },
		"a sign-out of an expired session": func(a *AuthKit, s *Session) {
			a.markSignedOut(s, false, 0)
			a.signedOut.mark(s.ID(), start, start.Add(6*time.Minute), false)
			a.signedOut.live.Delete(s.ID())
		},
		"the end of a session": func(a *AuthKit, s *Session) {
			a.signedOut.note(noticeKey(replica.SessionEnded, s.ID()), roundUp(start), start.Add(6*time.Minute))
		},
		"an event": func(a *AuthKit, s *Session) {
			a.signedOut.note(noticeKey(replica.UserEnded, s.UserID()), roundUp(start), start.Add(6*time.Minute).Round(0))
		},
		"a change of the user": func(a *AuthKit, s *Session) {
			a.due.note(noticeKey(replica.UserChanged, s.UserID()), roundUp(start), roundUp(start.Add(6*time.Minute)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			clock := &setClock{start}
			a := newOffline(t, clock)
			s := sessionFor(t, "session_1", start.Add(-time.Minute), start.Add(-time.Minute), start.Add(4*time.Minute))
			mark(a, s)
			for step, now := range map[string]time.Time{
				"not set":               shifted(t, start, 4*time.Minute, 4*time.Minute),
				"set back":              shifted(t, start, -2*time.Hour, 20*time.Minute),
				"a suspend":             shifted(t, start, 4*time.Minute, time.Minute),
				"set ahead and right":   shifted(t, start, 2*time.Minute, 2*time.Minute),
				"set ahead":             shifted(t, start, 24*time.Hour, 2*time.Minute),
				"set back to its start": shifted(t, start, 0, 10*time.Hour),
			} {
				clock.now = now
				assert.NotEqual(t, standing{}, a.standingOf(s), step)
			}
			clock.now = shifted(t, start, 24*time.Hour, 24*time.Hour)
			assert.Equal(t, standing{}, a.standingOf(s), "the mark is forgotten")
		})
	}
}
