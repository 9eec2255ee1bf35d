// Replicas: how this instance acts with others that share its store. The protocol is
// in internal/replica. This file gives it the sessions, the exchange at WorkOS and the
// marks of sign-outs.
//
// Without a store, a.replicas is nil, and each function here returns at once.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

var (
	// errRefusalOpen is the reason of a 503 while the other instances are asked
	// whether they know the successor of a token that WorkOS has refused.
	errRefusalOpen = errors.New("WorkOS refused the refresh token, and other instances are asked for its successor")
	// errLogTooOld is the error of [WithRevocationDeadline].
	errLogTooOld = unavailable(errors.New("the log of the store was not read in time, so sign-outs at other instances may not be known"), retryPause)
)

// addStore adds the protocol of instances that share a store, if there is one.
func (a *AuthKit) addStore(c *config) {
	if c.store == nil {
		return
	}
	a.revocationDeadline = c.revocationDeadline
	a.rotations.nameTokens()
	a.exchangeToken = a.exchangeForAll
	a.replicas = replica.New(replica.Config{
		Store: c.store, Clock: c.clock, Log: c.log,
		Passwords: c.passwords, ClientID: c.clientID, APIHost: apiHost(a.client.BaseURL()),
		Handle: func(n replica.Notice) { a.signedOut.note(string(rune(n.Kind))+n.Hash, n.At, n.Until) },
		Answer: a.rotations.knowledge,
		Step:   func(name string) { a.rotations.reached("store: " + name) },
	})
	a.apiKeys.shared = &sharedKeys{a.replicas, c.clock}
}

// apiHost returns the host of the WorkOS API. It names the environment together with
// the client ID.
func apiHost(baseURL string) string {
	if u, err := url.Parse(baseURL); err == nil {
		return u.Host
	}
	return baseURL
}

// The log

// useLog follows the log if the request has a session cookie.
func (a *AuthKit) useLog(ctx context.Context, own *cookie.Value) {
	if a.replicas != nil && (!own.IsAbsent() || a.foreign != nil) {
		a.replicas.Log.Use(ctx)
	}
}

// followLog follows the log of sign-outs at other instances. The first call waits
// until the log is read.
func (a *AuthKit) followLog(ctx context.Context) {
	if a.replicas != nil {
		a.replicas.Log.Use(ctx)
	}
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
		waiting.Go(func() { a.announce(ctx, replica.SessionEnded, n.session.ID(), n.at, n.until) })
	}
	var tokens []string
	for _, s := range superseded {
		if s.sealed.RefreshToken != "" {
			tokens = append(tokens, s.sealed.RefreshToken)
		}
	}
	a.replicas.Supersede(ctx, tokens, a.rotations.successorToken, successorToken)
	waiting.Wait()
}

// announce announces the end of sign-ins up to at. Sealed times have milliseconds, so
// at is rounded up to them.
func (a *AuthKit) announce(ctx context.Context, kind replica.NoticeKind, id string, at, until time.Time) error {
	err := a.replicas.Log.Announce(ctx, replica.Notice{
		Kind: kind, Hash: replica.Hash(id), At: at.Add(time.Millisecond - 1).Truncate(time.Millisecond), Until: until,
	})
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "authkit: other instances were not told of a sign-out yet, the notice is sent when the store answers",
			slog.Any("error", err))
	}
	return err
}

// Exchanges

// exchangeForAll exchanges a refresh token, unless another instance does or has done
// it. It is an [exchangeFunc].
func (a *AuthKit) exchangeForAll(ctx context.Context, old *Session, want exchangeTarget, earlier *outcome) exchangeResult {
	if earlier != nil { // the tokens are known, and only have to be verified
		return a.exchangeRefreshToken(ctx, old, want, earlier)
	}
	var own exchangeResult
	open := failedOutcome(old, want, unavailable(errRefusalOpen, replica.QuestionTime))
	token := old.sealed.RefreshToken
	out := a.replicas.Exchange(ctx, token,
		func(encoded []byte) bool { return a.isNewer(old, encoded) },
		func(ctx context.Context) replica.Result {
			own = a.exchangeRefreshToken(ctx, old, want, nil)
			return a.resultForAll(own, token, want)
		},
		func(out replica.Outcome) { a.settleRefusal(token, open, own, out) })
	now := a.clock.Now()
	failed := func(err error, pause time.Duration) exchangeResult {
		return exchangeResult{outcome: failedOutcome(old, want, err), until: now.Add(pause)}
	}
	switch {
	case out.Own:
		return own
	case out.Kind == replica.Success:
		return a.adopt(ctx, old, want, out.Payload)
	case out.Kind == replica.Superseded:
		a.rotations.supersedeToken(token)
		return failed(errSuperseded, refusalPause)
	case out.Kind == replica.Ended:
		return failed(fmt.Errorf("%w, as another instance has found", errSessionEnded), refusalPause)
	case out.Kind == replica.Pause && out.Reason == replica.PauseRefused:
		return failed(fmt.Errorf("%w: WorkOS refused it at another instance", errRefreshRefused), max(0, out.Until.Sub(now)))
	case out.Kind == replica.Pause:
		left := max(time.Second, out.Until.Sub(now))
		return failed(unavailable(errors.New("WorkOS could not refresh the session at another instance"), left), left)
	case out.Kind == replica.Lease:
		return exchangeResult{outcome: open, until: now.Add(replica.LeaseLimit)}
	}
	return failed(unavailable(out.Err, retryPause), time.Second)
}

