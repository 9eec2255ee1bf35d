// A page view: the requests of a session, and its refreshes.

package replicasim

import (
	"slices"
	"time"

	"github.com/authkit-go/authkit/internal/replica"
)

// view counts the commands of requests that arrive at once with the browser's cookie.
func (s *Simulation) view(b *session, e *queued) {
	s.total.Requests += len(e.Instances)
	generation, now := b.cookie, e.At
	for _, instance := range e.Instances {
		s.read(b, generation, instance, now)
	}
	if now-b.issued[generation] < s.refreshAge() {
		return
	}
	s.refresh(b, generation, e)
	s.total.Responses += len(e.Instances) // each sets the new cookie
	if !e.Lost {
		b.cookie = b.newest
	}
}

// read counts the commands of an instance that opens a cookie. The first time, it
// reports that the browser has presented the session.
func (s *Simulation) read(b *session, generation, instance int, now time.Duration) {
	if slices.Contains(b.seen[generation], instance) {
		return
	}
	b.seen[generation] = append(b.seen[generation], instance)
	if generation == 0 {
		return // it came from a sign-in
	}
	s.total.Delivered++
	origin, stored := b.records[generation-1]
	if stored && !origin.delivered && now < origin.expires {
		s.total.Shortened++
		origin.kept, origin.delivered = s.values.change(now, origin.kept, replica.DeliveredTime), true
		b.records[generation-1] = origin
	}
}

// refresh counts the commands of the instances that find the access token of a
// generation due at one time.
func (s *Simulation) refresh(b *session, generation int, e *queued) {
	var instances []int
	for _, i := range e.Instances {
		if !slices.Contains(instances, i) {
			instances = append(instances, i)
		}
	}
	for n, instance := range instances {
		s.refreshAt(b, generation, instance, e.At, n == 0)
	}
}

// refreshAt counts the commands of one instance. first is false if another instance
// exchanges the token at this moment.
func (s *Simulation) refreshAt(b *session, generation, instance int, now time.Duration, first bool) {
	for ; ; generation++ {
		if !slices.Contains(b.known[generation], instance) {
			s.total.Claims++
			b.known[generation] = append(b.known[generation], instance)
			if _, stored := b.records[generation]; !stored {
				s.exchange(b, generation, now)
			} else if !first && b.issued[generation+1] == now {
				s.total.Polls += s.polls()
			}
		}
		if now-b.issued[generation+1] < s.TokenLifetime {
			return
		}
	}
}

// exchange adds a generation.
func (s *Simulation) exchange(b *session, generation int, now time.Duration) {
	s.total.Exchanges++
	s.total.Publishes++
	b.newest = generation + 1
	b.issued[generation+1] = now
	b.records[generation] = record{kept: s.values.put(now, s.Sizes.Key+s.Sizes.Success, replica.SuccessTime)}
	s.forget(b)
}

// forget drops what no request needs any more.
func (s *Simulation) forget(b *session) {
	for generation := range b.issued {
		if generation < b.cookie-1 {
			delete(b.seen, generation)
			delete(b.known, generation)
			delete(b.issued, generation)
			delete(b.records, generation)
		}
	}
}

// polls returns how often an instance asks again while another one exchanges a token.
func (s *Simulation) polls() (n int) {
	pause := firstPoll
	for waited := time.Duration(0); waited < s.Exchange; n++ {
		waited += pause
		pause = min(2*pause, lastPoll)
	}
	return n
}
