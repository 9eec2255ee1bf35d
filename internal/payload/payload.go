// Package payload encodes and decodes the content of session cookies. Sealing
// is the caller's task.
//
// There are three formats: this module's own ([Encode], [Decode]), the format
// that AuthKit libraries in other languages share ([EncodeShared],
// [DecodeShared]), and the format of the official Go SDK, workos-go, which is
// only read ([DecodeWorkOSGo]). The shared format without a seal is also only read
// ([DecodeUnsealed]).
package payload

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/authkit-go/authkit/internal/heapsize"
	"github.com/authkit-go/authkit/workos"
)

// Session is the content of a session cookie. It is not verified.
type Session struct {
	AccessToken  Token
	RefreshToken string
	// User is the user without the metadata. [Session.SetUser] sets both, and
	// [Session.Profile] returns both.
	User                 workos.User
	Impersonator         *workos.Impersonator // nil if there is none
	AuthenticationMethod string               // as WorkOS names it, or ""
	SignedInAt           time.Time            // start of the absolute timeout, on this application's clock
	RefreshedAt          time.Time            // start of the idle timeout, on this application's clock
	// Origin names the refresh token that this session's was exchanged for, in a
	// form that does not reveal it. It is "" if that is not known.
	Origin string
	// CurrentTo is the time of the latest change at WorkOS that the access token is
	// known to show, on WorkOS's clock. It is zero if the time of issue of the token says
	// enough: it is set only for a token that was issued in the same second.
	CurrentTo time.Time
	// Foreign reports whether another application sealed the session, in a format
	// other than this application's own. The decoders of this package do not set it.
	Foreign bool
	// Unsealed reports that the tokens came from a cookie without a seal
	// ([DecodeUnsealed]). Its user could write anything into it. So the session has no
	// profile but the ID, and the refresh token may be one of any session.
	Unsealed bool

	metadata metadata

	// shared holds all members of a session that was decoded from the shared
	// format. It keeps members that this package does not know.
	shared object
}

// metadata holds the keys of a user's metadata in sorted order, each followed by
// its value. It takes a fraction of the memory of a map. That matters if many
// sessions are cached.
type metadata []string

// SetUser sets the user and the user's metadata.
func (s *Session) SetUser(u workos.User) {
	s.metadata = nil
	for _, key := range slices.Sorted(maps.Keys(u.Metadata)) {
		s.metadata = append(s.metadata, key, u.Metadata[key])
	}
	u.Metadata = nil
	s.User = u
}

// Profile returns a copy of the user, with the metadata.
func (s *Session) Profile() (u workos.User) {
	u = s.User
	if s.metadata != nil {
		u.Metadata = s.metadata.toMap()
	}
	return u
}

func (m metadata) toMap() map[string]string {
	values := make(map[string]string, len(m)/2)
	for pair := range slices.Chunk(m, 2) {
		values[pair[0]] = pair[1]
	}
	return values
}

func (m metadata) size() (size int) {
	for _, text := range m {
		size += len(text)
	}
	return size
}

// Size returns the bytes that a session takes in memory, for one that Decode has returned.
// For others it is an estimate.
func (s *Session) Size() int {
	u := &s.User
	size := heapsize.Type[Session]() + s.AccessToken.size() + heapsize.Texts(s.RefreshToken) + heapsize.Texts(s.Origin)
	if s.Impersonator != nil {
		size += heapsize.Type[workos.Impersonator]() + heapsize.Texts(s.Impersonator.Email) + heapsize.Texts(s.Impersonator.Reason)
	}
	// Decode keeps the texts of the profile with their tags and times in one string.
	const tags = 48
	profile := len(u.ID) + len(u.Email) + len(u.FirstName) + len(u.LastName) + len(u.Name) + len(u.ProfilePictureURL) + len(u.ExternalID) + len(u.Locale)
	size += heapsize.Of(profile+s.metadata.size()+tags) + heapsize.Array(s.metadata)
	for member, value := range s.shared {
		size += len(member) + len(value) + 64
	}
	return size
}

// Breakdown returns a text that tells how many bytes each part of a session
// has. It is for an operator whose sessions are too large for a cookie. It
// contains no value of the session.
func (s *Session) Breakdown() string {
	others := 0
	for member, value := range s.shared {
		switch member {
		case memberAccessToken, memberRefreshToken, memberUser, memberTimes:
		default:
			others += len(member) + len(value)
		}
	}
	u := &s.User
	profile := len(u.ID) + len(u.Email) + len(u.FirstName) + len(u.LastName) + len(u.Name) + len(u.ProfilePictureURL) + len(u.ExternalID)
	text := fmt.Sprintf("the access token has %d bytes, the refresh token %d, the profile %d, its metadata %d",
		len(s.AccessToken.Text()), len(s.RefreshToken), profile, s.metadata.size())
	if others > 0 {
		text += fmt.Sprintf(", members that other libraries put there %d", others)
	}
	return text
}