// resultForAll returns what other instances learn about the result of an exchange.
func (a *AuthKit) resultForAll(own exchangeResult, token string, want exchangeTarget) replica.Result {
	next := own.outcome
	var reply *workos.Error
	var limited *workos.RateLimitError
	pause := own.until.Sub(a.clock.Now())
	switch {
	case next == nil:
		return replica.Result{}
	case next.err == nil:
		return replica.Result{Kind: replica.Success, Payload: encodeSuccessor(want.organization, &next.sealed)}
	case next.sealed.RefreshToken != token: // the new access token was refused, and the old refresh token is consumed
		return replica.Result{Kind: replica.Success, Payload: encodeSuccessorToken(next.sealed.RefreshToken)}
	case errors.Is(next.err, errSessionEnded):
		return replica.Result{Kind: replica.Ended}
	case want.switching: // says nothing about a refresh
		return replica.Result{}
	case errors.Is(next.err, ErrUnavailable) && (errors.As(next.err, &reply) || errors.As(next.err, &limited)):
		return replica.Result{Kind: replica.Pause, Reason: replica.PauseTransient, Pause: pause}
	case errors.Is(next.err, errRefreshRefused):
		return replica.Result{Kind: replica.Pause, Reason: replica.PauseRefused, Pause: pause}
	}
	return replica.Result{} // the network of this instance may have failed
}

// adopt returns the result of an exchange that another instance has made. It verifies
// everything again.
func (a *AuthKit) adopt(ctx context.Context, old *Session, want exchangeTarget, encoded []byte) exchangeResult {
	s, err := decodeSuccessor(encoded)
	if err != nil {
		return exchangeResult{outcome: failedOutcome(old, want, unavailable(err, retryPause)), until: a.clock.Now().Add(time.Second)}
	}
	if s.tokenOnly {
		return exchangeResult{successor: s.session.RefreshToken}
	}
	next := &outcome{target: exchangeTarget{organization: s.organization}, sealed: s.mergedInto(old)}
	result := a.verifyExchanged(ctx, old, want, next, true, a.clock.Now().Add(exchangeLimit))
	result.notify = nil // the other instance has called the hook
	if result.outcome == nil {
		result.successor = s.session.RefreshToken
	}
	return result
}

// isNewer reports whether a success in the store is newer than a session. If WorkOS
// does not rotate a refresh token, the success under it may be the session itself, or
// may have expired.
func (a *AuthKit) isNewer(old *Session, encoded []byte) bool {
	s, err := decodeSuccessor(encoded)
	if err != nil || s.session.RefreshToken != old.sealed.RefreshToken {
		return true
	}
	claims, err := jwks.UnverifiedClaims(s.session.AccessToken)
	return err == nil && s.session.AccessToken != old.sealed.AccessToken && claims.ExpiresAt.After(a.clock.Now())
}

// settleRefusal acts on the answer to a question about a refused token. open is the
// outcome that stands for the question, and own the result of the refused exchange.
func (a *AuthKit) settleRefusal(token string, open *outcome, own exchangeResult, out replica.Outcome) {
	if out.Kind != replica.Ended {
		a.rotations.settle(token, open, nil, time.Time{}) // the next request reads the record
		return
	}
	if a.rotations.settle(token, open, own.outcome, a.clock.Now().Add(refusalPause)) && own.notify != nil {
		own.notify()
	}
}

// Responses

