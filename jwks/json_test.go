// The strict JSON parser.

package jwks

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestADuplicateMemberIsFoundAmongMany(t *testing.T) {
	var names []string
	for i := range 5 * linearNames {
		names = append(names, fmt.Sprintf(`"n%d": %d`, i, i))
	}
	for _, count := range []int{1, linearNames - 1, linearNames, linearNames + 1, len(names)} {
		text := "{" + strings.Join(names[:count], ",") + "}"
		m, err := splitObject(text, nil)
		require.NoError(t, err)
		assert.Len(t, m, count)
		for _, twice := range []string{names[0], names[count/2], names[count-1]} {
			_, err := splitObject("{"+strings.Join(names[:count], ",")+","+twice+"}", nil)
			assert.ErrorContains(t, err, "two members", "%d members and %s", count, twice)
		}
	}
}

func TestTheNestingDepthOfJSONIsBounded(t *testing.T) {
	nested := func(depth int) string { return `{"a":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}` }
	_, err := splitObject(nested(maxDepth-1), nil)
	assert.NoError(t, err)
	_, err = splitObject(nested(maxDepth), nil)
	assert.ErrorContains(t, err, "levels of nesting")
	_, err = splitObject(strings.Repeat(`{"a":`, maxDepth+1), nil)
	assert.ErrorContains(t, err, "levels of nesting")
}

// FuzzSplitObject checks that encoding/json accepts everything that splitObject accepts, with the same members. The only
// valid objects that splitObject refuses have duplicate names, too deep nesting or invalid UTF-8.
func FuzzSplitObject(f *testing.F) {
	for _, text := range []string{
		`{}`, ` { "a" : [ 1 , -0.5e+10, true , false, null, "\u00e9\n\"" ] , "b" : { } } `, `{"a":1,"a":2}`, `{"a":{"b":1,"\u0062":2}}`,
		`{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":-}`, `{"a":+1}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, `{"a":"`, `{"a"`, `{"a":1,}`, `{,}`,
		`[1]`, `"a"`, `null`, `{} {}`, "{\"a\":\"\t\"}", "{\"a\":\"\xff\"}", "\ufeff{}", `{"a":nul}`, `{"a":"\ud800"}`, `{"a" 1}`, `{"a":[1 2]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		members, err := splitObject(text, nil)
		if err != nil {
			if json.Valid([]byte(text)) && strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") && utf8.ValidString(text) {
				require.Regexp(t, "two members|levels of nesting", err.Error())
			}
			return
		}
		var want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(text), &want))
		require.Len(t, members, len(want))
		for _, m := range members {
			require.Equal(t, string(want[m.name]), m.value)
			require.True(t, json.Valid([]byte(m.value)))
		}
	})
}
