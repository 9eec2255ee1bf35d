// Floods: tokens that name an unknown signing key.

package contender

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// floodKeys is the number of different key IDs in a flood.
const floodKeys = 1024

// FetchesPerRequest is a metric of a flood: the fetches of the signing keys, divided by the requests.
const FetchesPerRequest = "fetches/op"

// Flood returns the name of the flood benchmark of a contender.
func Flood(c Contender) string { return "flood/" + c.Name }

// Flooded returns the contenders that accept bearer tokens, which an attacker can send.
func Flooded() []Contender {
	return slices.DeleteFunc(Contenders(), func(c Contender) bool {
		return !slices.Contains([]string{AuthKitBearer, Resource, "golang-jwt", "go-oidc", "auth0", "clerk"}, c.Name)
	})
}

func (s *Stage) floods() []Benchmark {
	var all []Benchmark
	for _, c := range Flooded() {
		ready := sync.OnceValues(func() (*floodTarget, error) { return s.newFloodTarget(c) })
		all = append(all, Benchmark{Flood(c), func(b *testing.B) {
			f, err := ready()
			if err != nil {
				b.Fatal(err)
			}
			f.flood(b)
		}})
	}
	return all
}

// floodTarget is a contender in a flood benchmark. It has its own authority, which counts the fetches.
type floodTarget struct {
	*setup
	authority *authority
	ours      bool
	started   time.Time
	valid     session
	flooding  []string // Authorization headers
	next      int
}

func (s *Stage) newFloodTarget(c Contender) (*floodTarget, error) {
	a, err := newAuthority(s.authority.key)
	if err != nil {
		return nil, err
	}
	ready, err := c.setUp(s.ctx, a)
	if err != nil {
		return nil, fmt.Errorf("set up %s: %w", c.Name, err)
	}
	f := &floodTarget{setup: ready, authority: a, ours: slices.Contains(c.Modules, module), started: time.Now()}
	if f.valid, err = a.session(0); err != nil {
		return nil, err
	}
	for i := range floodKeys {
		text, err := unknownKey(f.valid.token, fmt.Sprintf("sso_oidc_key_pair_unknown_%d", i))
		if err != nil {
			return nil, err
		}
		f.flooding = append(f.flooding, "Bearer "+text)
	}
	return f, nil
}

// flood sends tokens that name unknown keys. The contender must refuse them and still accept the valid token afterwards.
func (f *floodTarget) flood(b *testing.B) {
	valid, err := f.issue(f.valid)
	if err != nil {
		b.Fatal(err)
	}
	if err := f.check(valid, f.valid.user.ID); err != nil {
		b.Fatal(err)
	}
	if err := f.check(f.flooding[f.next], f.valid.user.ID); err == nil {
		b.Fatal("a token that names an unknown key is accepted")
	}
	handler := f.wrap(http.HandlerFunc(answer))
	e := newExchange(f.header)
	before := f.authority.fetches.Load()
	requests := 0
	b.ReportAllocs()
	for b.Loop() {
		e.serve(handler, f.flooding[f.next])
		f.next = (f.next + 1) % len(f.flooding)
		requests++
	}
	fetches := f.authority.fetches.Load()
	b.ReportMetric(float64(fetches-before)/float64(requests), FetchesPerRequest)
	// authkit fetches the keys once for the valid token and once for the unknown keys, then at most once in 30 s.
	if most := 2 + int64(time.Since(f.started)/(30*time.Second)); f.ours && fetches > most {
		b.Fatalf("the signing keys were fetched %d times, want at most %d", fetches, most)
	}
	if err := f.check(valid, f.valid.user.ID); err != nil {
		b.Fatal(err)
	}
}
