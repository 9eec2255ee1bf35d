// A pending sign-in: what the browser stores between Login and Callback.

package authkit

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/workos"
)

// pendingSignIn is the content of the cookie of a pending sign-in.
type pendingSignIn struct {
	state, verifier string
	returnTo        string // a path on this origin, or a URL of an origin of WithReturnOrigins
	appState        string
	invitationToken string
	startedAt       time.Time
	maxAge          *time.Duration // nil if no new authentication is required
	crossOrigin     bool           // a page of another origin started it
	restarted       bool           // it replaces a sign-in that took too long
	continued       bool           // it replaces a sign-in that needed a further step

	// callbackAt is when the callback of the sign-in came, on the system's clock. It is not
	// stored, and is zero if nothing is observed.
	callbackAt time.Time

	// replaced is the session that the browser had when the sign-in started. It is
	// stored only if browsers do not send the session cookie with the callback.
	// Otherwise it is nil.
	replaced *replacedSession

	// params are the other parameters of the authorization URL, to start the
	// sign-in again.
	params workos.AuthorizationParams
}

// replacedSession is the part of a session that is needed to sign it out.
type replacedSession struct{ id, userID, refreshToken string }

// The tags of the fields of a pendingSignIn.
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
	tagReplacedID      = 17
	tagReplacedUser    = 18
	tagReplacedToken   = 19
	tagProviderScopes  = 20 // separated by commas, which no scope contains
	tagLongReturnTo    = 21 // compressed; in place of tagReturnTo
	tagContinued       = 22
)

func (p *pendingSignIn) encode() []byte {
	e := fields.NewEncoder()
	e.Text(tagState, p.state)
	e.Text(tagVerifier, p.verifier)
	if compressed := compressReturnPath(p.returnTo); compressed != nil {
		e.Field(tagLongReturnTo, compressed)
	} else {
		e.Text(tagReturnTo, p.returnTo)
	}
	e.Text(tagAppState, p.appState)
	e.Text(tagInvitationToken, p.invitationToken)
	e.Time(tagStartedAt, p.startedAt)
	if p.maxAge != nil {
		e.Field(tagMaxAge, binary.AppendVarint(nil, int64(*p.maxAge)))
	}
	e.Flag(tagCrossOrigin, p.crossOrigin)
	e.Flag(tagRestarted, p.restarted)
	e.Flag(tagContinued, p.continued)
	e.Text(tagProvider, p.params.Provider)
	e.Text(tagConnection, p.params.ConnectionID)
	e.Text(tagOrganization, p.params.OrganizationID)
	e.Text(tagScreenHint, p.params.ScreenHint)
	e.Text(tagLoginHint, p.params.LoginHint)
	e.Text(tagDomainHint, p.params.DomainHint)
	e.Text(tagPrompt, p.params.Prompt)
	e.Text(tagProviderScopes, strings.Join(p.params.ProviderScopes, ","))
	if p.replaced != nil {
		e.Text(tagReplacedID, p.replaced.id)
		e.Text(tagReplacedUser, p.replaced.userID)
		e.Text(tagReplacedToken, p.replaced.refreshToken)
	}
	return e
}

// decodePendingSignIn decodes what encode returned. Unknown fields are skipped.
// Without a state, a code verifier or a time, the error is [fields.ErrEncoding].
func decodePendingSignIn(encoded []byte) (p pendingSignIn, err error) {
	var replaced replacedSession
	texts := map[uint64]*string{
		tagReplacedID: &replaced.id, tagReplacedUser: &replaced.userID, tagReplacedToken: &replaced.refreshToken,
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
		case tagLongReturnTo:
			p.returnTo, err = decompressReturnPath(value)
		case tagCrossOrigin:
			p.crossOrigin = true
		case tagRestarted:
			p.restarted = true
		case tagContinued:
			p.continued = true
		case tagProviderScopes:
			if len(value) > 0 {
				p.params.ProviderScopes = strings.Split(string(value), ",")
			}
		default:
			if text := texts[tag]; text != nil {
				*text = string(value)
			}
		}
		return err
	})
	if replaced.id != "" && replaced.userID != "" {
		p.replaced = &replaced
	}
	if err == nil && (p.state == "" || p.verifier == "" || p.startedAt.IsZero()) {
		err = fields.ErrEncoding
	}
	return p, err
}

// longReturnPath is the length from which a return path is compressed. A shorter one
// would gain little.
const longReturnPath = 512

// compressors holds *flate.Writer values, which are large.
var compressors = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestCompression) // an error is for another level only
	return w
}}

// compressReturnPath compresses a long return path, so that its sign-in fits into a
// cookie that a proxy with small buffers lets through. It returns nil if that makes the
// path no shorter. No secret is compressed with the path: the size of the cookie tells
// nothing else.
func compressReturnPath(path string) []byte {
	if len(path) < longReturnPath {
		return nil
	}
	var b bytes.Buffer
	w := compressors.Get().(*flate.Writer)
	defer compressors.Put(w)
	w.Reset(&b)
	io.WriteString(w, path) // writing to a bytes.Buffer cannot fail
	w.Close()
	if b.Len() >= len(path) {
		return nil
	}
	return b.Bytes()
}

// decompressReturnPath returns the path that compressReturnPath compressed. The error is
// [fields.ErrEncoding].
func decompressReturnPath(compressed []byte) (string, error) {
	r := flate.NewReader(bytes.NewReader(compressed))
	path, err := io.ReadAll(io.LimitReader(r, maxReturnPath+1))
	if err != nil || len(path) > maxReturnPath {
		return "", fields.ErrEncoding
	}
	return string(path), nil
}

// openInvitation returns the token of the invitation that the sign-in still has to accept
// when AuthKit has returned a code. AuthKit's hosted pages accept it before, and WorkOS
// refuses a code of theirs with a token (https://github.com/workos/workos-ruby/issues/337).
func (p *pendingSignIn) openInvitation() string {
	if p.params.ConnectionID == "" && p.params.Provider == "" { // newPendingSignIn omits the provider "authkit"
		return ""
	}
	return p.invitationToken
}

// satisfiesMaxAge reports whether a session has the authentication that the sign-in
// required: one that was within the maximum age when the sign-in started, or a later
// one. AuthKit may ignore max_age, and return a session with an older one.
func (p *pendingSignIn) satisfiesMaxAge(s *Session) bool {
	return p.maxAge == nil || !s.AuthenticatedAt().Before(p.startedAt.Add(-*p.maxAge-clockSkew))
}
