// A sign-in under way: what the browser keeps of it between Login and Callback.

package authkit

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/authkit-go/authkit/pkce"
)

const (
	// signInLifetime is how long a person may take at AuthKit. WorkOS's codes
	// live as long.
	signInLifetime = 10 * time.Minute
	// maxSignIns is how many sign-ins one browser may have under way.
	maxSignIns = 5
	// maxStateCookies bounds the work that a request full of planted cookies
	// can cause.
	maxStateCookies = 20
	// maxSameName bounds the values that are tried of a cookie whose name came
	// more than once.
	maxSameName = 16
	// stateOctets is the entropy of a state (RFC 6749, section 10.10).
	stateOctets = 32
)

// pendingSignIn is what the cookie of a sign-in under way holds.
type pendingSignIn struct {
	state, verifier string
	returnTo        string // a path on this origin
	appState        string
	invitationToken string
	startedAt       time.Time
	maxAge          *time.Duration // nil where no new proof was asked for
}

// The tags of a pendingSignIn.
const (
	tagState           = 1
	tagVerifier        = 2
	tagReturnTo        = 3
	tagAppState        = 4
	tagInvitationToken = 5
	tagStartedAt       = 6
	tagMaxAge          = 7
)

func (p *pendingSignIn) encode() []byte {
	e := newEncoder()
	e.text(tagState, p.state)
	e.text(tagVerifier, p.verifier)
	e.text(tagReturnTo, p.returnTo)
	e.text(tagAppState, p.appState)
	e.text(tagInvitationToken, p.invitationToken)
	e.time(tagStartedAt, p.startedAt)
	if p.maxAge != nil {
		e.field(tagMaxAge, binary.AppendVarint(nil, int64(*p.maxAge)))
	}
	return e
}

func decodePendingSignIn(encoded []byte) (p pendingSignIn, err error) {
	err = decodeFields(encoded, func(tag uint64, value []byte) (err error) {
		switch tag {
		case tagState:
			p.state = string(value)
		case tagVerifier:
			p.verifier = string(value)
		case tagReturnTo:
			p.returnTo = string(value)
		case tagAppState:
			p.appState = string(value)
		case tagInvitationToken:
			p.invitationToken = string(value)
		case tagStartedAt:
			p.startedAt, err = decodeTime(value)
		case tagMaxAge:
			maxAge, n := binary.Varint(value)
			if n <= 0 || n != len(value) {
				return errSealed
			}
			p.maxAge = (*time.Duration)(&maxAge)
		}
		return err
	})
	if err == nil && (p.state == "" || p.verifier == "" || p.startedAt.IsZero()) {
		err = errSealed
	}
	return p, err
}

// startSignIn remembers a sign-in in the browser and sends it to AuthKit.
func (a *AuthKit) startSignIn(w http.ResponseWriter, r *http.Request, s signIn) {
	if !a.passConflict(w, r, s.returnTo) {
		return
	}
	pending := pendingSignIn{
		state:           newState(),
		verifier:        pkce.NewVerifier(),
		returnTo:        s.returnTo,
		appState:        s.appState,
		invitationToken: s.params.InvitationToken,
		startedAt:       a.clock.Now(),
	}
	if s.params.MaxAge != nil {
		maxAge := time.Duration(*s.params.MaxAge) * time.Second
		pending.maxAge = &maxAge
	}
	s.params.State = pending.state
	s.params.CodeChallenge = pkce.Challenge(pending.verifier)
	location, err := a.client.AuthorizationURL(s.params)
	if err != nil {
		a.failPage(w, r, fmt.Errorf("%w: %w", ErrLogin, err), s.returnTo)
		return
	}
	text, err := a.signIns.Seal(pending.encode())
	if err == nil && len(a.cookies.stateName(pending.state))+len(text) > maxCookieSize {
		err = fmt.Errorf("state and invitation token fill %d bytes of a cookie that holds %d", len(text), maxCookieSize)
	}
	if err != nil {
		a.failPage(w, r, fmt.Errorf("%w: %w", ErrLogin, err), s.returnTo)
		return
	}
	a.expireOldSignIns(w, r)
	a.cookies.setState(w, pending.state, text)
	noStore(w.Header())
	w.Header().Set("Referrer-Policy", "no-referrer")
	seeOther(w, location)
}

func newState() string {
	octets := make([]byte, stateOctets)
	rand.Read(octets) // never fails: crypto/rand ends the program instead
	return base64.RawURLEncoding.EncodeToString(octets)
}

// expireOldSignIns keeps the newest few of a browser's sign-ins under way, so
// that abandoned ones do not pile up until servers refuse the header.
func (a *AuthKit) expireOldSignIns(w http.ResponseWriter, r *http.Request) {
	type candidate struct {
		name      string
		startedAt time.Time // zero where the cookie does not open
	}
	var found []candidate
	for name, value := range requestCookies(r.Header) {
		if !strings.HasPrefix(name, a.cookies.statePrefix) {
			continue
		}
		pending, _ := a.openSignIn(value)
		found = append(found, candidate{name, pending.startedAt})
		if len(found) == maxStateCookies {
			break
		}
	}
	slices.SortFunc(found, func(x, y candidate) int { return y.startedAt.Compare(x.startedAt) })
	for i, c := range found {
		if i >= maxSignIns-1 || c.startedAt.IsZero() {
			a.cookies.expire(w, c.name)
		}
	}
}

// openSignIn opens the cookie of a sign-in that is under way still.
func (a *AuthKit) openSignIn(text string) (pendingSignIn, error) {
	encoded, err := a.signIns.Open(text)
	if err != nil {
		return pendingSignIn{}, err
	}
	pending, err := decodePendingSignIn(encoded)
	if err != nil {
		return pendingSignIn{}, err
	}
	if age := a.clock.Now().Sub(pending.startedAt); age >= signInLifetime || age < -clockSkew {
		return pendingSignIn{}, fmt.Errorf("the sign-in began %s ago", age.Round(time.Second))
	}
	return pending, nil
}

// findSignIn finds the sign-in that a callback's state belongs to, among those
// of the browser that brings it.
func (a *AuthKit) findSignIn(r *http.Request, state string) (pendingSignIn, error) {
	name := a.cookies.stateName(state)
	for cookie, value := range requestCookies(r.Header) {
		if cookie != name {
			continue
		}
		pending, err := a.openSignIn(value)
		if err != nil {
			return pendingSignIn{}, err
		}
		if subtle.ConstantTimeCompare([]byte(pending.state), []byte(state)) != 1 {
			return pendingSignIn{}, errors.New("the cookie belongs to another sign-in")
		}
		return pending, nil
	}
	return pendingSignIn{}, errors.New("this browser has no such sign-in under way")
}

// provenBy tells whether a session has the proof of who the person is that the
// sign-in asked for: within the maximum age when the sign-in began, or later.
// AuthKit may not know the parameter, and a token from before may come back.
func (p *pendingSignIn) provenBy(s *Session) bool {
	return p.maxAge == nil || !s.AuthenticatedAt().Before(p.startedAt.Add(-*p.maxAge-clockSkew))
}

// useUp ends a sign-in: its cookie goes, and its state is remembered for as
// long as it would have been good, in case the cookie comes back. It tells
// whether this was the first time.
func (a *AuthKit) useUp(w http.ResponseWriter, pending pendingSignIn) bool {
	a.cookies.expire(w, a.cookies.stateName(pending.state))
	return a.redeemed.add(pending.state, struct{}{}, pending.startedAt.Add(signInLifetime))
}
