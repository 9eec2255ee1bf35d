// Values that instances share without a protocol: the results of API keys, and used
// states.

package replica

import (
	"context"
	"time"
)

// apiKeyPurpose binds the seal of an API key's result to its use.
const apiKeyPurpose = "api key"

// APIKeyResult returns the result that another instance has stored for an API key,
// and how long it is still kept. ok is false if there is none, or if the store does
// not answer in time.
func (p *Protocol) APIKeyResult(ctx context.Context, apiKey string) (result []byte, left time.Duration, ok bool) {
	ctx, cancel := within(ctx, p.budgets.Response)
	defer cancel()
	v, err := p.link.get(ctx, p.vault.key("k", Hash(apiKey)))
	if err != nil || v.bytes == nil {
		return nil, 0, false
	}
	result, err = p.vault.open(apiKeyPurpose, apiKey, v.bytes)
	return result, v.left, err == nil
}

// StoreAPIKeyResult stores the result of an API key for the other instances, in the
// place of an earlier one.
func (p *Protocol) StoreAPIKeyResult(ctx context.Context, apiKey string, result []byte, ttl time.Duration) {
	sealed, err := p.vault.seal(apiKeyPurpose, apiKey, result)
	if err != nil || ttl < time.Millisecond {
		return
	}
	ctx, cancel := within(ctx, p.budgets.Response)
	defer cancel()
	key := p.vault.key("k", Hash(apiKey))
	now, swapped, err := p.link.swap(ctx, key, nil, sealed, ttl)
	if err == nil && !swapped && now.bytes != nil {
		_, _, _ = p.link.swap(ctx, key, now.bytes, sealed, ttl) // if another instance was faster, its result is as new
	}
}

// UseState reports whether this is the first use of a state at any instance. A used
// state is kept for ttl. If the store does not answer in time, UseState returns an
// error, and only this instance knows of the use.
func (p *Protocol) UseState(ctx context.Context, state string, ttl time.Duration) (first bool, err error) {
	ctx, cancel := within(ctx, p.budgets.Claim)
	defer cancel()
	key, use := p.vault.key("s", Hash(state)), []byte(random(nonceSize))
	firstTry, cancelFirst := within(ctx, p.budgets.ClaimRetry)
	_, first, err = p.link.swap(firstTry, key, nil, use, max(ttl, time.Second))
	cancelFirst()
	if err != nil { // it may have succeeded, so it is asked once more with the same value
		_, first, err = p.link.swap(ctx, key, nil, use, max(ttl, time.Second))
	}
	p.reached("state used")
	return first, err
}
