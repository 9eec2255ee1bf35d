// The results of API keys that instances share through the store.

package authkit

import (
	"context"
	"encoding/json"
	"time"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/workos"
)

// sharedKeys holds the results of API keys in the store. Only valid keys have one, and
// keys that were valid before. So invented keys take no room in the store. A nil
// *sharedKeys holds none.
type sharedKeys struct {
	store *replica.Protocol
	clock Clock
}

// sharedResult is a result in the store.
type sharedResult struct {
	Key     *workos.APIKey `json:"key"`   // nil if the key is not valid
	AskedAt int64          `json:"asked"` // when the validation started, in Unix milliseconds
}

// get returns the result of a key that another instance has stored. A result that is
// older than its lifetime and the skew of the clocks is not used: who can write to the
// store could otherwise put back the result of a key that was deleted.
func (k *sharedKeys) get(ctx context.Context, value string) (result keyResult, ok bool) {
	if k == nil {
		return result, false
	}
	encoded, left, ok := k.store.APIKeyResult(ctx, value)
	var stored sharedResult
	if !ok || json.Unmarshal(encoded, &stored) != nil {
		return keyResult{}, false
	}
	now := k.clock.Now()
	if age := now.Sub(time.UnixMilli(stored.AskedAt)); age > keyResultLifetime+clockSkew || age < -clockSkew {
		return keyResult{}, false
	}
	result.key = stored.Key
	if result.key != nil {
		result.key.Value = ""
	}
	result.askedAt = now.Add(min(left, keyResultLifetime) - keyResultLifetime)
	return result, true
}

// put stores a reply of WorkOS about a key for the other instances. key is nil if the
// key is not valid. askedAt is when the validation started.
func (k *sharedKeys) put(ctx context.Context, value string, key *workos.APIKey, askedAt time.Time) {
	if k == nil {
		return
	}
	var public *workos.APIKey
	if key != nil {
		withoutValue := *key
		withoutValue.Value = ""
		public = &withoutValue
	}
	if encoded, err := json.Marshal(sharedResult{public, askedAt.UnixMilli()}); err == nil {
		k.store.StoreAPIKeyResult(ctx, value, encoded, askedAt.Add(keyResultLifetime).Sub(k.clock.Now()))
	}
}
