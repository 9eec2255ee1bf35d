// The broken stores whose log or link is at fault.

package storetest_test

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/authkit-go/authkit/authkittest"
)

// following replaces Follow by one with other functions.
func (s *altered) following(change func(f func([]byte), caughtUp func()) (func([]byte), func())) {
	s.follow = func(ctx context.Context, f func([]byte), caughtUp func()) error {
		f, caughtUp = change(f, caughtUp)
		return s.MemoryStore.Follow(ctx, f, caughtUp)
	}
}

var brokenLogs = map[string]broken{
	"does not call caughtUp for an empty log": {"a Follow of an empty log calls caughtUp", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) {
			any := false
			return func(notice []byte) { any = true; f(notice) }, func() {
				if any {
					caughtUp()
				}
			}
		})
	}},
	"calls caughtUp before the backlog": {"a Follow passes the backlog, calls caughtUp and passes new notices", func(s *altered) {
		s.follow = func(ctx context.Context, f func([]byte), caughtUp func()) error {
			caughtUp()
			return s.MemoryStore.Follow(ctx, f, caughtUp)
		}
	}},
	"passes no backlog": {"a Follow passes the backlog, calls caughtUp and passes new notices", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) {
			live := false
			return func(notice []byte) {
				if live {
					f(notice)
				}
			}, func() { live = true; caughtUp() }
		})
	}},
	"passes the newest notice first": {"a Follow passes the backlog, calls caughtUp and passes new notices", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) {
			var batch [][]byte
			return func(notice []byte) { batch = append(batch, notice) }, func() {
				slices.Reverse(batch)
				for _, notice := range batch {
					f(notice)
				}
				batch = nil
				caughtUp()
			}
		})
	}},
	"calls caughtUp once": {"a Follow calls caughtUp every two seconds", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) { return f, sync.OnceFunc(caughtUp) })
	}},
	"calls caughtUp every three seconds": {"a Follow calls caughtUp every two seconds", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) {
			n := -1
			return f, func() {
				if n++; n%3 == 0 {
					caughtUp()
				}
			}
		})
	}},
	"calls caughtUp and passes notices later": {"a call of caughtUp comes after all notices up to then", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) {
			var late [][]byte
			n := 0
			return func(notice []byte) { late = append(late, notice) }, func() {
				caughtUp()
				if n++; n%4 == 0 {
					for _, notice := range late {
						f(notice)
					}
					late = nil
				}
			}
		})
	}},
	"ends a notice at a zero byte": {"a notice may contain every byte and have 1 KiB", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) {
			return func(notice []byte) {
				notice, _, _ = bytes.Cut(notice, []byte{0})
				f(notice)
			}, caughtUp
		})
	}},
	"drops equal notices": {"equal notices are different entries", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) {
			seen := map[string]bool{}
			return func(notice []byte) {
				if !seen[string(notice)] {
					f(notice)
				}
				seen[string(notice)] = true
			}, caughtUp
		})
	}},
	"passes every notice in the same slice": {"a notice is not changed after it was passed", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) {
			var buffer []byte
			return func(notice []byte) {
				buffer = append(buffer[:0], notice...)
				f(buffer)
			}, caughtUp
		})
	}},
	"drops a notice of two concurrent ones": {"no notice is lost or doubled while eight goroutines append", dropsConcurrent},
	"passes every notice twice": {"no notice is lost or doubled while eight goroutines append", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) {
			return func(notice []byte) { f(notice); f(bytes.Clone(notice)) }, caughtUp
		})
	}},
	"passes notices on several goroutines": {"a Follow passes the backlog, calls caughtUp and passes new notices", func(s *altered) {
		s.following(func(f func([]byte), caughtUp func()) (func([]byte), func()) {
			var all sync.WaitGroup
			first := true
			return func(notice []byte) {
				late := first
				first = false
				all.Go(func() {
					if late {
						<-time.After(200 * time.Millisecond)
					}
					f(notice)
				})
			}, func() { all.Wait(); caughtUp() }
		})
	}},
	"has one follower for each client": {"one client may follow twice", func(s *altered) {
		var one sync.Mutex
		s.follow = func(ctx context.Context, f func([]byte), caughtUp func()) error {
			one.Lock()
			defer one.Unlock()
			return s.MemoryStore.Follow(ctx, f, caughtUp)
		}
	}},
	"keeps notices for a day": {"a notice leaves the log after the retention", func(s *altered) {
		s.MemoryStore = authkittest.NewMemoryStore(realTime{})
	}},
	"drops the whole log at once": {"a notice leaves the log after the retention", func(s *altered) {
		began := sync.OnceValue(time.Now)
		s.follow = func(ctx context.Context, f func([]byte), caughtUp func()) error {
			live := time.Since(began()) < 900*time.Millisecond/pace
			return s.MemoryStore.Follow(ctx, func(notice []byte) {
				if live {
					f(notice)
				}
			}, func() { live = true; caughtUp() })
		}
	}},
}

