// A sign-in under way: what the browser keeps of it between Login and Callback.

package authkit

import (
	"encoding/binary"
	"time"

	"github.com/authkit-go/authkit/internal/fields"
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
	replaced *replacedSession

	// asked is what else was asked of AuthKit, to ask for it again.
	params workos.AuthorizationParams
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
	e := fields.NewEncoder()
	e.Text(tagState, p.state)
	e.Text(tagVerifier, p.verifier)
	e.Text(tagReturnTo, p.returnTo)
	e.Text(tagAppState, p.appState)
	e.Text(tagInvitationToken, p.invitationToken)
	e.Time(tagStartedAt, p.startedAt)
	if p.maxAge != nil {
		e.Field(tagMaxAge, binary.AppendVarint(nil, int64(*p.maxAge)))
	}
	e.Flag(tagCrossOrigin, p.crossOrigin)
	e.Flag(tagRestarted, p.restarted)
	e.Text(tagProvider, p.params.Provider)
	e.Text(tagConnection, p.params.ConnectionID)
	e.Text(tagOrganization, p.params.OrganizationID)
	e.Text(tagScreenHint, p.params.ScreenHint)
	e.Text(tagLoginHint, p.params.LoginHint)
	e.Text(tagDomainHint, p.params.DomainHint)
	e.Text(tagPrompt, p.params.Prompt)
	if p.replaced != nil {
		e.Text(tagBeforeID, p.replaced.id)
		e.Text(tagBeforeUser, p.replaced.userID)
		e.Text(tagBeforeToken, p.replaced.refreshToken)
	}
	return e
}

func decodePendingSignIn(encoded []byte) (p pendingSignIn, err error) {
	var before replacedSession
	texts := map[uint64]*string{
		tagBeforeID: &before.id, tagBeforeUser: &before.userID, tagBeforeToken: &before.refreshToken,
		tagState: &p.state, tagVerifier: &p.verifier, tagReturnTo: &p.returnTo, tagAppState: &p.appState,
		tagInvitationToken: &p.invitationToken, tagProvider: &p.params.Provider, tagConnection: &p.params.ConnectionID,
		tagOrganization: &p.params.OrganizationID, tagScreenHint: &p.params.ScreenHint, tagLoginHint: &p.params.LoginHint,
		tagDomainHint: &p.params.DomainHint, tagPrompt: &p.params.Prompt,
	}
	err = fields.Decode(encoded, func(tag uint64, value []byte) (err error) {
		switch tag {
		case tagStartedAt:
			p.startedAt, err = fields.DecodeTime(value)
		case tagMaxAge:
			maxAge, n := binary.Varint(value)
			if n <= 0 || n != len(value) {
				return fields.ErrEncoding
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
		p.replaced = &before
	}
	if err == nil && (p.state == "" || p.verifier == "" || p.startedAt.IsZero()) {
		err = fields.ErrEncoding
	}
	return p, err
}

// provenBy tells whether a session has the proof of who the person is that the
// sign-in asked for: within the maximum age when the sign-in began, or later.
// AuthKit may not know the parameter, and a token from before may come back.
func (p *pendingSignIn) satisfiesMaxAge(s *Session) bool {
	return p.maxAge == nil || !s.AuthenticatedAt().Before(p.startedAt.Add(-*p.maxAge-clockSkew))
}

// sessionBefore is what the end of a session needs of it.
type replacedSession struct{ id, userID, refreshToken string }
