// Stats: what an operator can ask an instance.

package authkit

import "time"

// Stats is what an instance reports about itself. It can have more fields later.
type Stats struct {
	Store StoreStats
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

// Stats returns the state of this instance. It makes no call.
func (a *AuthKit) Stats() Stats {
	if a.replicas == nil {
		return Stats{Store: StoreStats{State: StoreNone}}
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
	return Stats{Store: s}
}
