// The outcome of an exchange of a refresh token.

package authkit

import (
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/internal/heapsize"
	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/workos"
)

var (
	// errSessionEnded is the error of an exchange that WorkOS refused because the
	// session has ended.
	errSessionEnded = errors.New("the session was ended by WorkOS")
	// errRefreshRefused is the error of an exchange that WorkOS refused for
	// another reason. The session has not ended, and the reason is not transient.
	errRefreshRefused = errors.New("the session was not refreshed")
	// errTokenNotAccepted is the error of an exchange whose new access token did not
	// pass verification, or is for another session.
	errTokenNotAccepted = errors.New("the new access token is not accepted")
	// errRefusalOpen is the reason of a 503 while the other instances are asked
	// whether they know the successor of a token that WorkOS has refused.
	errRefusalOpen = errors.New("WorkOS refused the refresh token, and other instances are asked for its successor")
	// errSuperseded is the error of an exchange that another instance has made
	// needless: the session was signed out there, or the browser has another session
	// or a newer refresh token.
	errSuperseded = errors.New("the session was signed out or replaced at another instance")
)

// exchangeTarget is the organization that a request needs a session in.
type exchangeTarget struct {
	organization string
	// switching is true if the user asked for the organization. A refresh stays
	// in the organization of its session.
	switching bool
}

// outcome is the result of an exchange. It is of one of three kinds:
//
//   - verified: session and cookie are set
//   - failed: err is set, and sealed contains only the newest refresh token
//   - unverified: session and err are nil, and sealed contains tokens that
//     could not be verified yet
type outcome struct {
	target  exchangeTarget // of the request that started the exchange
	sealed  payload.Session
	session *Session
	cookie  pendingCookie // all responses share it, and nothing changes it
	err     error
	// replaced is true once the cache knows that the cookie takes the place of the old one.
	replaced atomic.Bool
	begun    uint64 // the number of the call of WorkOS, 0 for an exchange at another instance
}

// isFinal reports whether the outcome is verified or failed.
func (o *outcome) isFinal() bool { return o.session != nil || o.err != nil }

// isFor reports whether the outcome may be used for a session. With a seal, a session has
// its own refresh token, and this is always true. Without one, a client may have put
// another session's refresh token beside the access token.
func (o *outcome) isFor(s *Session) bool {
	return o.session == nil || o.session.ID() == s.ID() && o.session.UserID() == s.UserID()
}

// answers reports whether the outcome answers a request that wants the target.
//
//   - A session answers every refresh. It answers a switch only if it was
//     requested in the same organization.
//   - The end of a session answers every request, and so does its replacement.
//   - Another failure of a switch answers only the same switch.
//   - Another failure of a refresh answers every refresh. It answers a switch
//     only if it is transient.
func (o *outcome) answers(want exchangeTarget) bool {
	switch {
	case errors.Is(o.err, errSessionEnded), errors.Is(o.err, errSuperseded):
		return true
	case o.err == nil:
		return !want.switching || o.target.organization == want.organization
	case o.target.switching:
		return o.target == want
	}
	return !want.switching || errors.Is(o.err, ErrUnavailable)
}

// size estimates the bytes that an outcome takes in memory.
func (o *outcome) size() int {
	size := heapsize.Type[outcome]() + errorSize(o.err)
	switch len(o.cookie.lines) {
	case 0:
		size += len(o.cookie.sealed)
	case 1:
		size += len(o.cookie.lines[0]) // the sealed text is a part of it
	default:
		size += 2 * len(o.cookie.sealed)
	}
	if o.session == nil {
		return size + o.sealed.Size()
	}
	for _, list := range o.session.lists() {
		size += heapsize.List(list)
	}
	return size + o.session.size() // it has the texts of sealed
}

// errorSize estimates the bytes that an error takes in memory. An error of
// WorkOS holds the whole reply.
func errorSize(err error) int {
	var reply *workos.Error
	if !errors.As(err, &reply) {
		return 0
	}
	var body json.RawMessage
	_ = reply.Decode(&body) // a reply that is not JSON is not held
	return 3*len(body) + len(reply.Message)
}

// failedOutcome returns the outcome of an exchange that brought no session.
func failedOutcome(old *Session, want exchangeTarget, err error) *outcome {
	return &outcome{target: want, sealed: payload.Session{RefreshToken: old.sealed.RefreshToken}, err: err}
}

// exchangeResult is what an [exchangeFunc] returns.
type exchangeResult struct {
	// outcome is nil if the tokens of an earlier exchange expired before they
	// could be verified. Their refresh token is then exchanged again.
	outcome *outcome
	// until is when the outcome is forgotten. Until then, an outcome with an
	// error prevents another exchange.
	until time.Time
	// successor is the new refresh token if that is all that is known of an exchange
	// at another instance. outcome is nil then.
	successor string
	// adopted is true if another instance has made the exchange.
	adopted bool
	// notify calls the application's hook after the outcome is remembered. It
	// may be nil.
	notify func()
}

// kind returns the Outcome constant of an exchange.
func (result exchangeResult) kind() string {
	next := result.outcome
	switch {
	case result.adopted:
		return OutcomeAdopted
	case next == nil, !next.isFinal():
		return OutcomeUnverified
	case next.err == nil:
		return OutcomeOK
	case errors.Is(next.err, errSessionEnded):
		return OutcomeEnded
	case errors.Is(next.err, errTokenNotAccepted), errors.Is(next.err, errRefreshRefused):
		return OutcomeRefused
	}
	return OutcomeFailed
}
