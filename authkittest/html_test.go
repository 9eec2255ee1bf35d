// The tags of a page.

package authkittest_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testrun"
)

// tagPieces are what documents are made of.
var tagPieces = []string{"<", ">", "\"", "'", "/", "</", "<!--", "-->", "<!", "-", "a", "Bc", "7", "=", " ", "\n", "ä", "\xff", "<a>", `<a href="x>y">`}

func TestATagIsFoundWhereAnExpressionFindsIt(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	tags, comments := 0, 0
	for range testrun.Length(10_000, 500_000) {
		document := ""
		for range random.IntN(14) {
			document += tagPieces[random.IntN(len(tagPieces))]
		}
		var want [3]int
		switch at := authkittest.TagPattern.FindStringSubmatchIndex(document); {
		case at == nil:
		case at[4] < 0:
			want = [3]int{at[0], 0, at[1]}
			comments++
		default:
			want = [3]int{at[0], at[5], at[1]}
			tags++
		}
		from, name, to := authkittest.FindTag(document)
		require.Equal(t, want, [3]int{from, name, to}, "%q", document)
		require.Equal(t, authkittest.TagPattern.ReplaceAllString(document, ""), authkittest.WithoutTags(document), "%q", document)
	}
	require.Greater(t, tags, 1000)
	require.Greater(t, comments, 50)
}

// To read the rest of the document for each piece would take long.
func TestALargePageWithoutTheEndsOfItsTagsHasNoTag(t *testing.T) {
	for _, piece := range []string{"<a ", "<a '", "<!--", "</a \""} {
		document := strings.Repeat(piece, 20_000) + piece
		_, _, to := authkittest.FindTag(document)
		assert.Zero(t, to, piece)
		assert.True(t, authkittest.WithoutTags(document) == document, piece)
	}
}
