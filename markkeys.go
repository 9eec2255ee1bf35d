// The keys of the marks that concern a session: of its end, and of changes at WorkOS.

package authkit

import "github.com/authkit-go/authkit/internal/replica"

// markKeys are the keys of the marks that concern a session, in one text: a quarter of the
// memory of five texts.
type markKeys string

const (
	noticeKeySize = 1 + replica.HashSize // the length of a key that noticeKey returns
	markKeysSize  = 5 * noticeKeySize
)

func (k markKeys) at(index int) string { return string(k[index*noticeKeySize:][:noticeKeySize]) }

// The keys of the session's end and of its user's end.
func (k markKeys) session() string { return k.at(0) }
func (k markKeys) user() string    { return k.at(1) }

// The keys of changes after which the session is due.
func (k markKeys) changedUser() string  { return k.at(2) }
func (k markKeys) membership() string   { return k.at(3) }
func (k markKeys) organization() string { return k.at(4) }
