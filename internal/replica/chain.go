// The chain of records from a refresh token to its newest successor.

package replica

import (
	"bytes"
	"context"
	"slices"
	"time"
)

// maxChain limits how many records are followed. It is more than the refreshes of a
// day with tokens of five minutes.
const maxChain = 400

// Successor returns the successor of a token that this instance knows.
type Successor func(token string) (next string, ok bool)

// TokenOf returns the refresh token in a payload.
type TokenOf func(payload []byte) (token string, ok bool)

// Newer is what the records say about a session that a response is about to set.
type Newer struct {
	Step    ResponseStep
	Payload []byte // of SendNewer: the newest session
}

// BeforeResponse follows the records from a refresh token (rule 4). group is the group
// of its session. Publications of the group that are not confirmed are tried once
// more before. If the store does not answer in time, the response does what it would
// do without a store.
func (p *Protocol) BeforeResponse(ctx context.Context, token, group string) Newer {
	ctx, cancel := within(ctx, p.budgets.Response)
	defer cancel()
	p.retries.attemptGroup(ctx, group)
	newer := Newer{Step: Send}
	for range maxChain {
		found, err := p.read(ctx, p.recordKey(token))
		p.reached("followed")
		if err != nil {
			return newer
		}
		switch BeforeResponse(found.kind) {
		case Send:
			return newer
		case SendNoCookie:
			return Newer{Step: SendNoCookie}
		}
		payload, err := p.successor(token, found)
		if err != nil {
			return Newer{Step: SendNoCookie}
		}
		next, ok := p.config.TokenOf(payload)
		if !ok {
			return Newer{Step: SendNoCookie}
		}
		newer = Newer{Step: SendNewer, Payload: payload}
		if next == token { // WorkOS did not rotate the token
			return newer
		}
		token = next
	}
	return newer
}

// Newest returns the newest session that the records lead to from a refresh token, or
// nil. It follows spent marks too, so no session may be served or set from its result. It
// tells whether a session was refreshed after its browser has presented the successor.
func (p *Protocol) Newest(ctx context.Context, token, group string) (payload []byte) {
	ctx, cancel := within(ctx, p.budgets.Response)
	defer cancel()
	p.retries.attemptGroup(ctx, group)
	for range maxChain {
		found, err := p.read(ctx, p.recordKey(token))
		if err != nil || found.kind != Success && found.kind != Spent {
			return payload
		}
		next, err := p.successor(token, found)
		if err != nil {
			return payload
		}
		payload = next
		last := token
		if token, _ = p.config.TokenOf(payload); token == "" || token == last { // WorkOS did not rotate the token
			return payload
		}
	}
	return payload
}

// MayClear decides whether a response clears the cookie of an ended session. It
// follows the records from the refresh token of the cookie to the token that WorkOS
// has refused. A clear puts a superseded mark in the place of the end, so that no
// later response clears the cookie again: the user may have signed in meanwhile. mark
// is the result of an earlier call for the same response, or nil. If the store does
// not answer, the cookie stays.
func (p *Protocol) MayClear(ctx context.Context, token, refused, group string, mark []byte, known Successor) (clear bool, newMark []byte) {
	ctx, cancel := within(ctx, p.budgets.Response)
	defer cancel()
	p.retries.attemptGroup(ctx, group)
	if mark == nil {
		mark = p.vault.newSuperseded(p.recordKey(refused))
	}
	for range maxChain {
		if token == refused {
			break
		}
		found, err := p.read(ctx, p.recordKey(token))
		if err != nil || BeforeResponse(found.kind) == SendNoCookie {
			return false, nil
		}
		next, ok := known(token)
		if BeforeResponse(found.kind) == SendNewer {
			var payload []byte
			if payload, err = p.successor(token, found); err == nil {
				next, ok = p.config.TokenOf(payload)
			}
		}
		if err != nil || !ok {
			return false, nil
		}
		token = next
	}
	key := p.recordKey(refused)
	found, swapped, err := p.swap(ctx, key, p.vault.newEnded(key), mark, SupersededTime)
	if err == nil && !swapped && found.kind == Ended && !found.forged { // an instance with other passwords has made it
		found, swapped, err = p.swap(ctx, key, found.raw, mark, SupersededTime)
	}
	p.reached("clear decided")
	if err != nil || token != refused || !swapped && !bytes.Equal(found.raw, mark) {
		return false, nil
	}
	return true, mark
}

