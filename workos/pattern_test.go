// The hand-written searches, compared with regular expressions.

package workos

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	secretPattern      = regexp.MustCompile(`(eyJ|\bsk_)[\w.` + placeholder + `-]+`)
	placeholderPattern = regexp.MustCompile(`^\{\w+\}$`)
	literalPattern     = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
)

func FuzzTheSearchesFindWhatRegularExpressionsFind(f *testing.F) {
	for _, text := range []string{
		"", "no secret", "the key sk_test_a1 is wrong", "task_1 and _sk_2 and 1sk_3", "é" + "sk_4", "sk_", "sk_.", "a sk_\x00 b",
		"eyJ", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1In0.c2ln", "xeyJa", "eyJeyJa", "skeyJa-b", "sk_eyJ", "eyJ!eyJa", "eyJa sk_b",
		"{id}", "{}", "{", "}", "{a}b", "{a{b}", "{é}", "{id}\n", "organizations", "a.b~c-d_e", "é", "a b", "a\n", "\xff",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		require.Equal(t, secretPattern.ReplaceAllLiteralString(text, placeholder), maskLookalikes(text))
		require.Equal(t, placeholderPattern.MatchString(text), isPlaceholderSegment(text))
		require.Equal(t, literalPattern.MatchString(text), text != "" && isLiteralSegment(text))
	})
}
