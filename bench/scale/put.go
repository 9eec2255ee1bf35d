//go:build linux

// The session cache alone: what it costs to put new sessions into a full one, and to get those that it has.

package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/sessioncache"
)

// puts is what the cache alone costs.
type puts struct {
	Sessions int
	// First is the time of the first new session in a full cache whose sessions are all in use: the shortest of some tries.
	First    time.Duration
	Get, Put pair
}

// textLength is the length of the texts of sessions. The cache hashes the end of a text, and compares all of it.
const textLength = 64

// texts returns the texts of sessions. They share one string.
func texts(n int) []string {
	var all strings.Builder
	all.Grow(n * textLength)
	for i := range n {
		fmt.Fprintf(&all, "%0*d", textLength, i)
	}
	list := make([]string, n)
	for i := range list {
		list[i] = all.String()[i*textLength:][:textLength]
	}
	return list
}

// cache is a session cache whose sessions all have the same value. Their texts are the parts of one string, so it holds little
// memory of its own.
type cache struct {
	*sessioncache.Cache[*int]
	value *int
}

func newCache(entries int) cache {
	return cache{sessioncache.New[*int](entries, entries*roomPerSession), new(int)}
}

func (c cache) put(text string) { c.Put(sessioncache.Cookie, text, c.value, 0) }

func (c cache) has(parts *[1]string) bool { return c.Get(sessioncache.Cookie, parts[:]) != nil }

// put measures the cache alone.
func put(o order) (puts, error) {
	r := puts{Sessions: o.Sessions}
	const tries = 3
	all := texts(o.Sessions + tries + 2*o.Warm)
	var full cache
	for try := range tries {
		full = newCache(o.Sessions)
		for _, text := range all[:o.Sessions] {
			full.put(text)
			for range tries { // more uses are not counted
				full.has(&[1]string{text})
			}
		}
		runtime.GC()
		began := time.Now()
		full.put(all[o.Sessions+try])
		if took := time.Since(began); try == 0 || took < r.First {
			r.First = took
		}
	}
	fresh := all[o.Sessions+tries:]
	one, many := fresh[:o.Warm], fresh[o.Warm:]
	putting := func(texts []string) func() func(int) error {
		return func() func(int) error {
			return func(i int) error { full.put(texts[i]); return nil }
		}
	}
	var err error
	if r.Put.One, err = work(1, o.Warm, putting(one)); err != nil {
		return r, err
	}
	if r.Put.Many, err = work(o.Goroutines, o.Warm, putting(many)); err != nil {
		return r, err
	}
	inside := full.among(all)
	getting := func() func(int) error {
		var parts [1]string
		return func(i int) error {
			parts[0] = inside[i%len(inside)]
			if !full.has(&parts) {
				return errors.New("a session in the cache was not found")
			}
			return nil
		}
	}
	if r.Get.One, err = work(1, o.Warm, getting); err != nil {
		return r, err
	}
	r.Get.Many, err = work(o.Goroutines, o.Warm, getting)
	return r, err
}

// among returns those of the texts that the cache holds.
func (c cache) among(texts []string) (found []string) {
	for _, text := range texts {
		if c.has(&[1]string{text}) {
			found = append(found, text)
		}
	}
	return found
}
