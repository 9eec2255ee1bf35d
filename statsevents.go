// The state of the events of WorkOS, for Stats.

package authkit

import (
	"time"

	"github.com/authkit-go/authkit/internal/replica"
)

// EventStats is the state of the events of WorkOS ([AuthKit.Follow], [AuthKit.Webhook]).
type EventStats struct {
	// State is one of the EventsState constants.
	State string
	// Err is why the list could not be read last. It is nil if it was read.
	Err error
	// ReadAt is when this instance last read the list of events to its end, zero if it has
	// not since Follow was called.
	ReadAt time.Time

	Read     uint64 // events in the lists that this instance has read for their effects
	Webhooks uint64 // events that Webhook has received, without duplicates
	Refused  uint64 // requests to Webhook without a valid signature; anyone can send one
	Failures uint64 // calls of the application's functions for events that have failed
	Retrying int    // events whose function in Follow has failed, and that are tried again

	// Marks is how many users, memberships and organizations have changed lately, so that
	// sessions with an older access token are refreshed at once. At most 262,144 are kept,
	// as long as an access token can live. Forgotten counts the marks that left earlier.
	Marks     int
	Forgotten uint64
}

// The states of the events.
const (
	// EventsNone: the instance does not follow the events.
	EventsNone = "none"
	// EventsStarting: the list was not read to its end yet.
	EventsStarting = "starting"
	// EventsFollowed: the list is read again and again.
	EventsFollowed = "followed"
	// EventsElsewhere: another instance follows, and tells this one through the store.
	EventsElsewhere = "elsewhere"
	// EventsFailing: the list could not be read at the last attempt.
	EventsFailing = "failing"
)

func (a *AuthKit) eventStats() EventStats {
	s := a.events
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := EventStats{
		Err: s.err, ReadAt: s.readAt,
		Read: s.read.Load(), Webhooks: s.webhooks.Load(), Refused: s.refused.Load(), Failures: s.failed.Load(), Retrying: int(s.retrying.Load()),
		Marks: a.due.marks.Len(), Forgotten: a.due.forgotten.Load(),
	}
	switch {
	case !s.following.Load():
		stats.State = EventsNone
	case s.holder == replica.HolderOther:
		stats.State, stats.Err = EventsElsewhere, nil
	case s.err != nil:
		stats.State = EventsFailing
	case s.readAt.IsZero():
		stats.State = EventsStarting
	default:
		stats.State = EventsFollowed
	}
	return stats
}
