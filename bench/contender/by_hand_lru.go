// Code written by hand, with a cache of verified sessions.

package contender

import (
	"context"
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// lruSessions is the number of sessions in the cache. It is the default of authkit's session cache.
const lruSessions = 10_000

// byHandWithLRU is the code written by hand with a cache. The key is the text of the cookie.
func byHandWithLRU(sessions int) Contender {
	c := byHand()
	c.Name, c.Title = "by-hand-lru", "by hand, with an LRU cache"
	c.Modules = append(c.Modules, "github.com/hashicorp/golang-lru/v2")
	c.What = "The same, with `lru.Cache` for verified sessions by the text of the cookie. It has room for as many as authkit's " +
		"cache. A hit checks only the expiry."
	c.setUp = func(ctx context.Context, a *authority) (*setup, error) {
		h, err := newHandmade(ctx, a)
		if err != nil {
			return nil, err
		}
		cache, err := lru.New[string, *handmadeSession](sessions)
		if err != nil {
			return nil, err
		}
		return h.setup(func(cookie string) (*handmadeSession, error) {
			if s, ok := cache.Get(cookie); ok {
				if !time.Now().Before(s.claims.ExpiresAt.Time) {
					cache.Remove(cookie)
					return nil, errors.New("the token has expired")
				}
				return s, nil
			}
			s, err := h.read(cookie)
			if err != nil {
				return nil, err
			}
			cache.Add(cookie, s)
			return s, nil
		}), nil
	}
	return c
}
