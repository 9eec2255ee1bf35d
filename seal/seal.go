// Package seal turns bytes into text that is safe in a cookie, and back. The
// text is encrypted, so that a browser cannot read it. It is authenticated, so
// that it cannot be changed undetected.
//
// A [Sealer] does not interpret what it seals. Four formats exist. They differ
// in the libraries that can open the text:
//
//   - [SecureCookie], the default, is authkit's own: gorilla/securecookie with
//     keys derived from a password.
//   - [Compact] is authkit's own too: AES-256-GCM with a key for each text. Its
//     texts are shorter and take less time to open.
//   - [Iron] is the format of the AuthKit libraries for Next.js and Node.
//   - [WorkOSGo] is the format of WorkOS's official Go SDK.
//
// Every format takes one password or several. The first one seals, and all of
// them open. To rotate the password without ending sessions, put the new
// password in front. Remove the old password when all sessions that it sealed
// have ended.
package seal

import (
	"errors"
	"fmt"
)

// MinPasswordLength is the minimum length of a password in bytes, for every
// format. The keys are derived without stretching, so the password itself must
// be random: `openssl rand -base64 32` makes a good one.
const MinPasswordLength = 32

// Sealer seals bytes and opens what it sealed. Implementations are safe for
// concurrent use and keep no reference to the bytes they are given.
type Sealer interface {
	// Seal returns plaintext, encrypted and authenticated, in the characters
	// that RFC 6265, section 4.1.1, allows in a cookie value. Sealing the same
	// bytes twice gives two different texts. The error matches [ErrTooLong] if the
	// format limits the length of a text and plaintext is too long for it.
	Seal(plaintext []byte) (string, error)

	// Open returns the bytes that text was sealed from. The error matches
	// [ErrOpen] if the text was altered or truncated, or was sealed with another
	// password or for another purpose. It never quotes the plaintext.
	Open(text string) ([]byte, error)
}

// ErrOpen means that a Sealer cannot open a text: the Sealer did not seal it,
// or it was altered or has expired.
var ErrOpen = errors.New("seal: the text does not open with any of the passwords")

// ErrTooLong means that a plaintext is too long to be sealed: Open would refuse the
// length of the text.
var ErrTooLong = errors.New("seal: the plaintext is too long")

// openError matches ErrOpen and gives the reason.
type openError string

func (e openError) Error() string { return "seal: the text does not open: " + string(e) }

// Is reports whether target is [ErrOpen].
func (e openError) Is(target error) bool { return target == ErrOpen }

// maxLength bounds the work that a text in another library's format can cause.
// It is about as much as the headers of a request can hold.
const maxLength = 32 << 10

// checkLength returns a sealed text, or an error that matches [ErrTooLong] if Open
// would refuse its length.
func checkLength(text string) (string, error) {
	if len(text) > maxLength {
		return "", fmt.Errorf("%w: %d bytes sealed; this format allows at most %d", ErrTooLong, len(text), maxLength)
	}
	return text, nil
}

var errTooLong = openError(fmt.Sprintf("it is longer than %d bytes", maxLength))

// CheckPasswords returns an error if there is no password or if one is shorter
// than [MinPasswordLength] bytes. The error names each short password by its
// position and length, never by its value.
func CheckPasswords(passwords ...string) error {
	if len(passwords) == 0 {
		return errors.New("seal: no password is given")
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

// checkSettings returns an error if the purpose is empty or [CheckPasswords] returns one.
func checkSettings(purpose string, passwords []string) error {
	if purpose == "" {
		return errors.New("seal: the purpose is empty")
	}
	return CheckPasswords(passwords...)
}
