// The access token of a session.

package payload

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTokensAreEqualIfTheirTextsAre(t *testing.T) {
	texts := []string{"", "..", "t", "a.b", typicalToken, typicalToken[:len(typicalToken)-2], "AAAA.AAAA.AAAA", "AAAA.AAAAAAAA.", "AAAAAAAA.AAAA.", "AAAA.AB.AAAA"}
	forms := map[string]func(string) Token{"split": NewToken, "text": UnsplitToken}
	for _, one := range texts {
		for _, other := range texts {
			for name, form := range forms {
				for otherName, otherForm := range forms {
					a, b := form(one), otherForm(other)
					assert.Equal(t, one == other, a.Equal(&b), "%q as %s, %q as %s", one, name, other, otherName)
				}
			}
		}
		for name, form := range forms {
			token := form(one)
			assert.Equal(t, one, token.Text(), name)
			assert.Equal(t, one == "", token.IsZero(), name)
		}
	}
}

// A sealed token is the same whether it came as its text or as its parts.
func TestATokenIsSealedInOneForm(t *testing.T) {
	split, text := fullSession(), fullSession()
	text.AccessToken = UnsplitToken(typicalToken)
	assert.Equal(t, Encode(&split), Encode(&text))
	assert.Equal(t, EncodeShared(&split, ""), EncodeShared(&text, ""))
}

func TestATokenInMemoryIsAQuarterSmallerThanItsText(t *testing.T) {
	full := fullSession()
	back, err := Decode(Encode(&full))
	require.NoError(t, err)
	assert.Less(t, back.AccessToken.size(), len(typicalToken)*77/100)
	assert.Equal(t, 2, strings.Count(back.AccessToken.Text(), "."))
}
