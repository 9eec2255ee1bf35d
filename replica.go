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
	"net/url"
	"time"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/workos"
)

// addStore adds the protocol of instances that share a store, if there is one.
func (a *AuthKit) addStore(c *config) {
	if c.store == nil {
		return
	}
	a.revocationDeadline = c.revocationDeadline
	a.rotations.names = newTokenNames(c.clock)
	a.exchangeToken = a.limitUnsealed(a.exchangeForAll)
	a.replicas = replica.New(replica.Config{
		Store: c.store, Clock: c.clock, Log: c.log,
		Passwords: c.passwords, ClientID: c.clientID, APIHost: apiHost(a.client.BaseURL()),
		Handle:  a.handleNotice,
		Answer:  a.rotations.knowledge,
		TokenOf: successorToken,
		Step:    func(name string) { a.rotations.reached("store: " + name) },
		OnCall:  a.storeObserver(),
	})
	a.apiKeys.shared = &sharedKeys{a.replicas, c.clock}
}

// handleNotice handles a notice of another instance, or of an event of WorkOS.
func (a *AuthKit) handleNotice(n replica.Notice) {
	switch n.Kind {
	case replica.SessionEnded, replica.UserEnded:
		a.signedOut.note(string(rune(n.Kind))+n.Hash, n.At, n.Until)
	case replica.UserChanged, replica.MembershipChanged, replica.OrganizationChanged, replica.RightsChanged:
		a.due.note(string(rune(n.Kind))+n.Hash, n.At, n.Until)
		a.resources.changes.note(n.Hash)
	case replica.PermissionsChanged:
		a.resources.changes.note(n.Hash)
	case replica.APIKeyChanged:
		a.apiKeys.changed.note(n.Hash, n.Until)
	case replica.SessionResumed:
		a.revocations.cancelResumed(func(s *Session) bool {
			return replica.Hash(s.ID()) == n.Hash && s.SignedInAt().Before(n.At)
		})
	}
}

// apiHost returns the host of the WorkOS API. It names the environment together with
// the client ID.
func apiHost(baseURL string) string {
	if u, err := url.Parse(baseURL); err == nil {
		return u.Host
	}
	return baseURL
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
	out := a.replicas.Exchange(ctx, token, old.ID(),
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
	elsewhere := func(result exchangeResult) exchangeResult {
		result.adopted = true
		return result
	}
	switch {
	case out.Own:
		return own
	case out.Kind == replica.Success:
		return elsewhere(a.adopt(ctx, old, want, out.Payload))
	case out.Kind == replica.Superseded:
		a.rotations.supersedeToken(token)
		return elsewhere(failed(errSuperseded, refusalPause))
	case out.Kind == replica.Ended:
		return elsewhere(failed(fmt.Errorf("%w, as another instance has found", errSessionEnded), refusalPause))
	case out.Kind == replica.Pause && out.Reason == replica.PauseRefused:
		return elsewhere(failed(fmt.Errorf("%w: WorkOS refused it at another instance", errRefreshRefused), max(0, out.Until.Sub(now))))
	case out.Kind == replica.Pause:
		left := max(time.Second, out.Until.Sub(now))
		return elsewhere(failed(unavailable(errors.New("WorkOS could not refresh the session at another instance"), left), left))
	case out.Kind == replica.Lease:
		return exchangeResult{outcome: open, until: out.Until}
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
	claims, err := s.session.AccessToken.UnverifiedClaims()
	return err == nil && !s.session.AccessToken.Equal(&old.sealed.AccessToken) && claims.ExpiresAt.After(a.clock.Now())
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