// newestAtAnyInstance returns the newest session that any instance has made of s. It
// reports whether that must not be set: another instance has signed it out or
// replaced it, or the token of s is spent.
func (a *AuthKit) newestAtAnyInstance(ctx context.Context, s *Session) (newest *Session, mustNotSet bool) {
	if a.replicas == nil || s.sealed.RefreshToken == "" {
		return s, false
	}
	newer := a.replicas.BeforeResponse(context.WithoutCancel(ctx), s.sealed.RefreshToken, s.sealed.Origin, successorToken)
	switch newer.Step {
	case replica.Send:
		return s, false
	case replica.SendNoCookie:
		return s, true
	}
	successor, err := decodeSuccessor(newer.Payload)
	if err != nil {
		return s, true
	}
	if successor.tokenOnly {
		return withToken(s, successor.session.RefreshToken), false
	}
	sealed := successor.mergedInto(s)
	if checkSameSession(s, sealed) != nil {
		return s, true
	}
	session, err := a.verify(context.WithoutCancel(ctx), a.freshVerifier, sealed)
	if err != nil {
		return withToken(s, sealed.RefreshToken), false
	}
	return session, false
}

// mayClearEverywhere reports whether a response may clear the cookie of an ended
// session. The store remembers the clear, so that no later response of any instance
// clears the cookie of a new sign-in.
// mark is the result of an earlier call for the same response, or nil.
func (a *AuthKit) mayClearEverywhere(ctx context.Context, ended *Session, mark []byte) (clear bool, newMark []byte) {
	if a.replicas == nil {
		return true, nil
	}
	newest, _ := a.rotations.newest(ended)
	if newest.sealed.RefreshToken == "" {
		return true, nil
	}
	return a.replicas.MayClear(context.WithoutCancel(ctx), newest.sealed.RefreshToken, mark)
}

// reportDelivered reports that a browser has presented a session, so that the record
// of its origin can be shortened.
func (a *AuthKit) reportDelivered(s *Session) {
	if a.replicas != nil && s.sealed.Origin != "" {
		a.replicas.Delivered(strings.Clone(s.sealed.Origin))
	}
}

// useStateEverywhere reports whether no instance has used the state of a sign-in
// before. If the store does not answer, this instance alone knows.
func (a *AuthKit) useStateEverywhere(ctx context.Context, pending *pendingSignIn) bool {
	if a.replicas == nil {
		return true
	}
	left := pending.startedAt.Add(a.signInTimeout + clockSkew).Sub(a.clock.Now())
	first, err := a.replicas.UseState(context.WithoutCancel(ctx), pending.state, left)
	return first || err != nil
}

// The content of a success

// successor is the content of a success in the store.
type successor struct {
	organization string // that the exchange asked for
	session      payload.Session
	tokenOnly    bool // only the refresh token of session is set
}

// The first byte of an encoded successor.
const (
	wholeSuccessor = 1 // the length of the organization, the organization, a session
	tokenSuccessor = 2 // a refresh token
)

// encodeSuccessor encodes a session that an exchange for an organization has made.
func encodeSuccessor(organization string, s *payload.Session) []byte {
	if len(organization) > 255 {
		return encodeSuccessorToken(s.RefreshToken)
	}
	encoded := append([]byte{wholeSuccessor, byte(len(organization))}, organization...)
	return append(encoded, payload.Encode(s)...)
}

// encodeSuccessorToken encodes a refresh token whose session is not known.
func encodeSuccessorToken(token string) []byte { return append([]byte{tokenSuccessor}, token...) }

func decodeSuccessor(encoded []byte) (s successor, err error) {
	malformed := errors.New("the record of an exchange has an unknown form")
	switch {
	case len(encoded) > 1 && encoded[0] == tokenSuccessor:
		s.tokenOnly, s.session.RefreshToken = true, string(encoded[1:])
		return s, nil
	case len(encoded) < 2 || encoded[0] != wholeSuccessor || len(encoded) < 2+int(encoded[1]):
		return s, malformed
	}
	end := 2 + int(encoded[1])
	s.organization = string(encoded[2:end])
	s.session, err = payload.Decode(encoded[end:])
	if err == nil && s.session.RefreshToken == "" {
		err = malformed
	}
	return s, err
}

// successorToken is a [replica.TokenOf].
func successorToken(encoded []byte) (token string, ok bool) {
	s, err := decodeSuccessor(encoded)
	return s.session.RefreshToken, err == nil
}

// mergedInto returns the content of old with what the exchange has changed. What only
// the cookie has, such as the members of other libraries, stays.
func (s *successor) mergedInto(old *Session) payload.Session {
	next := *old.sealed
	next.AccessToken, next.RefreshToken, next.Origin = s.session.AccessToken, s.session.RefreshToken, s.session.Origin
	next.RefreshedAt = s.session.RefreshedAt
	next.AuthenticationMethod, next.Impersonator = s.session.AuthenticationMethod, s.session.Impersonator
	next.SetUser(s.session.Profile())
	return next
}
