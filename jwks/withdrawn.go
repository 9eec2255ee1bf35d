// The keys that were withdrawn. A token that one of them signed is recognized without a fetch.

package jwks

import (
	"crypto/rsa"
	"slices"
)

// withdrawnKeys are keys of earlier sets, the oldest first, at most maxRemembered. The mutex of the KeySet guards them.
type withdrawnKeys []withdrawnKey

// withdrawnKey is a key that is no longer published under its ID.
type withdrawnKey struct {
	kid string
	key *rsa.PublicKey
}

// add remembers a key that a new set lacks or replaces.
func (w *withdrawnKeys) add(kid string, key *rsa.PublicKey) {
	if slices.ContainsFunc(*w, func(k withdrawnKey) bool { return k.kid == kid && sameKey(k.key, key) }) {
		return
	}
	*w = append(*w, withdrawnKey{kid, key})
	*w = (*w)[max(0, len(*w)-maxRemembered):]
}

// has reports whether a key with this ID was withdrawn.
func (w withdrawnKeys) has(kid string) bool {
	return slices.ContainsFunc(w, func(k withdrawnKey) bool { return k.kid == kid })
}

// of returns the keys with this ID that were withdrawn.
func (w withdrawnKeys) of(kid string) (keys []*rsa.PublicKey) {
	for _, k := range w {
		if k.kid == kid {
			keys = append(keys, k.key)
		}
	}
	return keys
}

// sameKey reports whether two keys have the same value. A key that leaves a set and comes back is a new object.
func sameKey(a, b *rsa.PublicKey) bool {
	return a == b || a.E == b.E && a.N.Cmp(b.N) == 0 // public values, so the comparison need not take constant time
}
