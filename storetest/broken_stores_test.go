// The broken stores. Each has one fault.

package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

// altered is a store of which some methods are replaced.
type altered struct {
	*authkittest.MemoryStore
	get    func(ctx context.Context, key string) ([]byte, time.Duration, bool, error)
	swap   func(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error)
	append func(ctx context.Context, notice []byte) error
	follow func(ctx context.Context, f func([]byte), caughtUp func()) error
}

func (s *altered) Get(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
	if s.get != nil {
		return s.get(ctx, key)
	}
	return s.MemoryStore.Get(ctx, key)
}

func (s *altered) Swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
	if s.swap != nil {
		return s.swap(ctx, key, old, value, ttl)
	}
	return s.MemoryStore.Swap(ctx, key, old, value, ttl)
}

func (s *altered) Append(ctx context.Context, notice []byte) error {
	if s.append != nil {
		return s.append(ctx, notice)
	}
	return s.MemoryStore.Append(ctx, notice)
}

func (s *altered) Follow(ctx context.Context, f func([]byte), caughtUp func()) error {
	if s.follow != nil {
		return s.follow(ctx, f, caughtUp)
	}
	return s.MemoryStore.Follow(ctx, f, caughtUp)
}

// swapping replaces Swap by a function that knows the value of the key.
func (s *altered) swapping(f func(call swapCall) ([]byte, time.Duration, bool, error)) {
	s.swap = func(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
		current, left, _, err := s.MemoryStore.Get(ctx, key)
		if err != nil {
			return nil, 0, false, err
		}
		return f(swapCall{s.MemoryStore, ctx, key, old, value, ttl, current, left})
	}
}

// swapCall is a call of Swap, and what the key had just before.
type swapCall struct {
	store      *authkittest.MemoryStore
	ctx        context.Context
	key        string
	old, value []byte
	ttl        time.Duration
	current    []byte
	left       time.Duration
}

// do makes the call, with another old value and another ttl.
func (c swapCall) do(old []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
	return c.store.Swap(c.ctx, c.key, old, c.value, ttl)
}

// repeated reports whether the key has the value already.
func (c swapCall) repeated() bool { return c.value != nil && bytes.Equal(c.current, c.value) }

// broken is a store with a fault, and the case of the suite that finds it.
type broken struct {
	found string
	alter func(s *altered)
}

func brokenStores() map[string]broken {
	all := map[string]broken{}
	maps.Copy(all, brokenSwaps)
	maps.Copy(all, brokenValues)
	maps.Copy(all, brokenLogs)
	maps.Copy(all, brokenLinks)
	return all
}

