// The cookies of the sign-ins under way in one browser.

package authkit

import (
	"cmp"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
)

const (
	// lateLifetime is how much longer a state's cookie lives than its sign-in,
	// so that a callback that comes too late still finds the page to lead to.
	lateLifetime = 24 * time.Hour
	// maxPendingSize is what the cookies of the sign-ins under way in one browser
	// may take together in its Cookie header. Servers refuse a header of 8 KB
	// (nginx, large_client_header_buffers), and the session needs room as well.
	maxPendingSize = 4096
	// maxStateCookies bounds the work that a request full of planted cookies
	// can cause: more than fit into maxPendingSize.
	maxStateCookies = 32
)

// stateCookie is the cookie of a sign-in under way: one that the browser sent,
// or the new one.
type stateCookie struct {
	pendingSignIn
	name string
	// size is what it takes in the Cookie header, without further cookies of the
	// same name. Their size is in doubled: a Set-Cookie replaces one of them.
	size, doubled int
	// text is what the response sets, "" where it leaves the cookie as it is.
	text    string
	dropped bool
	over    bool // it took longer than a sign-in may
}

// cookieSize is what a cookie takes in the Cookie header, with "=" and "; ".
func cookieSize(name, value string) int { return len(name) + len(value) + 3 }

// keepSignIn sets the cookie of a new sign-in, and makes the others of this
// browser so small that all of them fit. replaces is nil or one of these, whose
// place the new one takes.
func (a *AuthKit) setPendingSignIn(w http.ResponseWriter, r *http.Request, pending pendingSignIn, replaces *pendingSignIn) error {
	fresh := &stateCookie{pendingSignIn: pending, name: a.cookies.StateName(pending.state)}
	if err := a.sealPendingSignIn(fresh); err != nil {
		return fmt.Errorf("%w: %w: %w", ErrLoginParamsTooLarge, ErrInvalidLoginParams, err)
	}
	older := a.stateCookies(r)
	now, total := pending.startedAt, fresh.size
	stuck := 0 // of those that are over, what no response can take away
	for _, c := range older {
		if c.over = now.Sub(c.startedAt) >= a.signInTimeout; c.over {
			stuck += c.doubled
		}
		if replaces != nil && c.state == replaces.state || a.stateLifetime(&c.pendingSignIn, now) < time.Second {
			c.dropped, c.size = true, 0
		}
		total += c.size + c.doubled
	}
	for _, step := range roomFor(fresh, older) {
		if total < maxPendingSize {
			break
		}
		before := step.cookie.size
		if err := a.shrink(step); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidLoginParams, err)
		}
		total += step.cookie.size - before
	}
	if total-stuck >= maxPendingSize && fresh.crossOrigin && slices.ContainsFunc(older, func(c *stateCookie) bool { return !c.dropped && !c.crossOrigin }) {
		return fmt.Errorf("%w: there is no room beside the sign-ins that this site started", ErrCrossOriginRefused)
	}
	if replaces != nil { // it may be beyond those that were looked at
		a.cookies.Expire(w.Header(), a.cookies.StateName(replaces.state))
	}
	for _, c := range append(older, fresh) {
		switch {
		case c.dropped:
			a.cookies.Expire(w.Header(), c.name)
		case c.text != "":
			a.cookies.SetState(w.Header(), c.name, c.text, a.stateLifetime(&c.pendingSignIn, now))
		}
	}
	return nil
}

// stateLifetime is how long the cookie of a sign-in lives from now on.
func (a *AuthKit) stateLifetime(pending *pendingSignIn, now time.Time) time.Duration {
	return pending.startedAt.Add(a.signInTimeout + lateLifetime).Sub(now)
}

// sealNew seals a new sign-in, without the query or the path of its page where
// it would not fit into a cookie otherwise.
func (a *AuthKit) sealPendingSignIn(c *stateCookie) error {
	for _, size := range []smaller{asItIs, withoutQuery, withoutPath} {
		if err := a.shrink(shrinking{c, size}); err != nil {
			return err
		}
		if c.size < maxPendingSize {
			return nil
		}
	}
	return fmt.Errorf("state and invitation token fill %d bytes of a cookie that holds %d", len(c.text), cookie.MaxSize)
}

// smaller is a way to make the cookie of a sign-in smaller.
type smaller int

const (
	asItIs smaller = iota
	withoutQuery
	withoutPath
	dropped
)

// shrinking is a step that makes a cookie smaller.
type shrinking struct {
	cookie *stateCookie
	to     smaller
}

