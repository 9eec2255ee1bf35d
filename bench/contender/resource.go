// Package resource of authkit: the guard of an API, with accepted and with refused tokens.

package contender

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"

	"github.com/authkit-go/authkit/resource"
)

// resourceServer is the guard of an API with the scopes.
func resourceServer(name, title, what string, scopes ...string) Contender {
	return Contender{
		Name:    name,
		Title:   title,
		Modules: []string{module},
		What:    what,
		Refuses: Forgeries,
		setUp: func(_ context.Context, a *authority) (*setup, error) {
			api, err := resource.New(a.issuer(), "https://api.example.com",
				resource.WithAudiences(a.clientID),
				resource.WithJWKSURL(a.jwksURL()),
				resource.WithLogger(slog.New(slog.DiscardHandler)))
			if err != nil {
				return nil, err
			}
			return &setup{wrap: api.Require(scopes...), header: "Authorization", issue: bearer, user: resourceUser}, nil
		},
	}
}

func resourceUser(r *http.Request) string {
	token, _ := resource.FromContext(r.Context())
	return token.UserID()
}

// Refusal is a kind of request that package resource refuses.
type Refusal struct {
	Name  string // in the name of its benchmark
	Title string
	// credential returns the Authorization header.
	credential func(*authority) (string, error)
}

// Refusals returns the refused requests, in the order of the table.
func Refusals() []Refusal {
	return []Refusal{
		{"nothing", "no token", func(*authority) (string, error) { return "", nil }},
		{"garbage", "a token that is no JWT", func(*authority) (string, error) { return "Bearer not-a-token", nil }},
		{"signature", "a token with a wrong signature", func(a *authority) (string, error) {
			forged, err := a.forge(Signature)
			if err != nil {
				return "", err
			}
			return bearer(forged)
		}},
	}
}

// Benchmark returns the name of the benchmark of a refusal.
func (r Refusal) Benchmark() string { return "refused/" + r.Name }

func (s *Stage) refusals() []Benchmark {
	c := resourceServer(Resource, "", "")
	var all []Benchmark
	for _, refusal := range Refusals() {
		type target struct {
			*setup
			credential string
		}
		ready := sync.OnceValues(func() (target, error) {
			up, err := c.setUp(s.ctx, s.authority)
			if err != nil {
				return target{}, err
			}
			credential, err := refusal.credential(s.authority)
			return target{up, credential}, err
		})
		all = append(all, Benchmark{refusal.Benchmark(), func(b *testing.B) {
			t, err := ready()
			if err != nil {
				b.Fatal(err)
			}
			header := t.header
			if t.credential == "" {
				header = ""
			}
			handler, e := t.wrap(http.HandlerFunc(answer)), newExchange(header)
			b.ReportAllocs()
			for b.Loop() {
				if status := e.serve(handler, t.credential); status != http.StatusUnauthorized {
					b.Fatal(fmt.Errorf("a refused request got status %d", status))
				}
			}
		}})
	}
	return all
}
