// Remembers key IDs that are known not to be published, so that tokens signed by a withdrawn key are told apart, without a
// fetch, from tokens about which nothing is known.

package jwks

import (
	"maps"
	"slices"
	"time"
)

// maxAbsent bounds each of the two memories. They are apart so that made-up key IDs, which only ever reach the
// second, cannot push real ones out of the first.
const maxAbsent = 64

// absentKeys is guarded by the mutex of its KeySet.
type absentKeys struct {
	withdrawn []string             // were in an earlier set; oldest first
	answered  map[string]time.Time // a fetch was made for it and lacked it; until when that counts
}

func (a *absentKeys) withdraw(kids []string) {
	for _, kid := range kids {
		if !slices.Contains(a.withdrawn, kid) {
			a.withdrawn = append(a.withdrawn, kid)
		}
	}
	a.withdrawn = a.withdrawn[max(0, len(a.withdrawn)-maxAbsent):]
}

func (a *absentKeys) answer(kid string, now time.Time) {
	maps.DeleteFunc(a.answered, func(_ string, until time.Time) bool { return !now.Before(until) })
	if a.answered == nil {
		a.answered = make(map[string]time.Time)
	}
	if len(a.answered) < maxAbsent {
		a.answered[kid] = now.Add(unknownKeyPause)
	}
}

func (a *absentKeys) has(kid string, now time.Time) bool {
	return slices.Contains(a.withdrawn, kid) || now.Before(a.answered[kid])
}
