// Tests of reading the Cookie header of a request.

package cookie

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCookiesOfOneNameAreReadInBoundedNumber(t *testing.T) {
	var pairs, values []string
	for i := range 20 {
		values = append(values, fmt.Sprint(i))
		pairs = append(pairs, "sid="+values[i], "theme=dark")
	}
	h := http.Header{"Cookie": {strings.Join(pairs, "; ") + "; sid=19; sid="}}
	assert.Equal(t, values[:16], slices.Collect(First(h, "sid")))
	for first := range First(h, "sid") {
		assert.Equal(t, "0", first)
		break
	}
	assert.Equal(t, slices.Concat(values[:8], values[12:]), Values(h, "sid"), "each once, without empty ones")
	assert.Empty(t, Values(h, "other"))
	assert.True(t, Has(h, "theme"))
	assert.False(t, Has(h, "them"))
}

func TestCookiesBeyondTheHeaderLimitAreNotRead(t *testing.T) {
	filler := "theme=" + strings.Repeat("x", maxCookieHeader/2-len("theme="))
	assert.True(t, Has(http.Header{"Cookie": {filler, "sid=a"}}, "sid"))
	assert.False(t, Has(http.Header{"Cookie": {filler, filler, "sid=a"}}, "sid"), "in another line")
	assert.False(t, Has(http.Header{"Cookie": {filler + "; " + filler + "; sid=a"}}, "sid"), "in the same line")
}

// A cookie of which only the beginning fits would be read with another value.
func TestACookieThatIsCutAtTheHeaderLimitIsNotRead(t *testing.T) {
	filler := "theme=" + strings.Repeat("x", maxCookieHeader-len("theme=; sid=value"))
	for _, c := range []struct {
		header string
		want   []string
	}{
		{filler + "; sid=value", []string{"value"}},
		{filler + "x; sid=value", nil},
		{filler + "x; sid=value; other=1", nil},
		{filler + "; sid=value; sid=other", nil}, // the semicolon behind it does not fit
	} {
		assert.Equal(t, c.want, Values(http.Header{"Cookie": {c.header}}, "sid"), c.header[len(filler):])
	}
}