const (
	// supersededFor is how long a chain is not followed again after its end was marked.
	supersededFor = time.Minute
	// supersededLimit is how many of these chains are remembered.
	supersededLimit = 1 << 14
)

// Supersede puts a superseded mark at the end of the chain of each token, and waits
// for the store no longer than a response may. What is not done then is done in the
// background. A chain that this instance has marked a moment ago is not followed
// again: a client could repeat its sign-out with an old cookie.
func (p *Protocol) Supersede(ctx context.Context, tokens []string, known Successor) {
	tokens = slices.DeleteFunc(slices.Clone(tokens), func(token string) bool {
		_, done := p.superseded.Get(Hash(token))
		return done
	})
	if len(tokens) == 0 {
		return
	}
	ctx, cancel := within(context.WithoutCancel(ctx), p.budgets.Response)
	defer cancel()
	done := make(chan struct{}, len(tokens))
	for _, token := range tokens {
		go func() {
			defer func() { done <- struct{}{} }()
			at, err := p.supersede(ctx, token, known)
			if err == nil {
				p.superseded.Put(Hash(token), struct{}{}, p.clock.Now().Add(supersededFor))
			} else {
				p.retries.add("D"+p.recordKey(token), "", func(ctx context.Context) (err error) {
					at, err = p.supersede(ctx, at, known)
					return err
				})
			}
		}()
	}
	for range tokens {
		<-done
	}
	p.reached("superseded")
}

// supersede marks the end of the chain of a token. It returns the token that it has
// got to. known returns a successor that this instance knows and the store does not.
func (p *Protocol) supersede(ctx context.Context, token string, known Successor) (at string, err error) {
	var replaces []byte
	for range maxChain {
		key := p.recordKey(token)
		found, swapped, err := p.swap(ctx, key, replaces, p.vault.newSuperseded(key), SupersededTime)
		switch {
		case err != nil:
			return token, err
		case swapped:
			next, ok := known(token)
			if replaces != nil || !ok {
				return token, nil
			}
			token = next // the store has lost the record of token
			continue
		}
		switch Supersede(found.kind) {
		case AlreadyMarked:
			if found.forged {
				replaces = found.raw
				continue
			}
			return token, nil
		case Mark:
			replaces = found.raw
			continue
		}
		payload, err := p.successor(token, found)
		if err != nil {
			return token, nil // a later success does not open either
		}
		next, ok := p.config.TokenOf(payload)
		if !ok || next == token {
			// The token is its own successor, so the mark takes the place of the success.
			if _, _, err := p.swap(ctx, key, found.raw, p.vault.newSuperseded(key), SupersededTime); err != nil {
				return token, err
			}
			return token, nil
		}
		token, replaces = next, nil
	}
	return token, nil
}

// deliveredLimit is how many deliveries are remembered.
const deliveredLimit = 1 << 16

// maxDeliveries limits how many deliveries are reported at once.
const maxDeliveries = 64

// Delivered shortens the record of the token that a session came from, because the
// browser has presented the session. It does so in the background, once for each
// session. origin is the hash of that token.
func (p *Protocol) Delivered(origin string) {
	if !p.delivered.Add(origin, struct{}{}, p.clock.Now().Add(DeliveredTime)) {
		return
	}
	select {
	case p.deliveries <- struct{}{}:
	default:
		p.delivered.Delete(origin)
		return // the record only stays longer
	}
	go func() {
		defer func() { <-p.deliveries }()
		ctx, cancel := p.budgets.background()
		defer cancel()
		key := p.vault.key("x", origin)
		found, left, err := p.readLeft(ctx, key)
		if err != nil {
			p.delivered.Delete(origin) // the next request tries again
		}
		if err == nil && found.kind == Success && left > DeliveredTime {
			_, _, _ = p.swap(ctx, key, found.raw, found.raw, DeliveredTime)
		}
		p.reached("delivered")
	}()
}

func (p *Protocol) readLeft(ctx context.Context, key string) (record, time.Duration, error) {
	v, err := p.link.get(ctx, key)
	return p.vault.decode(key, v), v.left, err
}
