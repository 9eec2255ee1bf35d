// The log of the store: what this instance reads of it and adds to it.
//
// Without a store, a.replicas is nil, and each function here returns at once.

package authkit

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/replica"
)

var (
	// errLogTooOld is the error of [WithRevocationDeadline].
	errLogTooOld = unavailable(errors.New("the log of the store was not read in time, so sign-outs at other instances may not be known"), retryPause)
)

// storeObserver returns what reports the calls of the store, nil if nothing is observed.
func (a *AuthKit) storeObserver() func(ctx context.Context, begin time.Time, duration time.Duration, err error) {
	if a.observers == nil {
		return nil
	}
	return func(ctx context.Context, begin time.Time, duration time.Duration, err error) {
		seen := Observation{Kind: ObservedStore, Outcome: OutcomeOK, Err: err, Begin: begin, Duration: duration}
		if err != nil {
			seen.Outcome = OutcomeFailed
		}
		a.observers.observe(ctx, seen)
	}
}

// useLog follows the log if the request has a session cookie.
func (a *AuthKit) useLog(own *cookie.Value) {
	if a.replicas != nil && (!own.IsAbsent() || a.foreign != nil) {
		a.replicas.Log.Use()
	}
}

// followLog follows the log of sign-outs at other instances. The first call waits
// until the log is read.
func (a *AuthKit) followLog() {
	if a.replicas != nil {
		a.replicas.Log.Use()
	}
}

// noticesKnown returns the number of the last notice about an end, after the log was read:
// signInTime needs to know what was signed out elsewhere.
func (a *AuthKit) noticesKnown() uint64 {
	a.followLog()
	return a.signedOut.noticesKnown()
}

// logIsTooOld reports whether the log was not read within the revocation deadline.
func (a *AuthKit) logIsTooOld() bool {
	return a.revocationDeadline > 0 && a.clock.Now().Sub(a.replicas.Log.ReadAt()) > a.revocationDeadline
}

// tellInstances tells the other instances about sign-outs, and marks the ends of the
// chains of the sessions' refresh tokens. It returns before the response is written,
// and waits for the store no longer than that allows.
func (a *AuthKit) tellInstances(ctx context.Context, ended []signOutNotice, superseded []*Session) {
	if a.replicas == nil || len(ended)+len(superseded) == 0 {
		return
	}
	var waiting sync.WaitGroup
	for _, n := range ended {
		superseded = append(superseded, n.session)
		waiting.Go(func() { a.announce(ctx, noticeOf(replica.SessionEnded, n.session.ID(), n.at, n.until)) })
	}
	var tokens []string
	for _, s := range superseded {
		if s.sealed.RefreshToken != "" {
			tokens = append(tokens, s.sealed.RefreshToken)
		}
	}
	a.replicas.Supersede(ctx, tokens, a.rotations.successorToken)
	waiting.Wait()
}

// noticeOf returns a notice about a session or a user.
func noticeOf(kind replica.NoticeKind, id string, at, until time.Time) replica.Notice {
	return replica.Notice{Kind: kind, Hash: replica.Hash(id), At: roundUp(at), Until: until}
}

// announce tells the other instances.
func (a *AuthKit) announce(ctx context.Context, n replica.Notice) error {
	err := a.replicas.Log.Announce(ctx, n)
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "authkit: other instances were not told yet, the notice is sent when the store answers",
			slog.Any("error", err))
	}
	return err
}

// reportDelivered reports that a browser has presented a session, so that the record
// of its origin can be shortened.
func (a *AuthKit) reportDelivered(s *Session) {
	if a.replicas != nil && s.sealed.Origin != "" {
		a.replicas.Delivered(strings.Clone(s.sealed.Origin))
	}
}

// announceResumed tells the other instances that a user has signed in to a session
// again that was signed out before. None of them revokes it for that. Since it stays
// active at WorkOS, all of them refuse the earlier sign-ins for as long as a cookie
// lives.
func (a *AuthKit) announceResumed(ctx context.Context, s *Session) {
	if a.replicas == nil {
		return
	}
	at, signedOut := a.signedOut.latest(s.ID(), "", allNotices)
	if !signedOut {
		return
	}
	now := a.clock.Now()
	_ = a.announce(ctx, noticeOf(replica.SessionResumed, s.ID(), s.SignedInAt().Truncate(time.Millisecond), now.Add(time.Hour)))
	if !a.shared {
		until := now.Add(cookie.MaxLifetime)
		a.signedOut.note(noticeKey(replica.SessionEnded, s.ID()), at, until)
		_ = a.announce(ctx, noticeOf(replica.SessionEnded, s.ID(), at, until))
	}
}
