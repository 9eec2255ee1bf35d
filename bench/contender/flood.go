// Floods: tokens that name a signing key which nobody knows.

package contender

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"
)

// floodKeys is how many different keys the tokens of a flood name.
const floodKeys = 1024

// FetchesPerRequest is what a flood reports besides its time: how often the signing keys are fetched.
const FetchesPerRequest = "fetches/op"

// Flood is the name of the benchmark in which a contender is flooded.
func Flood(c Contender) string { return "flood/" + c.Name }

// Flooded are the contenders that anybody can send a token of his own to.
func Flooded() []Contender {
	return slices.DeleteFunc(Contenders(), func(c Contender) bool {
		return !slices.Contains([]string{AuthKitBearer, "golang-jwt", "go-oidc", "auth0", "clerk"}, c.Name)
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

// floodTarget is a contender that is flooded, with an authority of its own whose fetches are counted.
type floodTarget struct {
	*setup
	authority *authority
	ours      bool
	started   time.Time
	good      session
	flooding  []string
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
	f := &floodTarget{setup: ready, authority: a, ours: c.Name == AuthKitBearer, started: time.Now()}
	if f.good, err = a.session(0); err != nil {
		return nil, err
	}
	for i := range floodKeys {
		text, err := unknownKey(f.good.token, fmt.Sprintf("sso_oidc_key_pair_unknown_%d", i))
		if err != nil {
			return nil, err
		}
		f.flooding = append(f.flooding, "Bearer "+text)
	}
	return f, nil
}

// flood sends tokens that name unknown keys. Nobody may take one for good, and the good ones must go on working.
func (f *floodTarget) flood(b *testing.B) {
	good, err := f.issue(f.good)
	if err != nil {
		b.Fatal(err)
	}
	if err := f.prove(good, f.good.user.ID); err != nil {
		b.Fatal(err)
	}
	if err := f.prove(f.flooding[f.next], f.good.user.ID); err == nil {
		b.Fatal("a token that names an unknown key is taken for good")
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
	// One fetch for the good tokens and one for the unknown keys, and then one in 30 s at most.
	if most := 2 + int64(time.Since(f.started)/(30*time.Second)); f.ours && fetches > most {
		b.Fatalf("the keys were fetched %d times, at most %d times are promised", fetches, most)
	}
	if err := f.prove(good, f.good.user.ID); err != nil {
		b.Fatal(err)
	}
}
