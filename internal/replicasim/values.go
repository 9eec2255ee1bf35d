// Values: how many values the store keeps, and how large they are.

package replicasim

import "time"

// values counts the values that expire in each second. So the number of values at a
// time needs no list of them.
type values struct {
	alive, bytes   int
	now            int // in seconds
	expire, shrink map[int]int
	most           int // the largest number of values
	mostBytes      int
}

func newValues() *values {
	return &values{expire: map[int]int{}, shrink: map[int]int{}}
}

// kept is a value in the store.
type kept struct {
	size    int
	expires time.Duration // since the start
}

func second(t time.Duration) int { return int((t + time.Second - 1) / time.Second) }

// advance removes what expires up to a time.
func (v *values) advance(to time.Duration) {
	for end := int(to / time.Second); v.now < end; {
		v.now++
		v.alive -= v.expire[v.now]
		v.bytes -= v.shrink[v.now]
		delete(v.expire, v.now)
		delete(v.shrink, v.now)
	}
}

// put adds a value.
func (v *values) put(now time.Duration, size int, ttl time.Duration) kept {
	v.advance(now)
	k := kept{size, now + ttl}
	v.add(k, 1)
	v.alive++
	v.bytes += size
	v.most, v.mostBytes = max(v.most, v.alive), max(v.mostBytes, v.bytes)
	return k
}

// change changes how long a value is kept from now.
func (v *values) change(now time.Duration, k kept, ttl time.Duration) kept {
	v.advance(now)
	v.add(k, -1)
	k.expires = now + ttl
	v.add(k, 1)
	return k
}

func (v *values) add(k kept, n int) {
	v.expire[second(k.expires)] += n
	v.shrink[second(k.expires)] += n * k.size
}
