// Changes of API keys: which replies are outdated, and what it costs to know.

package authkit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/internal/replica"
)

func TestAReplyAboutAnAPIKeyIsOutdatedUpToTheChangeOfTheKey(t *testing.T) {
	clock := newSetClock()
	c := newKeyChanges(clock)
	key, other := &APIKey{ID: "api_key_1"}, &APIKey{ID: "api_key_2"}
	assert.False(t, c.outdates(key, clock.now))
	changed := clock.now
	c.note(replica.Hash(key.ID), changed.Add(time.Hour))
	clock.now = clock.now.Add(time.Minute)
	c.note(replica.Hash(other.ID), changed.Add(time.Hour))
	for _, late := range []time.Duration{time.Nanosecond, time.Millisecond, time.Second, time.Hour} {
		assert.False(t, c.outdates(key, changed.Add(late)), late)
		assert.True(t, c.outdates(other, changed.Add(time.Minute+time.Nanosecond-late)), late)
	}
	for _, early := range []time.Duration{0, time.Nanosecond, time.Millisecond, time.Hour} {
		assert.True(t, c.outdates(key, changed.Add(-early)), early)
	}
	assert.True(t, c.outdates(key, time.Time{}))
	assert.False(t, c.outdates(nil, time.Time{}))

	clock.now = changed.Add(-time.Minute) // the clock was set back
	c.note(replica.Hash("api_key_3"), changed.Add(time.Hour))
	assert.True(t, c.outdates(other, changed), "an earlier change stays")
}

func TestAReplyAfterTheLatestChangeOfAnAPIKeyIsCheckedWithoutCost(t *testing.T) {
	clock := newSetClock()
	c := newKeyChanges(clock)
	key := &APIKey{ID: "api_key_with_an_identifier_of_the_usual_length"}
	c.note(replica.Hash(key.ID), clock.now.Add(time.Hour))
	askedAt := clock.now.Add(time.Second)
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		if c.outdates(key, askedAt) {
			panic("the reply is newer than the change")
		}
	}))
}
