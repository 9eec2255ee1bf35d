// The state of the store that instances share, for Stats.

package authkit

import "time"

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

	// Notices is how many notices of the log are in force that this instance has written or read. It is equal at all
	// instances, within seconds.
	Notices  int
	Waiting  int    // changes that the store has not confirmed, and that are tried again
	Commands uint64 // calls of the store since the start, without those that follow the log
	Failures uint64 // calls that failed, or were not answered in time
	// CommandTime is the sum of the times of the Commands, on the system's clock.
	CommandTime time.Duration
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

func (a *AuthKit) storeStats() StoreStats {
	if a.replicas == nil {
		return StoreStats{State: StoreNone}
	}
	log, link := a.replicas.Log.State(), a.replicas.LinkState()
	s := StoreStats{
		LogReadAt: log.ReadAt, Notices: log.Notices, Err: link.Err,
		Waiting: link.Waiting, Commands: link.Commands, Failures: link.Failures,
		CommandTime: link.Time,
	}
	if !log.ReadAt.IsZero() {
		s.LogAge = a.ageOf(log.ReadAt)
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