var brokenSwaps = map[string]broken{
	"never sets a ttl anew": {"a repeated Swap makes the ttl longer and shorter", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			if c.repeated() {
				return c.current, min(c.left, c.ttl), true, nil
			}
			return c.do(c.old, c.ttl)
		})
	}},
	"never makes a ttl shorter": {"a shorter ttl of a repeated Swap holds", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			if c.repeated() && c.left > c.ttl {
				return c.current, c.ttl, true, nil
			}
			return c.do(c.old, c.ttl)
		})
	}},
	"never makes a ttl longer": {"a longer ttl of a repeated Swap holds", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			if c.repeated() && c.left < c.ttl {
				return c.current, c.ttl, true, nil
			}
			return c.do(c.old, c.ttl)
		})
	}},
	"refuses a repeated Swap": {"a repeated Swap counts as swapped", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			if c.repeated() && !bytes.Equal(c.old, c.current) {
				return c.current, c.left, false, nil
			}
			return c.do(c.old, c.ttl)
		})
	}},
	"refuses a repeated removal": {"a repeated removal counts as swapped", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			if c.value == nil && c.current == nil && c.old != nil {
				return nil, 0, false, nil
			}
			return c.do(c.old, c.ttl)
		})
	}},
	"removes another value": {"a removal removes the old value only", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			if c.value == nil {
				return c.do(c.current, 0)
			}
			return c.do(c.old, c.ttl)
		})
	}},
	"replaces a value without looking at it": {"a Swap from the old value replaces it", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			if c.value != nil && c.old != nil { // as an INSERT that ignores a conflict
				return c.do(nil, c.ttl)
			}
			return c.do(c.old, c.ttl)
		})
	}},
	"takes two steps to swap from nothing": {"of fifty Swaps from nothing exactly one wins", twoSteps},
	"takes two steps to swap":              {"a counter that is swapped loses no step", twoSteps},
	"does not return the value that is there": {"a Swap from a wrong old value changes nothing", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			current, left, swapped, err := c.do(c.old, c.ttl)
			if !swapped {
				return nil, 0, false, err
			}
			return current, left, swapped, err
		})
	}},
	"sets the ttl anew when it does not swap": {"a Swap from a wrong old value changes nothing", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			current, left, swapped, err := c.do(c.old, c.ttl)
			if err == nil && !swapped && current != nil {
				_, _, _, err = c.store.Swap(c.ctx, c.key, current, current, c.ttl)
			}
			return current, left, swapped, err
		})
	}},
	"rounds the time left up to seconds": {"a Swap from nothing stores the value", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			current, left, swapped, err := c.do(c.old, c.ttl)
			return current, (left + time.Second - 1).Truncate(time.Second), swapped, err
		})
	}},
	"says that more time is left than is": {"a value is kept for its ttl", func(s *altered) {
		s.get = func(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
			value, left, found, err := s.MemoryStore.Get(ctx, key)
			return value, left * 2, found, err
		}
	}},
	"expires values early": {"a value is kept for its ttl", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			current, _, swapped, err := c.do(c.old, c.ttl/2+time.Millisecond)
			return current, c.ttl, swapped, err
		})
	}},
}

// twoSteps compares in one step and replaces in another.
func twoSteps(s *altered) {
	overlap := pair()
	s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
		if !bytes.Equal(c.current, c.old) {
			return c.do(c.old, c.ttl)
		}
		overlap()
		for {
			current, _, _, err := c.store.Get(c.ctx, c.key)
			if err != nil {
				return nil, 0, false, err
			}
			if current, left, swapped, err := c.do(current, c.ttl); swapped || err != nil {
				return current, left, swapped, err
			}
		}
	})
}

// pair returns a function that returns when two goroutines have called it, and after a second if there is no other. The calls
// after these return at once.
func pair() func() {
	var calls atomic.Int32
	second := make(chan struct{})
	return func() {
		switch calls.Add(1) {
		case 1:
			select {
			case <-second:
			case <-time.After(time.Second):
			}
		case 2:
			close(second)
		}
	}
}