// roomFor lists the steps that make room for a new sign-in, in their order.
// Sign-ins that are over are dropped first, whichever origin started them. Of the
// others, queries go first, then paths, then whole sign-ins, each time those that
// another origin started before the others, and the oldest first. A new one that
// another origin started costs this site's own no more than their pages, and
// these only where it has no page left itself.
func roomFor(fresh *stateCookie, older []*stateCookie) (steps []shrinking) {
	slices.SortFunc(older, func(x, y *stateCookie) int {
		switch {
		case x.over && y.over: // by their age alone
		case x.over:
			return -1
		case y.over:
			return 1
		case x.crossOrigin != y.crossOrigin && x.crossOrigin:
			return -1
		case x.crossOrigin != y.crossOrigin:
			return 1
		}
		return cmp.Or(x.startedAt.Compare(y.startedAt), strings.Compare(x.name, y.name))
	})
	add := func(to smaller, cookies ...*stateCookie) {
		for _, c := range cookies {
			steps = append(steps, shrinking{c, to})
		}
	}
	for len(older) > 0 && older[0].over {
		add(dropped, older[0])
		older = older[1:]
	}
	if !fresh.crossOrigin {
		add(withoutQuery, older...)
		add(withoutPath, older...)
		add(dropped, older...)
		return steps
	}
	others, own := older, []*stateCookie(nil)
	if i := slices.IndexFunc(older, func(c *stateCookie) bool { return !c.crossOrigin }); i >= 0 {
		others, own = older[:i], older[i:]
	}
	add(withoutQuery, others...)
	add(withoutPath, others...)
	add(dropped, others...)
	add(withoutQuery, append([]*stateCookie{fresh}, own...)...)
	add(withoutPath, append([]*stateCookie{fresh}, own...)...)
	return steps
}

// shrink makes a step, if it makes the cookie smaller.
func (a *AuthKit) shrink(step shrinking) error {
	c, returnTo := step.cookie, step.cookie.returnTo
	switch {
	case c.dropped:
		return nil
	case step.to == dropped:
		c.dropped, c.size = true, 0
		return nil
	case step.to == withoutQuery:
		if i := strings.IndexAny(returnTo, "?#"); i >= 0 {
			returnTo = returnTo[:i]
		}
	case step.to == withoutPath:
		returnTo = "/"
	}
	if returnTo == c.returnTo && step.to != asItIs {
		return nil
	}
	c.returnTo = returnTo
	text, err := a.signInSealer.Seal(c.encode())
	if err != nil {
		return err
	}
	c.text, c.size = text, cookieSize(c.name, text)
	return nil
}

// stateCookies are the sign-ins under way in a browser, by the cookies of a
// request. A cookie that does not open, or not under its name, is not among them:
// it may be a neighbour's. Of a great many cookies the last are looked at, which
// are the newest (RFC 6265, section 5.4).
func (a *AuthKit) stateCookies(r *http.Request) (found []*stateCookie) {
	type pair struct{ name, value string }
	var sent []pair
	for name, value := range cookie.All(r.Header) {
		if a.cookies.IsStateName(name) {
			if len(sent) == 2*maxStateCookies { // the older half is of no interest any more
				sent = append(sent[:0], sent[maxStateCookies:]...)
			}
			sent = append(sent, pair{name, value})
		}
	}
	byName := map[string]*stateCookie{}
	for _, p := range sent[max(0, len(sent)-maxStateCookies):] {
		c := byName[p.name]
		if c == nil {
			c = &stateCookie{name: p.name}
			byName[p.name] = c
		}
		size := cookieSize(p.name, p.value)
		if c.size == 0 {
			c.size = size
		} else {
			c.size, c.doubled = min(c.size, size), c.doubled+max(c.size, size)
		}
		if c.state != "" {
			continue // a good one of this name was found already
		}
		if pending, err := a.openStateCookie(p.name, p.value); err == nil {
			c.pendingSignIn = pending
			found = append(found, c)
		}
	}
	return found
}

// openStateCookie opens the cookie of a sign-in, however old.
func (a *AuthKit) openStateCookie(name, text string) (pendingSignIn, error) {
	if len(text) > cookie.MaxSize {
		return pendingSignIn{}, errors.New("the cookie is larger than any of ours")
	}
	encoded, err := a.signInSealer.Open(text)
	if err != nil {
		return pendingSignIn{}, err
	}
	pending, err := decodePendingSignIn(encoded)
	if err == nil && a.cookies.StateName(pending.state) != name {
		err = errors.New("the cookie belongs to another sign-in")
	}
	if err != nil {
		return pendingSignIn{}, err
	}
	return pending, nil
}

// findSignIn finds the sign-in that a callback's state belongs to, among those
// of the browser that brings it. It may be too old. One from the future comes with
// an error.
func (a *AuthKit) findPendingSignIn(r *http.Request, state string) (*pendingSignIn, error) {
	name := a.cookies.StateName(state)
	err := errors.New("this browser has no such sign-in under way")
	for value := range cookie.First(r.Header, name) {
		var pending pendingSignIn
		if pending, err = a.openStateCookie(name, value); err != nil {
			continue
		}
		if subtle.ConstantTimeCompare([]byte(pending.state), []byte(state)) != 1 {
			err = errors.New("the cookie belongs to another sign-in")
			continue
		}
		if ahead := pending.startedAt.Sub(a.clock.Now()); ahead > clockSkew {
			return &pending, fmt.Errorf("the sign-in begins in %s", ahead.Round(time.Second))
		}
		return &pending, nil
	}
	return nil, err
}

// age is how long ago a sign-in began.
func (a *AuthKit) age(pending *pendingSignIn) time.Duration {
	return a.clock.Now().Sub(pending.startedAt)
}
