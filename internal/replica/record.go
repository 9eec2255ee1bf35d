// The encoding of records.

package replica

import (
	"encoding/binary"
	"time"
)

// The first byte of a record. The rest depends on it.
const (
	leaseByte      = 'L' // nonce of the lease
	successByte    = 'S' // the sealed successor
	endedByte      = 'E' // the codes of [vault.markOf]
	supersededByte = 'D' // nonce of the mark, and its codes
	pauseByte      = 'T' // reason, end in Unix milliseconds on the clock of its instance, which readers ignore
)

// nonceSize is the size of a nonce: it makes a lease the caller's own. A superseded
// mark competes with few others, so its nonce is shorter.
const (
	nonceSize     = 12
	markNonceSize = 4
)

// sealPurpose binds the seal of a success to its use.
const sealPurpose = "successor"

// record is a decoded record.
type record struct {
	kind   Kind
	raw    []byte
	sealed []byte // of a success
	pause  PauseReason
	left   time.Duration // how long the store still keeps it
	forged bool          // an end or a superseded mark that no instance with one of our passwords has made, or an unknown form
}

// decode decodes what a key has. Bytes of an unknown form count as a spent mark: a
// later version of this package may have written them, and no token may be exchanged
// because of them.
func (v *vault) decode(key string, has value) record {
	if len(has.bytes) == 0 {
		return record{}
	}
	r := v.decodeForm(has)
	switch r.kind {
	case Ended:
		r.forged = !v.isMark(key, r.raw, 0)
	case Superseded:
		r.forged = !v.isMark(key, r.raw, markNonceSize)
	case Spent:
		r.forged = r.raw[0] != successByte
	}
	return r
}

func (*vault) decodeForm(v value) record {
	r := record{raw: v.bytes, kind: Spent, left: v.left}
	body := v.bytes[1:]
	switch v.bytes[0] {
	case leaseByte:
		r.kind = Lease
	case successByte:
		r.kind, r.sealed = Success, body
		if v.left <= SpentTime {
			r.kind = Spent
		}
	case endedByte:
		r.kind = Ended
	case supersededByte:
		r.kind = Superseded
	case pauseByte:
		if len(body) == 9 {
			r.kind, r.pause = Pause, PauseReason(body[0])
		}
	}
	return r
}

func newLease() []byte { return append([]byte{leaseByte}, random(nonceSize)...) }

func (v *vault) newSuperseded(key string) []byte {
	return v.markOf(key, append([]byte{supersededByte}, random(markNonceSize)...))
}

func (v *vault) newEnded(key string) []byte { return v.markOf(key, []byte{endedByte}) }

// PauseReason says why an exchange failed that made a pause.
type PauseReason byte

const (
	// PauseTransient: WorkOS could not answer, for example because of a rate limit.
	PauseTransient PauseReason = 1
	// PauseRefused: WorkOS refused the exchange, and the session has not ended.
	PauseRefused PauseReason = 2
)

func newPause(reason PauseReason, until time.Time) []byte {
	return binary.BigEndian.AppendUint64([]byte{pauseByte, byte(reason)}, uint64(until.UnixMilli()))
}
