// Stats: what an operator can ask an instance.

package authkit

import (
	"time"

	"github.com/authkit-go/authkit/internal/replica"
)

// Stats is what an instance reports about itself. It can have more fields later.
type Stats struct {
	Store  StoreStats
	Events EventStats
}

// StoreStats is the state of the store that instances share ([WithStore]).
type StoreStats struct {
	// State is one of the StoreState constants.
	State string
	// Err is the last failure. It is nil if the last call has succeeded and the log
	// can be read.
	Err error

	// LogReadAt is when the log was last read to its end, zero if it never was. It is
	// read every second or two while sessions are used.
	LogReadAt time.Time
	// LogAge is the time since LogReadAt. Sign-outs at other instances within this
	// time may not be known here. It is 0 if LogReadAt is zero.
	LogAge time.Duration

	Notices  int    // notices in force that this instance knows
	Waiting  int    // changes that the store has not confirmed, and that are tried again
	Commands uint64 // calls of the store since the start, without those that follow the log
	Failures uint64 // calls that failed, or were not answered in time
}

// The states of a store.
const (
	// StoreNone: no store is configured.
	StoreNone = "none"
	// StoreIdle: the log is not followed, because no session was used for two minutes.
	StoreIdle = "idle"
	// StoreConnecting: the log was not read to its end yet.
	StoreConnecting = "connecting"
	// StoreConnected: the log is followed and the store answers. If it stops answering,
	// the state stays for up to ten seconds. StoreStats.LogAge grows meanwhile.
	StoreConnected = "connected"
	// StoreUnreachable: the log cannot be read, or several calls in a row have failed.
	StoreUnreachable = "unreachable"
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

// Stats returns the state of this instance. It makes no call.
func (a *AuthKit) Stats() Stats { return Stats{Store: a.storeStats(), Events: a.eventStats()} }

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

func (a *AuthKit) storeStats() StoreStats {
	if a.replicas == nil {
		return StoreStats{State: StoreNone}
	}
	log, link := a.replicas.Log.State(), a.replicas.LinkState()
	s := StoreStats{
		LogReadAt: log.ReadAt, Notices: log.Notices, Err: link.Err,
		Waiting: link.Waiting, Commands: link.Commands, Failures: link.Failures,
	}
	if !log.ReadAt.IsZero() {
		s.LogAge = a.clock.Now().Sub(log.ReadAt)
	}
	if s.Err == nil {
		s.Err = log.Err
	}
	switch {
	case link.Open || log.Err != nil:
		s.State = StoreUnreachable
	case !log.Following:
		s.State = StoreIdle
	case !log.Current:
		s.State = StoreConnecting
	default:
		s.State = StoreConnected
	}
	return s
}
