// Refused switches: the organizations that a session was refused. A repeated
// attempt is answered from memory, and too many attempts are answered without a
// call to WorkOS.

package authkit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
)

const (
	// maxRefusals is how many organizations a session may be refused within
	// refusalWindow. A user is a member of a few organizations. A client that
	// tries more of them is guessing IDs.
	maxRefusals   = 20
	refusalWindow = time.Minute

	refusalLimit      = 1 << 13 // entries of each map
	refusalBytes      = 3 << 20
	refusalCountBytes = 1 << 20
)

// switchRefusals remembers refused switches. The mu of [rotations] guards it.
type switchRefusals struct {
	clock    Clock
	outcomes *expiring.Map[*outcome]      // by refusalKey
	counts   *expiring.Map[*refusalCount] // by session ID
}

// refusalCount is how many organizations a session was refused within
// refusalWindow.
type refusalCount struct{ count int }

func newSwitchRefusals(clock Clock) *switchRefusals {
	return &switchRefusals{
		clock:    clock,
		outcomes: expiring.New[*outcome](clock.Now, refusalLimit).LimitBytes(refusalBytes, (*outcome).size),
		counts:   expiring.New[*refusalCount](clock.Now, refusalLimit).LimitBytes(refusalCountBytes, func(*refusalCount) int { return 8 }),
	}
}

// refusalKey returns the key of a session and an organization. It contains the
// time of the sign-in, because a new sign-in may satisfy the organization.
func refusalKey(s *Session, organization string) string {
	return s.ID() + "\n" + strconv.FormatInt(s.SignedInAt().Unix(), 36) + "\n" + organization
}

// store remembers the outcome of a switch if it is a refusal. A transient
// failure stops switches to every organization until then. A session in another
// organization than the wanted one counts as a refusal.
func (r *switchRefusals) store(old *Session, want exchangeTarget, next *outcome, until time.Time) {
	organization := want.organization
	switch {
	case next.err == nil && (next.session == nil || next.session.OrganizationID() == organization), errors.Is(next.err, errSessionEnded):
		return
	case errors.Is(next.err, ErrUnavailable):
		organization = "" // find looks for it in every switch
	default:
		r.count(old)
	}
	if next.err != nil {
		r.outcomes.Put(refusalKey(old, organization), &outcome{err: next.err}, until)
	}
}

func (r *switchRefusals) count(s *Session) {
	refused, ok := r.counts.Get(s.ID())
	if !ok {
		refused = &refusalCount{}
		r.counts.Put(strings.Clone(s.ID()), refused, r.clock.Now().Add(refusalWindow))
	}
	refused.count++
}

// find returns the outcome of a switch that needs no exchange. It returns nil if
// an exchange is needed.
func (r *switchRefusals) find(s *Session, want exchangeTarget) *outcome {
	for _, organization := range []string{want.organization, ""} {
		if known, ok := r.outcomes.Get(refusalKey(s, organization)); ok {
			return &outcome{target: want, err: known.err}
		}
	}
	if refused, ok := r.counts.Get(s.ID()); ok && refused.count >= maxRefusals {
		return failedOutcome(s, want, fmt.Errorf("%w: %d organizations were refused to this session within %s", errRefreshRefused, maxRefusals, refusalWindow))
	}
	return nil
}
