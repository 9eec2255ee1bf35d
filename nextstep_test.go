// Tests of what a sign-in that needs a further step passes on.

package authkit

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestALoginHintIsAPlainEmailAddress(t *testing.T) {
	for _, address := range []string{"kim@example.com", "kim+a.b_c-d'e@mail.example.com", "kim@localhost", "kïm@bücher.example"} {
		assert.True(t, isEmailAddress(address), address)
	}
	for _, address := range []string{
		"", "kim", "@example.com", "kim@", "kim@a@b", "kim @example.com", "kim@example.com\n", "Kim <kim@example.com>", "kim@example.com,a@b",
		`"kim"@example.com`, "kim@[10.0.0.1]", "kim@example.com\x00", "mailto:kim@example.com",
	} {
		assert.False(t, isEmailAddress(address), "%q", address)
	}
}
