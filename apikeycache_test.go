// Tests of the cache of API keys.

package authkit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/workos"
)

func TestTheCacheOfProvenAPIKeysIsBounded(t *testing.T) {
	clock := newSetClock()
	c := newKeyCache(clock, 0, newKeyChanges(clock))
	large := strings.Repeat("x", 1<<19)
	for i := range 50 {
		key := &APIKey{Name: large, Owner: workos.APIKeyOwner{Type: "organization", ID: "org_1"}, Permissions: []string{large}}
		c.put(fmt.Sprint(i), keyResult{key: key, askedAt: clock.now, until: clock.now.Add(keyResultLifetime)})
	}
	assert.Equal(t, 31, c.proven.Len(), "about 1 MiB each, of 32 MiB")
	assert.LessOrEqual(t, c.proven.Bytes(), 32<<20)

	for i := range 20_000 {
		c.put(fmt.Sprint("small", i), keyResult{key: &APIKey{}, askedAt: clock.now, until: clock.now.Add(keyResultLifetime)})
	}
	assert.Equal(t, 16_384, c.proven.Len())
	_, ok := c.get("small19999")
	assert.True(t, ok)
	_, ok = c.get("small0")
	assert.False(t, ok, "the oldest is evicted")
}

func TestUnknownAPIKeysEvictNoProvenOne(t *testing.T) {
	clock := newSetClock()
	c := newKeyCache(clock, 0, newKeyChanges(clock))
	c.put("good", keyResult{key: &APIKey{}, askedAt: clock.now, until: clock.now.Add(keyResultLifetime)})
	for i := range 40_000 {
		result := keyResult{until: clock.now.Add(keyResultLifetime)}
		if i%2 == 0 {
			result.err = errors.New("a failure")
		}
		c.put(fmt.Sprint(i), result)
	}
	assert.Equal(t, 4096, c.unknown.Len(), "the cache of unknown keys is bounded")
	result, ok := c.get("good")
	assert.True(t, ok)
	assert.NotNil(t, result.key)
}

func TestAFailureNeverMakesAnAPIKeyProvenForLonger(t *testing.T) {
	clock := newSetClock()
	c := newKeyCache(clock, 0, newKeyChanges(clock))
	c.put("good", keyResult{key: &APIKey{}, askedAt: clock.now, until: clock.now.Add(keyResultLifetime)})
	for range 14 {
		clock.now = clock.now.Add(12*time.Hour - 1)
		c.put("good", keyResult{err: errors.New("a failure"), askedAt: clock.now, until: clock.now.Add(retryPause)})
	}
	assert.True(t, c.isProven("good"))
	clock.now = clock.now.Add(14)
	assert.False(t, c.isProven("good"))
}