var brokenLinks = map[string]broken{
	"returns nil when the context ends": {"a Follow ends with its context and calls nothing afterwards", func(s *altered) {
		s.follow = func(ctx context.Context, f func([]byte), caughtUp func()) error {
			_ = s.MemoryStore.Follow(ctx, f, caughtUp)
			return nil
		}
	}},
	"calls f after Follow has returned": {"a Follow ends with its context and calls nothing afterwards", func(s *altered) {
		s.follow = func(ctx context.Context, f func([]byte), caughtUp func()) error {
			go func() { _ = s.MemoryStore.Follow(context.WithoutCancel(ctx), f, caughtUp) }()
			<-ctx.Done()
			return ctx.Err()
		}
	}},
	"ignores the context of Follow": {"a Follow ends at its deadline", func(s *altered) {
		s.follow = func(ctx context.Context, f func([]byte), caughtUp func()) error {
			return s.MemoryStore.Follow(context.WithoutCancel(ctx), f, caughtUp)
		}
	}},
	"calls caughtUp by its own timer": {"a Follow does not call caughtUp while the engine is frozen", func(s *altered) {
		s.follow = func(ctx context.Context, f func([]byte), caughtUp func()) error {
			var one sync.Mutex
			alone := func() {
				one.Lock()
				defer one.Unlock()
				caughtUp()
			}
			ended := make(chan struct{})
			var timer sync.WaitGroup
			timer.Go(func() {
				for ticks := time.NewTicker(500 * time.Millisecond / pace); ; {
					select {
					case <-ticks.C:
						alone()
					case <-ended:
						return
					}
				}
			})
			err := s.MemoryStore.Follow(ctx, func(notice []byte) {
				one.Lock()
				defer one.Unlock()
				f(notice)
			}, alone)
			close(ended)
			timer.Wait()
			return err
		}
	}},
	"continues at the end of the log after a broken link": {"a link that breaks leaves no gap", func(s *altered) {
		resumes(s, func(_, inLog int) (skip int) { return inLog })
	}},
	"passes the log again after a broken link": {"a link that breaks leaves no gap", func(s *altered) {
		resumes(s, func(int, int) (skip int) { return 0 })
	}},
	"is silent after a broken link": {"a link that breaks leaves no gap", func(s *altered) {
		s.follow = func(ctx context.Context, f func([]byte), caughtUp func()) error {
			err := s.MemoryStore.Follow(ctx, f, caughtUp)
			<-ctx.Done()
			return err
		}
	}},
	"continues at its position in a log that was emptied": {"a Follow reports that the log was emptied", func(s *altered) {
		resumes(s, func(passed, _ int) (skip int) { return passed })
	}},
	"continues at its position after a restart": {"a restart of the engine leaves no gap", func(s *altered) {
		resumes(s, func(passed, _ int) (skip int) { return passed })
	}},
}

// resumes makes Follow continue after an error, 50 ms later, as if nothing had happened. from returns how many notices of the
// log are then left out. It gets the number of notices that were passed, and the number in the log.
func resumes(s *altered, from func(passed, inLog int) (skip int)) {
	s.follow = func(ctx context.Context, f func([]byte), caughtUp func()) error {
		passed := 0
		for again := false; ; again = true {
			var backlog [][]byte
			read := false
			err := s.MemoryStore.Follow(ctx, func(notice []byte) {
				if read {
					passed++
					f(notice)
					return
				}
				backlog = append(backlog, notice)
			}, func() {
				if !read {
					read = true
					skip := 0
					if again {
						skip = min(from(passed, len(backlog)), len(backlog))
					}
					for _, notice := range backlog[skip:] {
						passed++
						f(notice)
					}
				}
				caughtUp()
			})
			select {
			case <-ctx.Done():
				return err
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
}
