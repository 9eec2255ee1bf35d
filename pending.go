// A sign-in under way: what the browser keeps of it between Login and Callback.

package authkit

import (
	"encoding/binary"
	"time"

	"github.com/authkit-go/authkit/workos"
)

// pendingSignIn is what the cookie of a sign-in under way holds.
type pendingSignIn struct {
	state, verifier string
	returnTo        string // a path on this origin
	appState        string
	invitationToken string
	startedAt       time.Time
	maxAge          *time.Duration // nil where no new proof was asked for
	crossOrigin     bool           // a page of another origin started it
	restarted       bool           // it was started again in place of another

	// before is the session that was there as the sign-in began, where browsers
	// withhold its cookie from the callback; nil otherwise.
	before *sessionBefore

	// asked is what else was asked of AuthKit, to ask for it again.
	asked workos.AuthorizationParams
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
	tagCrossOrigin     = 8
	tagRestarted       = 9
	tagProvider        = 10
	tagConnection      = 11
	tagOrganization    = 12
	tagScreenHint      = 13
	tagLoginHint       = 14
	tagDomainHint      = 15
	tagPrompt          = 16
	tagBeforeID        = 17
	tagBeforeUser      = 18
	tagBeforeToken     = 19
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
	e.flag(tagCrossOrigin, p.crossOrigin)
	e.flag(tagRestarted, p.restarted)
	e.text(tagProvider, p.asked.Provider)
	e.text(tagConnection, p.asked.ConnectionID)
	e.text(tagOrganization, p.asked.OrganizationID)
	e.text(tagScreenHint, p.asked.ScreenHint)
	e.text(tagLoginHint, p.asked.LoginHint)
	e.text(tagDomainHint, p.asked.DomainHint)
	e.text(tagPrompt, p.asked.Prompt)
	if p.before != nil {
		e.text(tagBeforeID, p.before.id)
		e.text(tagBeforeUser, p.before.userID)
		e.text(tagBeforeToken, p.before.refreshToken)
	}
	return e
}

func decodePendingSignIn(encoded []byte) (p pendingSignIn, err error) {
	var before sessionBefore
	texts := map[uint64]*string{
		tagBeforeID: &before.id, tagBeforeUser: &before.userID, tagBeforeToken: &before.refreshToken,
		tagState: &p.state, tagVerifier: &p.verifier, tagReturnTo: &p.returnTo, tagAppState: &p.appState,
		tagInvitationToken: &p.invitationToken, tagProvider: &p.asked.Provider, tagConnection: &p.asked.ConnectionID,
		tagOrganization: &p.asked.OrganizationID, tagScreenHint: &p.asked.ScreenHint, tagLoginHint: &p.asked.LoginHint,
		tagDomainHint: &p.asked.DomainHint, tagPrompt: &p.asked.Prompt,
	}
	err = decodeFields(encoded, func(tag uint64, value []byte) (err error) {
		switch tag {
		case tagStartedAt:
			p.startedAt, err = decodeTime(value)
		case tagMaxAge:
			maxAge, n := binary.Varint(value)
			if n <= 0 || n != len(value) {
				return errSealed
			}
			p.maxAge = (*time.Duration)(&maxAge)
		case tagCrossOrigin:
			p.crossOrigin = true
		case tagRestarted:
			p.restarted = true
		default:
			if text := texts[tag]; text != nil {
				*text = string(value)
			}
		}
		return err
	})
	if before.id != "" && before.userID != "" {
		p.before = &before
	}
	if err == nil && (p.state == "" || p.verifier == "" || p.startedAt.IsZero()) {
		err = errSealed
	}
	return p, err
}

// provenBy tells whether a session has the proof of who the person is that the
// sign-in asked for: within the maximum age when the sign-in began, or later.
// AuthKit may not know the parameter, and a token from before may come back.
func (p *pendingSignIn) provenBy(s *Session) bool {
	return p.maxAge == nil || !s.AuthenticatedAt().Before(p.startedAt.Add(-*p.maxAge-clockSkew))
}

// sessionBefore is what the end of a session needs of it.
type sessionBefore struct{ id, userID, refreshToken string }
