// Protocol: what an instance keeps for the protocol of exchanges.

package replica

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
)

// Config configures a [Protocol].
type Config struct {
	Store     Store
	Clock     Clock
	Log       *slog.Logger
	Passwords []string // the cookie passwords: the first seals, all open
	ClientID  string
	APIHost   string

	// Handle is called with each notice of the log that is in force. It must return
	// soon and must not call the Protocol.
	Handle func(Notice)
	// Answer returns what this instance knows about a refresh token, by its hash. It
	// is called after another instance has asked.
	Answer func(hash string) Knowledge

	// TokenOf returns the refresh token in the payload of a success.
	TokenOf TokenOf

	// OnCall is called after each call of the store, without those that follow the log. It may be nil.
	OnCall func(ctx context.Context, begin time.Time, duration time.Duration, err error)

	// Step is called at each step, for tests. It may be nil.
	Step func(name string)
}

// Knowledge is what an instance knows about a refresh token.
type Knowledge struct {
	Kind      Kind   // Success, Superseded, or None if it knows nothing
	Token     string // the refresh token
	Successor []byte // of a success: the payload, as given to a [Result]
}

// Protocol is the part of one instance in the protocol.
type Protocol struct {
	config  Config
	budgets Budgets
	clock   Clock
	log     *slog.Logger
	link    *link
	vault   *vault
	retries *retries
	Log     *Log

	calls      sync.Map                // the leases of running calls of WorkOS, by the hash of the token
	delivered  *expiring.Map[struct{}] // origins of the sessions that were reported as delivered
	deliveries chan struct{}           // a slot for each delivery that is being reported
	superseded *expiring.Map[struct{}] // by the hash of a token: chains whose end was just marked
}

// New returns a Protocol. It makes no call and starts no goroutine.
func New(c Config) *Protocol {
	p := &Protocol{
		config: c, budgets: budgetsOf(c.Store), clock: c.Clock, log: c.Log,
		vault: newVault(c.Passwords, c.ClientID, c.APIHost),
	}
	p.link = &link{store: c.Store, hurry: p.budgets.Response, clock: c.Clock, onCall: c.OnCall}
	p.retries = newRetries(c.Clock, p.budgets)
	p.superseded = expiring.New[struct{}](c.Clock.Now, supersededLimit)
	p.delivered = expiring.New[struct{}](c.Clock.Now, deliveredLimit)
	p.deliveries = make(chan struct{}, maxDeliveries)
	p.Log = newLog(p)
	return p
}

// reached tells a test that a step is reached.
func (p *Protocol) reached(name string) {
	if p.config.Step != nil {
		p.config.Step(name)
	}
}

func (p *Protocol) recordKey(token string) string { return p.vault.key("x", Hash(token)) }

// read returns the record of a key.
func (p *Protocol) read(ctx context.Context, key string) (record, error) {
	v, err := p.link.get(ctx, key)
	return p.vault.decode(key, v), err
}

// swap puts next in the place of old and returns the record that is there now.
func (p *Protocol) swap(ctx context.Context, key string, old, next []byte, ttl time.Duration) (now record, swapped bool, err error) {
	v, swapped, err := p.link.swap(ctx, key, old, next, ttl)
	return p.vault.decode(key, v), swapped, err
}

// successor opens the successor in a success.
func (p *Protocol) successor(token string, r record) ([]byte, error) {
	return p.vault.open(sealPurpose, token, r.sealed)
}

func (p *Protocol) newSuccess(token string, payload []byte) ([]byte, error) {
	sealed, err := p.vault.seal(sealPurpose, token, payload)
	if err != nil {
		return nil, fmt.Errorf("seal a record: %w", err)
	}
	return append([]byte{successByte}, sealed...), nil
}