var brokenValues = map[string]broken{
	"returns an expired value": {"a value is kept for its ttl", func(s *altered) {
		last := remember(s)
		s.get = func(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
			value, left, found, err := s.MemoryStore.Get(ctx, key)
			if kept := last(key); !found && kept != nil {
				return kept, 0, true, err
			}
			return value, left, found, err
		}
	}},
	"swaps from an expired value": {"an expired value is no old value", func(s *altered) {
		last := remember(s)
		inner := s.swap
		s.swap = func(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
			if _, _, found, _ := s.MemoryStore.Get(ctx, key); !found && old != nil && bytes.Equal(last(key), old) {
				old = nil
			}
			return inner(ctx, key, old, value, ttl)
		}
	}},
	"lets an expired value block a key": {"a Swap from nothing succeeds when the value has expired", func(s *altered) {
		last := remember(s)
		inner := s.swap
		s.swap = func(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
			if _, _, found, _ := s.MemoryStore.Get(ctx, key); !found && old == nil && last(key) != nil {
				return last(key), 0, false, nil
			}
			return inner(ctx, key, old, value, ttl)
		}
	}},
	"keeps the slice of its caller":   {"a store keeps no slice of its caller", func(s *altered) { aliased(s, slices.Clip[[]byte]) }},
	"returns the slice that it keeps": {"a store keeps no slice of its caller", func(s *altered) { aliased(s, bytes.Clone) }},
	"ends a value at a zero byte": {"a value may contain every byte", func(s *altered) {
		s.get = func(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
			value, left, found, err := s.MemoryStore.Get(ctx, key)
			value, _, _ = bytes.Cut(value, []byte{0})
			return value, left, found, err
		}
	}},
	"refuses values above 32 KiB": {"a value may have 64 KiB", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			if len(c.value) > 32<<10 {
				return nil, 0, false, errors.New("the value is too large")
			}
			return c.do(c.old, c.ttl)
		})
	}},
	"compares values without spaces": {"values are compared byte by byte", func(s *altered) {
		s.swapping(func(c swapCall) ([]byte, time.Duration, bool, error) {
			if bytes.Equal(bytes.TrimSpace(c.old), bytes.TrimSpace(c.current)) {
				return c.do(c.current, c.ttl)
			}
			return c.do(c.old, c.ttl)
		})
	}},
	"ignores the case of keys": {"keys are compared byte by byte", func(s *altered) { keyed(s, strings.ToLower) }},
	"cuts keys":                {"keys are compared byte by byte", func(s *altered) { keyed(s, func(key string) string { return key[:min(len(key), 127)] }) }},
	"does not share values between clients": {"two clients see each other's values", func(s *altered) {
		s.MemoryStore = authkittest.NewMemoryStore(realTime{})
	}},
	"has a value for every key": {"an unused key has no value", func(s *altered) {
		s.get = func(context.Context, string) ([]byte, time.Duration, bool, error) { return []byte{}, 0, true, nil }
	}},
	"ignores the context": {"a call whose context has ended fails", func(s *altered) {
		s.get = func(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
			return s.MemoryStore.Get(context.WithoutCancel(ctx), key)
		}
	}},
	"ignores the context while it waits": {"a call of an engine that is frozen ends with its context", func(s *altered) {
		s.append = func(ctx context.Context, notice []byte) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return s.MemoryStore.Append(context.WithoutCancel(ctx), notice)
		}
	}},
}

// remember makes a store remember the last value of each key, also when it has expired.
func remember(s *altered) (last func(key string) []byte) {
	var values sync.Map
	s.swap = func(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
		current, left, swapped, err := s.MemoryStore.Swap(ctx, key, old, value, ttl)
		if swapped {
			values.Store(key, bytes.Clone(value))
		}
		return current, left, swapped, err
	}
	return func(key string) []byte {
		value, _ := values.Load(key)
		last, _ := value.([]byte)
		return bytes.Clone(last)
	}
}

// aliased makes a store return one slice for a key. keep returns the slice for a new value.
func aliased(s *altered, keep func([]byte) []byte) {
	var values sync.Map
	s.swap = func(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
		current, left, swapped, err := s.MemoryStore.Swap(ctx, key, old, value, ttl)
		if swapped {
			values.Store(key, keep(value))
		}
		return current, left, swapped, err
	}
	s.get = func(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
		value, left, found, err := s.MemoryStore.Get(ctx, key)
		if kept, ok := values.Load(key); ok && found {
			value = kept.([]byte)
		}
		return value, left, found, err
	}
}

// keyed makes a store change its keys.
func keyed(s *altered, change func(string) string) {
	s.get = func(ctx context.Context, key string) ([]byte, time.Duration, bool, error) {
		return s.MemoryStore.Get(ctx, change(key))
	}
	s.swap = func(ctx context.Context, key string, old, value []byte, ttl time.Duration) ([]byte, time.Duration, bool, error) {
		return s.MemoryStore.Swap(ctx, change(key), old, value, ttl)
	}
}

// dropsConcurrent drops a notice if another Append of the same client runs.
func dropsConcurrent(s *altered) {
	var running atomic.Int32
	overlap := pair()
	s.append = func(ctx context.Context, notice []byte) error {
		defer running.Add(-1)
		first := running.Add(1) == 1
		overlap()
		if !first {
			return nil
		}
		return s.MemoryStore.Append(ctx, notice)
	}
}
