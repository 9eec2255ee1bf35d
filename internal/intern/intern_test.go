// Tests of shared lists.

package intern

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// same reports whether two lists are one in memory.
func same(a, b []string) bool { return unsafe.SliceData(a) == unsafe.SliceData(b) }

func TestEqualListsAreSharedAndOthersAreNot(t *testing.T) {
	var lists Lists
	variants := [][]string{
		{"articles:read"}, {"articles:read", "articles:write"}, {"articles:write", "articles:read"},
		{"articles:readarticles:write"}, {"articles:read", ""}, {"", "articles:read"}, {""}, {"", ""},
		{"a", "bc"}, {"ab", "c"}, {"abc"}, {"\x01a"}, {"a\x01b"}, {"a", "b"}, {"\x00"}, {strings.Repeat("é", 200)},
		slices.Repeat([]string{"x"}, maxValues), {strings.Repeat("x", maxKey-2)}, // the longest, with the two octets of their length
	}
	first := make([][]string, len(variants))
	for i, values := range variants {
		first[i] = lists.Share(slices.Clone(values))
		require.Equal(t, values, first[i])
		assert.Equal(t, len(first[i]), cap(first[i]), "an append to a shared list would write into it")
	}
	for i, values := range variants {
		again := lists.Share(slices.Clone(values))
		require.Equal(t, values, again)
		assert.True(t, same(first[i], again), "%q", values)
		for j := range first {
			assert.Equal(t, i == j, same(first[j], again), "%q and %q", values, variants[j])
		}
	}
}

func TestAListOfTheOldGenerationIsSharedStill(t *testing.T) {
	var lists Lists
	values := []string{"a", "b"}
	first := lists.Share(values)
	lists.old, lists.young = lists.young, nil
	assert.True(t, same(first, lists.Share(values)))
	assert.Contains(t, lists.young, "\x01a\x01b")
}

func TestASharedListHasItsOwnMemory(t *testing.T) {
	var lists Lists
	text := []byte("articles:read")
	values := []string{unsafe.String(&text[0], len(text))}
	shared := lists.Share(values)
	copy(text, "ARTICLES")
	values[0] = "other"
	assert.Equal(t, []string{"articles:read"}, shared)
	assert.Equal(t, []string{"articles:read"}, lists.Share([]string{"articles:read"}))
}

func TestAListThatIsEmptyOrTooLongIsReturnedAsItIs(t *testing.T) {
	var lists Lists
	assert.Nil(t, lists.Share(nil))
	for name, values := range map[string][]string{
		"no value":    {},
		"many values": slices.Repeat([]string{"x"}, maxValues+1),
		"a long text": {strings.Repeat("x", maxKey)},
		"long texts":  {strings.Repeat("x", maxKey/2), strings.Repeat("y", maxKey/2)},
	} {
		assert.True(t, same(values, lists.Share(values)), name)
		assert.Empty(t, lists.young, name)
	}
}

func TestTheMemoryOfSharedListsHasALimitAndRecentOnesStay(t *testing.T) {
	var lists Lists
	usual := []string{"articles:read", "articles:write"}
	first := lists.Share(usual)
	for i := range 20_000 {
		values := []string{fmt.Sprintf("user:%d", i), strings.Repeat("x", i%300)}
		require.Equal(t, values, lists.Share(values))
		require.True(t, same(first, lists.Share(usual)), "after %d other lists", i)
		require.LessOrEqual(t, lists.bytes, maxBytes)
	}
	bytes := 0
	for _, generation := range []map[string][]string{lists.young, lists.old} {
		assert.Contains(t, generation, "\x0darticles:read\x0earticles:write")
		for key, values := range generation {
			bytes += overhead + len(key) + header*len(values)
		}
	}
	assert.LessOrEqual(t, bytes, 2*maxBytes)
	assert.Greater(t, bytes, maxBytes)
	assert.NotContains(t, lists.young, "\x06user:0\x00")
	assert.NotContains(t, lists.old, "\x06user:0\x00")
}

func TestConcurrentCallersGetTheSameList(t *testing.T) {
	var lists Lists
	const callers, kinds = 8, 50
	var got [callers][kinds][]string
	var done sync.WaitGroup
	for caller := range callers {
		done.Go(func() {
			for kind := range kinds {
				got[caller][kind] = lists.Share([]string{"role", fmt.Sprint(kind)})
			}
		})
	}
	done.Wait()
	for caller := range callers {
		for kind := range kinds {
			require.Equal(t, []string{"role", fmt.Sprint(kind)}, got[caller][kind])
			require.True(t, same(got[0][kind], got[caller][kind]))
		}
	}
}

// Both callers have looked for the list before either adds it.
func TestTheSecondOfTwoThatAddAListGetsTheListOfTheFirst(t *testing.T) {
	var lists Lists
	first := lists.add("\x01a\x01b", 2)
	bytes := lists.bytes
	assert.True(t, same(first, lists.add("\x01a\x01b", 2)))
	assert.Equal(t, bytes, lists.bytes, "it is counted once")
}

func TestAListThatIsKnownIsFoundWithoutAllocating(t *testing.T) {
	var lists Lists
	values := []string{"articles:read", "articles:write"}
	lists.Share(values)
	assert.Zero(t, testing.AllocsPerRun(100, func() { lists.Share(values) }))
}

func FuzzAListIsSharedWithEqualOnesOnly(f *testing.F) {
	f.Add("a,b", "ab")
	f.Add("", ",")
	f.Add("\x01a", "a\x01")
	f.Fuzz(func(t *testing.T, one, other string) {
		var lists Lists
		a, b := strings.Split(one, ","), strings.Split(other, ",")
		sharedA, sharedB := lists.Share(a), lists.Share(b)
		require.Equal(t, a, sharedA)
		require.Equal(t, b, sharedB)
		if len(a) <= maxValues && len(one) < maxKey/2 && len(b) <= maxValues && len(other) < maxKey/2 {
			require.Equal(t, slices.Equal(a, b), same(sharedA, sharedB))
		}
	})
}
