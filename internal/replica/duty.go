// A duty: work that one instance does for all, such as following the events of WorkOS.

package replica

import (
	"context"
	"sync"
	"time"
)

const (
	// dutyTime is how long an instance keeps a duty without renewing its lease, at least.
	dutyTime = 15 * time.Second
	// dutyRenewal is how often the lease is renewed, and asked for.
	dutyRenewal = 3 * time.Second
	// positionPurpose binds the seal of a position to its use.
	positionPurpose = "position"
	// positionTime is how long a position is kept. WorkOS keeps events for as long.
	positionTime = 90 * 24 * time.Hour
)

// Holder says which instance has a duty.
type Holder int

const (
	// HolderUnknown: the store has not answered.
	HolderUnknown Holder = iota
	// HolderOther: another instance has the duty.
	HolderOther
	// HolderSelf: this instance has the duty.
	HolderSelf
)

// Duty is work that one instance does for all. An instance has it by a lease in the
// store. An instance that pauses for longer than the lease may work at the same time as
// its successor, so the work must do no harm if it is done twice.
type Duty struct {
	p     *Protocol
	name  string
	value []byte // of the lease of this instance
	time  time.Duration

	mu      sync.Mutex
	holder  Holder    // guarded by mu: the last answer
	mayHave bool      // guarded by mu: the lease may be that of this instance
	askedAt time.Time // guarded by mu: when the store was last asked
}

// NewDuty returns a duty. All instances use the same name for it. interval is how often
// the work is done, and so how often [Duty.Holder] is called. A lease lasts for three
// intervals, and for 15 seconds at least.
func (p *Protocol) NewDuty(name string, interval time.Duration) *Duty {
	return &Duty{p: p, name: name, value: []byte(random(nonceSize)), time: max(dutyTime, 3*interval)}
}

// Holder returns who has the duty. If it is free, this instance takes it. It asks the
// store every three seconds, and otherwise returns the last answer.
func (d *Duty) Holder(ctx context.Context) Holder {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.p.clock.Now()
	if ctx.Err() != nil {
		return d.holder // the store cannot be asked
	}
	if !d.askedAt.IsZero() && now.Sub(d.askedAt) < dutyRenewal {
		return d.holder
	}
	bounded, cancel := within(ctx, d.p.budgets.Claim)
	defer cancel()
	// A Swap to the value that is there renews the lease.
	_, swapped, err := d.p.link.swap(bounded, d.leaseKey(), nil, d.value, d.time)
	d.askedAt = now
	d.mayHave = err != nil || swapped // without an answer, the lease may have been taken
	switch {
	case err != nil:
		d.holder = HolderUnknown
	case swapped:
		d.holder = HolderSelf
	default:
		d.holder = HolderOther
	}
	d.p.reached("duty asked for")
	return d.holder
}

// Release gives the duty up, so that another instance takes it without waiting for the
// end of the lease. It waits two seconds for the store at most.
func (d *Duty) Release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.mayHave {
		return
	}
	ctx, cancel := d.p.budgets.background()
	defer cancel()
	_, _, _ = d.p.link.swap(ctx, d.leaseKey(), d.value, nil, 0) // otherwise the lease expires by itself
	d.holder, d.mayHave, d.askedAt = HolderUnknown, false, time.Time{}
}

// Position returns the position that an instance with the duty has stored, or "".
func (d *Duty) Position(ctx context.Context) (string, error) {
	bounded, cancel := within(ctx, d.p.budgets.Claim)
	defer cancel()
	v, err := d.p.link.get(bounded, d.positionKey())
	if err != nil || v.bytes == nil {
		return "", err
	}
	position, err := d.p.vault.open(positionPurpose, d.name, v.bytes)
	if err != nil {
		return "", nil // another cookie password sealed it, or it was changed
	}
	return string(position), nil
}

// StorePosition stores the position for the next instance with the duty.
func (d *Duty) StorePosition(ctx context.Context, position string) error {
	sealed, err := d.p.vault.seal(positionPurpose, d.name, []byte(position))
	if err != nil {
		return err
	}
	bounded, cancel := within(ctx, d.p.budgets.Claim)
	defer cancel()
	now, err := d.p.link.get(bounded, d.positionKey())
	if err != nil {
		return err
	}
	_, _, err = d.p.link.swap(bounded, d.positionKey(), now.bytes, sealed, positionTime)
	return err
}

func (d *Duty) leaseKey() string    { return d.p.vault.key("f", Hash(d.name)) }
func (d *Duty) positionKey() string { return d.p.vault.key("p", Hash(d.name)) }
