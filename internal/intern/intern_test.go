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

// share is Share without its second result.
func share(lists *Lists, values []string) []string {
	list, _ := lists.Share(values)
	return list
}

// same reports whether two lists are one in memory.
func same(a, b []string) bool { return unsafe.SliceData(a) == unsafe.SliceData(b) }

func TestEqualListsAreSharedAndOthersAreNot(t *testing.T) {
	var lists Lists
	variants := [][]string{
		{"articles:read"}, {"articles:read", "articles:write"}, {"articles:write", "articles:read"},
		{"articles:readarticles:write"}, {"articles:read", ""}, {"", "articles:read"}, {""}, {"", ""},
		{"a", "bc"}, {"ab", "c"}, {"abc"}, {"\x01a"}, {"a\x01b"}, {"a", "b"}, {"\x00"}, {strings.Repeat("é", 200)},
		slices.Repeat([]string{"x"}, maxValues),
	}
	first := make([][]string, len(variants))
	for i, values := range variants {
		first[i] = share(&lists, slices.Clone(values))
		require.Equal(t, values, first[i])
		assert.Equal(t, len(first[i]), cap(first[i]), "an append to a shared list would write into it")
	}
	for i, values := range variants {
		again := share(&lists, slices.Clone(values))
		require.Equal(t, values, again)
		assert.True(t, same(first[i], again), "%q", values)
		for j := range first {
			assert.Equal(t, i == j, same(first[j], again), "%q and %q", values, variants[j])
		}
	}
}

func TestTheFirstCallerOwnsTheMemoryOfAList(t *testing.T) {
	var lists Lists
	for _, values := range [][]string{{"a"}, {"a", "b"}} {
		_, own := lists.Share(values)
		assert.True(t, own)
		_, own = lists.Share(values)
		assert.False(t, own)
	}
	long := slices.Repeat([]string{"x"}, maxValues+1)
	for range 2 {
		_, own := lists.Share(long)
		assert.True(t, own, "it is not shared")
	}
	lists.old, lists.young = lists.young, nil
	_, own := lists.Share([]string{"a"})
	assert.False(t, own, "it is still known")
}

func TestASharedListHasItsOwnMemory(t *testing.T) {
	var lists Lists
	text := []byte("articles:read")
	values := []string{unsafe.String(&text[0], len(text))}
	shared := share(&lists, values)
	copy(text, "ARTICLES")
	values[0] = "other"
	assert.Equal(t, []string{"articles:read"}, shared)
	assert.Equal(t, []string{"articles:read"}, share(&lists, []string{"articles:read"}))
}

func TestAListThatIsEmptyOrTooLongIsReturnedAsItIs(t *testing.T) {
	var lists Lists
	assert.Nil(t, share(&lists, nil))
	for name, values := range map[string][]string{
		"no value":    {},
		"many values": slices.Repeat([]string{"x"}, maxValues+1),
		"a long text": {strings.Repeat("x", maxKey)},
		"long texts":  {strings.Repeat("x", maxKey/2), strings.Repeat("y", maxKey/2)},
	} {
		assert.True(t, same(values, share(&lists, values)), name)
		assert.Empty(t, lists.young, name)
	}
}

func TestTheMemoryOfSharedListsHasALimitAndRecentOnesStay(t *testing.T) {
	var lists Lists
	usual := []string{"articles:read", "articles:write"}
	first := share(&lists, usual)
	for i := range 20_000 {
		values := []string{fmt.Sprintf("user:%d", i), strings.Repeat("x", i%300)}
		require.Equal(t, values, share(&lists, values))
		require.True(t, same(first, share(&lists, usual)), "after %d other lists", i)
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
				got[caller][kind] = share(&lists, []string{"role", fmt.Sprint(kind)})
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

func TestAListThatIsKnownIsFoundWithoutAllocating(t *testing.T) {
	var lists Lists
	values := []string{"articles:read", "articles:write"}
	share(&lists, values)
	assert.Zero(t, testing.AllocsPerRun(100, func() { share(&lists, values) }))
}

func FuzzAListIsSharedWithEqualOnesOnly(f *testing.F) {
	f.Add("a,b", "ab")
	f.Add("", ",")
	f.Add("\x01a", "a\x01")
	f.Fuzz(func(t *testing.T, one, other string) {
		var lists Lists
		a, b := strings.Split(one, ","), strings.Split(other, ",")
		sharedA, sharedB := share(&lists, a), share(&lists, b)
		require.Equal(t, a, sharedA)
		require.Equal(t, b, sharedB)
		if len(a) <= maxValues && len(one) < maxKey/2 && len(b) <= maxValues && len(other) < maxKey/2 {
			require.Equal(t, slices.Equal(a, b), same(sharedA, sharedB))
		}
	})
}
