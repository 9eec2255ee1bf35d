// Notices: what instances tell each other in the log.

package replica

import (
	"encoding/binary"
	"time"
)

// NoticeKind is what a notice says.
type NoticeKind byte

const (
	// SessionEnded: the sign-ins of a session up to At are signed out. Hash is that of
	// the session ID.
	SessionEnded NoticeKind = 'O'
	// UserEnded: the sign-ins of a user up to At are signed out. Hash is that of the
	// user ID.
	UserEnded NoticeKind = 'U'
	// SessionResumed: a user has signed in to a session again that was signed out
	// before, at At. It must not be revoked for the earlier sign-out. Hash is that of
	// the session ID.
	SessionResumed NoticeKind = 'R'
	// UserChanged: a user was changed at WorkOS, at At on WorkOS's clock. Hash is that of
	// the user ID.
	UserChanged NoticeKind = 'C'
	// MembershipChanged: the membership of a user in an organization was changed or
	// deleted at WorkOS, at At on WorkOS's clock. Hash is that of the user ID, a space and
	// the organization ID.
	MembershipChanged NoticeKind = 'M'
	// OrganizationChanged: an organization was deleted or changed at WorkOS, at At on
	// WorkOS's clock. Hash is that of the organization ID.
	OrganizationChanged NoticeKind = 'D'
	// RightsChanged: the rights of all users may have changed at WorkOS, at At. Hash is
	// that of the empty text.
	RightsChanged NoticeKind = 'A'
	// PermissionsChanged: the permissions of members may have changed at WorkOS, so that
	// remembered answers about them are outdated. Hash is that of the organization ID, or of
	// the empty text for all members.
	PermissionsChanged NoticeKind = 'P'
	// APIKeyChanged: an API key was revoked or changed at WorkOS. Hash is that of the ID
	// of the key.
	APIKeyChanged NoticeKind = 'K'
	// tokenRefused asks about a refresh token. Hash is that of the token.
	tokenRefused NoticeKind = 'Q'
)

// Notice is a notice of the log.
type Notice struct {
	Kind  NoticeKind
	Hash  string    // the result of [Hash]
	At    time.Time // in milliseconds
	Until time.Time // when the notice is no longer in force, in milliseconds
}

// A notice consists of the mark of the application, a version, the kind, the hash, At
// and Until in Unix milliseconds, and the codes of [vault.sign].
const (
	noticeVersion = 1
	markSize      = 9
	noticeSize    = markSize + 1 + 1 + HashSize + 8 + 8
)

// encode returns the notice without its codes.
func (v *vault) encodeNotice(n Notice) []byte {
	b := append([]byte(v.mark), noticeVersion, byte(n.Kind))
	b = append(b, n.Hash...)
	b = binary.BigEndian.AppendUint64(b, uint64(n.At.UnixMilli()))
	return binary.BigEndian.AppendUint64(b, uint64(n.Until.UnixMilli()))
}

// decodeNotice returns a notice of this application. It reports false for any other
// bytes, and if no code of the notice is right.
func (v *vault) decodeNotice(b []byte) (Notice, bool) {
	if len(b) < noticeSize || string(b[:markSize]) != v.mark || b[markSize] != noticeVersion || !v.verify(b, noticeSize) {
		return Notice{}, false
	}
	rest := b[markSize+2 : noticeSize]
	return Notice{
		Kind:  NoticeKind(b[markSize+1]),
		Hash:  string(rest[:HashSize]),
		At:    time.UnixMilli(int64(binary.BigEndian.Uint64(rest[HashSize:]))),
		Until: time.UnixMilli(int64(binary.BigEndian.Uint64(rest[HashSize+8:]))),
	}, true
}
