// Package seal turns bytes into text that is safe in a cookie, and back:
// encrypted, so that a browser cannot read it, and authenticated, so that
// nobody can change it.
//
// A [Sealer] knows nothing of what it seals. Formats differ in who else can
// open the text:
//
//   - [SecureCookie], the default, is authkit's own: gorilla/securecookie under
//     keys derived from a password.
//   - [Iron] is that of the AuthKit libraries for Next.js and Node.
//   - [WorkOSGo] is that of WorkOS's official Go SDK.
//
// Every format takes one password or several. The first seals, all of them
// open, which is how a password is rotated without signing anybody out: put
// the new one in front, and drop the old one when the longest session that it
// sealed is over.
package seal

import (
	"errors"
	"fmt"
)

// MinPasswordLength is the least number of bytes in a password, for every
// format. The keys are derived without stretching, so the password itself must
// be random: `openssl rand -base64 32` makes a good one.
const MinPasswordLength = 32

// Sealer seals bytes and opens what it sealed. Implementations are safe for
// concurrent use and keep no reference to the bytes they are given.
type Sealer interface {
	// Seal returns plaintext, encrypted and authenticated, in the characters
	// that RFC 6265, section 4.1.1, allows in a cookie value. Sealing the same
	// bytes twice gives two different texts.
	Seal(plaintext []byte) (string, error)

	// Open returns the bytes that text was sealed from. Text that was altered,
	// cut, sealed with a password that is not among this Sealer's or for
	// another purpose gives an error for which errors.Is(err, ErrOpen) holds.
	// The error never quotes what was sealed.
	Open(text string) ([]byte, error)
}

// ErrOpen says that a text was not sealed by the Sealer that was to open it,
// has expired or been altered since.
var ErrOpen = errors.New("seal: the text does not open with any of the passwords")

// refusal is an [ErrOpen] that says more: in a format of parts, which of them
// is not as it has to be.
type refusal string

func (r refusal) Error() string { return "seal: " + string(r) }

// Is makes errors.Is(err, ErrOpen) hold.
func (r refusal) Is(target error) bool { return target == ErrOpen }

// maxLength bounds the work that a text in a format of somebody else's can
// cause, to as much as the header of a request may hold in any case.
const maxLength = 32 << 10

// checkLength refuses to seal what would not be opened.
func checkLength(text string) (string, error) {
	if len(text) > maxLength {
		return "", fmt.Errorf("seal: %d bytes sealed; this format is read up to %d", len(text), maxLength)
	}
	return text, nil
}

var errTooLong = refusal(fmt.Sprintf("longer than %d bytes", maxLength))

// CheckPasswords reports what makes a list of passwords unusable: none at all,
// or one shorter than [MinPasswordLength] bytes, named by its position and
// length, never by its value.
func CheckPasswords(passwords ...string) error {
	if len(passwords) == 0 {
		return errors.New("seal: no password")
	}
	var faults []error
	for i, password := range passwords {
		if len(password) < MinPasswordLength {
			faults = append(faults, fmt.Errorf("seal: password %d of %d is %d bytes long; at least %d are needed",
				i+1, len(passwords), len(password), MinPasswordLength))
		}
	}
	return errors.Join(faults...)
}
