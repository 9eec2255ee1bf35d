//go:build linux

// Hit rates: how often a cache has the session of a request, for sequences of requests that are the same in every run.

package main

import (
	"container/list"
	"fmt"
	"iter"
	"math/rand/v2"

	"github.com/authkit-go/authkit/internal/sessioncache"
)

const (
	// skew is the exponent of Zipf's law, as in the other benchmarks.
	skew = 1.1
	// capacityShare and hotShare are the shares of the cache and of the hot set in the population: one in so many.
	capacityShare = 10
	hotShare      = 100
)

// rates are the hit rates of the caches for one traffic.
type rates struct {
	Population, Capacity int
	Traffic              string
	Ours, LRU, Best      rate
}

// rate is a hit rate. Hot is that of the requests of the hot set, and HotRequests is 0 if there is no hot set.
type rate struct{ Requests, Hits, HotRequests, HotHits int }

// request is a request with the cookie of a session.
type request struct {
	cookie
	hot    bool // of the hot set
	counts bool // after the cache is warm
}

// cookie is a cookie of a session. A refresh replaces it.
type cookie struct{ session, refreshes int }

// policy is a cache. It reports whether it has the cookie, and stores it if not.
type policy interface{ request(cookie) bool }

// hitRates returns the hit rates for a population, with a cache for a tenth of it.
func hitRates(population int) []rates {
	capacity := population / capacityShare
	var all []rates
	measure := func(traffic string, popular int, requests iter.Seq[request]) {
		r := rates{Population: population, Capacity: capacity, Traffic: traffic}
		for _, one := range []struct {
			policy policy
			rate   *rate
		}{
			{ours{newCache(capacity)}, &r.Ours}, {newLRU(capacity), &r.LRU}, {newBest(popular), &r.Best},
		} {
			*one.rate = rateOf(one.policy, requests)
		}
		all = append(all, r)
	}
	hot := population / hotShare
	measure("Zipf's law", capacity-1, zipf(population, 4*population))
	measure("Zipf's law, and cookies are replaced", capacity-1, zipf(population, population))
	measure("a scan, and as many requests of a hot set", hot, scan(population, 1, 1))
	measure("a scan, and 1 request of a hot set after every 20 sessions", hot, scan(population, 1, 20))
	measure("the same, and each session of the scan sends 3 requests", hot, scan(population, 3, 20))
	return all
}

func rateOf(p policy, requests iter.Seq[request]) (r rate) {
	for request := range requests {
		hit := p.request(request.cookie)
		if !request.counts {
			continue
		}
		r.Requests++
		r.Hits += oneIf(hit)
		r.HotRequests += oneIf(request.hot)
		r.HotHits += oneIf(request.hot && hit)
	}
	return r
}

func oneIf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// zipf yields requests whose popularity follows Zipf's law: the lower the number of a session, the more popular it is. After that
// many requests of all sessions, the next request of a session has a new cookie. The second half of the requests counts.
func zipf(population, lifetime int) iter.Seq[request] {
	return func(yield func(request) bool) {
		numbers := rand.NewZipf(rand.New(rand.NewPCG(1, 2)), skew, 1, uint64(population-1))
		refreshes, issued := make([]int, population), make([]int, population)
		for i := range 4 * population {
			session := int(numbers.Uint64())
			if i-issued[session] >= lifetime {
				refreshes[session]++
				issued[session] = i
			}
			if !yield(request{cookie: cookie{session, refreshes[session]}, counts: i >= 2*population}) {
				return
			}
		}
	}
}

// scan yields requests of every session in order, each repeated, and one of the hot set after every so many sessions. The hot set
// takes turns. Each of its sessions has sent four requests before. Only the scan counts.
func scan(population, repeated, every int) iter.Seq[request] {
	hot := population / hotShare
	return func(yield func(request) bool) {
		for i := range 4 * hot {
			if !yield(request{cookie: cookie{session: i % hot}}) {
				return
			}
		}
		for i := range population {
			for range repeated {
				if !yield(request{cookie: cookie{session: i}, counts: true}) {
					return
				}
			}
			if i%every == every-1 && !yield(request{cookie: cookie{session: i / every % hot}, hot: true, counts: true}) {
				return
			}
		}
	}
}

// ours is authkit's cache.
type ours struct{ cache }

func (c ours) request(one cookie) bool {
	text := fmt.Sprintf("%d.%d", one.session, one.refreshes)
	if c.has(&[1]string{text}) {
		return true
	}
	if one.refreshes > 0 { // the request that was refreshed has found the old cookie, and its response has set the new one
		old := [1]string{fmt.Sprintf("%d.%d", one.session, one.refreshes-1)}
		c.has(&old)
		c.Replace(sessioncache.Cookie, old[:], text)
	}
	c.put(text)
	return false
}

// lru evicts the cookie that was not used for the longest time.
type lru struct {
	capacity int
	order    *list.List // the latest first
	cookies  map[cookie]*list.Element
}

func newLRU(capacity int) *lru {
	return &lru{capacity, list.New(), make(map[cookie]*list.Element, capacity)}
}

func (c *lru) request(one cookie) bool {
	if e := c.cookies[one]; e != nil {
		c.order.MoveToFront(e)
		return true
	}
	if c.order.Len() == c.capacity {
		delete(c.cookies, c.order.Remove(c.order.Back()).(cookie))
	}
	c.cookies[one] = c.order.PushFront(one)
	return false
}

// best knows which sessions are the most popular: those with the lowest numbers. It keeps the latest cookie of each, and that of
// the last other request.
type best struct {
	popular map[int]int // the refreshes of the cookie of each session, -1 if it has none
	last    cookie
}

func newBest(popular int) *best {
	b := &best{popular: make(map[int]int, popular), last: cookie{session: -1}}
	for session := range popular {
		b.popular[session] = -1
	}
	return b
}

func (c *best) request(one cookie) (hit bool) {
	refreshes, popular := c.popular[one.session]
	if popular {
		c.popular[one.session] = one.refreshes
		return refreshes == one.refreshes
	}
	hit = one == c.last
	c.last = one
	return hit
}
