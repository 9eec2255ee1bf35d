// Remembers keys that are known not to be published, so that tokens signed by a withdrawn key are told apart, without a
// fetch, from tokens about which nothing is known.

package jwks

import (
	"crypto/rsa"
	"maps"
	"slices"
	"time"
)

// maxAbsent bounds each memory. They are apart so that made-up key IDs, which only ever reach the allowance of those who
// bring them, cannot push out what others remember.
const maxAbsent = 64

// withdrawnKeys were in an earlier set, the oldest first. They are guarded by the mutex of their KeySet.
type withdrawnKeys []withdrawnKey

// withdrawnKey is a key that is not published any more under its ID.
type withdrawnKey struct {
	kid string
	key *rsa.PublicKey
}

// add remembers a key that a new set lacks, or has another key in place of.
func (w *withdrawnKeys) add(kid string, key *rsa.PublicKey) {
	if slices.ContainsFunc(*w, func(k withdrawnKey) bool { return k.kid == kid && sameKey(k.key, key) }) {
		return
	}
	*w = append(*w, withdrawnKey{kid, key})
	*w = (*w)[max(0, len(*w)-maxAbsent):]
}

// has reports whether a key of this ID was withdrawn.
func (w withdrawnKeys) has(kid string) bool {
	return slices.ContainsFunc(w, func(k withdrawnKey) bool { return k.kid == kid })
}

// of returns the keys that were withdrawn under an ID.
func (w withdrawnKeys) of(kid string) (keys []*rsa.PublicKey) {
	for _, k := range w {
		if k.kid == kid {
			keys = append(keys, k.key)
		}
	}
	return keys
}

// sameKey compares by value: a key that was missing from one set and is in the next one is another object.
func sameKey(a, b *rsa.PublicKey) bool {
	return a == b || a.E == b.E && a.N.Cmp(b.N) == 0 // public, so the time that it takes tells nothing
}

// question is what a token needs of the key set: a key of an ID.
type question struct {
	kid string
	// seen is the key that has the ID in the set at hand, but has not signed the token. It is nil where none has it.
	seen *rsa.PublicKey
}

// answer looks for a key in a set.
func (q question) answer(keys publicKeys) (key *rsa.PublicKey, found bool) {
	key, found = keys[q.kid]
	if found && q.seen != nil && sameKey(key, q.seen) {
		return nil, false
	}
	return key, found
}

// allowance says when a question that the set at hand does not answer may cause a fetch. Tokens of different origins have
// one each, so that the tokens of one origin cannot use up what those of another need. It is guarded by the mutex of the
// KeySet.
type allowance struct {
	stored    bool                   // a withdrawn key causes no fetch
	notBefore time.Time              // no fetch for a question before then
	answered  map[question]time.Time // a fetch was made for it, in vain; until when that counts
}

// answeredInVain remembers that a fetch did not bring what a question needs.
func (a *allowance) answeredInVain(q question, now time.Time) {
	maps.DeleteFunc(a.answered, func(_ question, until time.Time) bool { return !now.Before(until) })
	if a.answered == nil {
		a.answered = make(map[question]time.Time)
	}
	if len(a.answered) < maxAbsent {
		a.answered[q] = now.Add(unknownKeyPause)
	}
}

// knows reports whether a fetch was made for a question lately, in vain.
func (a *allowance) knows(q question, now time.Time) bool { return now.Before(a.answered[q]) }
