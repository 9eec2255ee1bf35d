// Tests of the encoding of fields.

package fields

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAnEmptyFieldTakesNoBytesAndACutFieldIsRefused(t *testing.T) {
	const tag = 21
	e := NewEncoder()
	e.Text(tag, "")
	assert.Len(t, e, 1, "only the version")
	ignore := func(uint64, []byte) error { return nil }
	assert.NoError(t, Decode([]byte{Version, tag, 0}, ignore))
	for _, cut := range [][]byte{{}, {Version, tag}, {Version, 0x80}, {Version, tag, 0x80}, {Version, tag, 1}} {
		assert.ErrorIs(t, Decode(cut, ignore), ErrEncoding, "%x", cut)
	}
}
