// The cookies of the pending sign-ins of one browser, and the space that they may take.

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
	// lateLifetime is how much longer the cookie of a pending sign-in lives than the
	// sign-in. A callback that comes too late needs the return path.
	lateLifetime = 24 * time.Hour
	// maxPendingSize is the space in the Cookie header that the pending sign-ins of
	// one browser may take together. Servers refuse a header of more than 8 KB
	// (nginx, large_client_header_buffers), and the session needs space too.
	maxPendingSize = 4096
	// maxStateResponse is the space that the Set-Cookie lines of a sign-in should take
	// together in its response. nginx answers 502 if the header of a response takes more
	// than 4 KB (proxy_buffer_size). The rest is for the Location and other fields.
	maxStateResponse = 3300
	// maxStateCookies limits the work for a request with many planted cookies. It is
	// more than fit into maxPendingSize.
	maxStateCookies = 32
)

// stateCookie is the cookie of a pending sign-in: one that the browser sent, or the
// new one.
type stateCookie struct {
	pendingSignIn
	name string
	// size is its space in the Cookie header. If the browser sent several cookies of
	// this name, duplicates is the space of the others. A Set-Cookie header replaces
	// only one of them.
	size, duplicates int
	// text is the value that the response sets, or "" if it does not set the cookie.
	text     string
	dropped  bool // the response expires the cookie
	timedOut bool // the sign-in took longer than [WithSignInTimeout]
}

func (c *stateCookie) drop() { c.dropped, c.size = true, 0 }

// cookieSize returns the space of a cookie in the Cookie header, with "=" and "; ".
func cookieSize(name, value string) int { return len(name) + len(value) + 3 }

// setPendingSignIn sets the cookie of a new sign-in. It reduces the other ones of this
// browser so that all fit into maxPendingSize. replaces is the one of these that the
// new one replaces, or nil.
func (a *AuthKit) setPendingSignIn(w http.ResponseWriter, r *http.Request, pending pendingSignIn, replaces *pendingSignIn) error {
	added := &stateCookie{pendingSignIn: pending, name: a.cookies.StateName(pending.state)}
	if err := a.sealPendingSignIn(added); err != nil {
		return fmt.Errorf("%w: %w", ErrLoginParamsTooLarge, err)
	}
	older := a.stateCookies(r)
	now := pending.startedAt
	for _, c := range older {
		c.timedOut = now.Sub(c.startedAt) >= a.signInTimeout
		if replaces != nil && c.state == replaces.state || a.stateLifetime(&c.pendingSignIn, now) < time.Second {
			c.drop()
		}
	}
	if err := a.fitStateCookies(added, older); err != nil {
		return err
	}
	if err := a.fitStateResponse(added, older); err != nil {
		return err
	}
	if replaces != nil { // stateCookies may not have returned it
		a.cookies.Expire(w.Header(), a.cookies.StateName(replaces.state))
	}
	for _, c := range append(older, added) {
		switch {
		case c.dropped:
			a.mistakes.SignInDropped(c.state)
			a.cookies.Expire(w.Header(), c.name)
		case c.text != "":
			a.cookies.SetState(w.Header(), c.name, c.text, a.stateLifetime(&c.pendingSignIn, now))
		}
	}
	return nil
}

// fitStateCookies reduces cookies until all fit into maxPendingSize. It returns an
// error if the new sign-in must be refused. It sorts older.
func (a *AuthKit) fitStateCookies(added *stateCookie, older []*stateCookie) error {
	total := added.size
	unremovable := 0 // duplicates of sign-ins that timed out: no response can remove them
	for _, c := range older {
		total += c.size + c.duplicates
		if c.timedOut {
			unremovable += c.duplicates
		}
	}
	for _, step := range reductions(added, older) {
		if total < maxPendingSize {
			return nil
		}
		before := step.cookie.size
		if err := a.reduce(step); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidLoginParams, err)
		}
		total += step.cookie.size - before
	}
	ownRemains := slices.ContainsFunc(older, func(c *stateCookie) bool { return !c.dropped && !c.crossOrigin })
	if total-unremovable >= maxPendingSize && added.crossOrigin && ownRemains {
		return fmt.Errorf("%w: there is no space beside the sign-ins that this site started", ErrCrossOriginRefused)
	}
	return nil
}

// setCookieAttributes is more than the space of the attributes of a state cookie.
const setCookieAttributes = 110

// fitStateResponse shortens the return path of the new sign-in if the response would
// exceed maxStateResponse, and if that is enough. It leaves the other sign-ins as they
// are.
func (a *AuthKit) fitStateResponse(added *stateCookie, older []*stateCookie) error {
	space := maxStateResponse - setCookieAttributes
	for _, c := range older {
		if c.dropped || c.text != "" {
			space -= len(c.name) + len(c.text) + setCookieAttributes
		}
	}
	if added.size <= space {
		return nil
	}
	for _, to := range []content{withoutQuery, withoutPath} {
		shorter := *added
		if err := a.reduce(reduction{&shorter, to}); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidLoginParams, err)
		}
		if shorter.size <= space {
			*added = shorter
			return nil
		}
	}
	return nil
}

// stateLifetime returns how long the cookie of a sign-in lives from now on.
func (a *AuthKit) stateLifetime(pending *pendingSignIn, now time.Time) time.Duration {
	return pending.startedAt.Add(a.signInTimeout + lateLifetime).Sub(now)
}

// sealPendingSignIn seals a new sign-in. If it does not fit into a cookie, it loses the
// query of its return path, and then the whole path.
func (a *AuthKit) sealPendingSignIn(c *stateCookie) error {
	for _, to := range []content{complete, withoutQuery, withoutPath} {
		if err := a.reduce(reduction{c, to}); err != nil {
			return err
		}
		if c.size < maxPendingSize {
			return nil
		}
	}
	return fmt.Errorf("the app state, the invitation token and the scopes take %d bytes; a cookie holds %d", len(c.text), cookie.MaxSize)
}

// content is how much of a pending sign-in stays in its cookie.
type content int

const (
	complete content = iota
	withoutQuery
	withoutPath
	nothing
)

// reduction is a step that makes a cookie smaller.
type reduction struct {
	cookie *stateCookie
	to     content
}

// reductions returns the steps that make space for a new sign-in, in their order:
//
//  1. Sign-ins that timed out are dropped, the oldest first.
//  2. The others lose their queries, then their paths, and then they are dropped.
//     Each time, those that another origin started come first, and then the oldest.
//
// If another origin started the new sign-in, this site's own sign-ins are not dropped.
// They lose their queries and paths last, and each time the new one loses its own
// first. It sorts older.
func reductions(added *stateCookie, older []*stateCookie) (steps []reduction) {
	slices.SortFunc(older, func(x, y *stateCookie) int {
		switch {
		case x.timedOut && y.timedOut: // by age alone
		case x.timedOut:
			return -1
		case y.timedOut:
			return 1
		case x.crossOrigin != y.crossOrigin && x.crossOrigin:
			return -1
		case x.crossOrigin != y.crossOrigin:
			return 1
		}
		return cmp.Or(x.startedAt.Compare(y.startedAt), strings.Compare(x.name, y.name))
	})
	add := func(to content, cookies ...*stateCookie) {
		for _, c := range cookies {
			steps = append(steps, reduction{c, to})
		}
	}
	for len(older) > 0 && older[0].timedOut {
		add(nothing, older[0])
		older = older[1:]
	}
	if !added.crossOrigin {
		add(withoutQuery, older...)
		add(withoutPath, older...)
		add(nothing, older...)
		return steps
	}
	others, own := older, []*stateCookie(nil)
	if i := slices.IndexFunc(older, func(c *stateCookie) bool { return !c.crossOrigin }); i >= 0 {
		others, own = older[:i], older[i:]
	}
	add(withoutQuery, others...)
	add(withoutPath, others...)
	add(nothing, others...)
	add(withoutQuery, append([]*stateCookie{added}, own...)...)
	add(withoutPath, append([]*stateCookie{added}, own...)...)
	return steps
}

// reduce takes a step and seals the cookie again. A step that saves less space than the
// attributes of a Set-Cookie line take has no effect.
func (a *AuthKit) reduce(step reduction) error {
	c, returnTo := step.cookie, step.cookie.returnTo
	switch {
	case c.dropped:
		return nil
	case step.to == nothing:
		c.drop()
		return nil
	case step.to == withoutQuery:
		returnTo = withoutQueryOf(returnTo)
	case step.to == withoutPath:
		returnTo = a.rootOf(returnTo)
	}
	if returnTo == c.returnTo && step.to != complete {
		return nil
	}
	shorter := c.pendingSignIn
	shorter.returnTo = returnTo
	text, err := a.signInSealer.Seal(shorter.encode())
	if err != nil {
		return err
	}
	size := cookieSize(c.name, text)
	if step.to != complete && size > c.size-setCookieAttributes {
		return nil // the path of this sign-in takes little space
	}
	c.pendingSignIn, c.text, c.size = shorter, text, size
	return nil
}

// stateCookies returns the pending sign-ins of a browser, from the cookies of a
// request. It leaves out a cookie that does not open, or whose name does not belong to
// its state: it may be another application's. Of many cookies it reads the last
// [maxStateCookies], which are the newest (RFC 6265, section 5.4).
func (a *AuthKit) stateCookies(r *http.Request) (found []*stateCookie) {
	byName := map[string]*stateCookie{}
	for _, sent := range a.sentStateCookies(r) {
		c := byName[sent.name]
		if c == nil {
			c = &stateCookie{name: sent.name}
			byName[sent.name] = c
		}
		size := cookieSize(sent.name, sent.value)
		if c.size == 0 {
			c.size = size
		} else {
			c.size, c.duplicates = min(c.size, size), c.duplicates+max(c.size, size)
		}
		if c.state != "" {
			continue // another cookie of this name has opened
		}
		if pending, err := a.openStateCookie(sent.name, sent.value); err == nil {
			c.pendingSignIn = pending
			found = append(found, c)
		}
	}
	return found
}

// sentCookie is the name and the value of a cookie in a request.
type sentCookie struct{ name, value string }

// sentStateCookies returns the last [maxStateCookies] cookies of a request that have the
// name of a pending sign-in.
func (a *AuthKit) sentStateCookies(r *http.Request) (sent []sentCookie) {
	for name, value := range cookie.All(r.Header) {
		if a.cookies.IsStateName(name) {
			if len(sent) == 2*maxStateCookies { // the first half will not be returned
				sent = append(sent[:0], sent[maxStateCookies:]...)
			}
			sent = append(sent, sentCookie{name, value})
		}
	}
	return sent[max(0, len(sent)-maxStateCookies):]
}

// openStateCookie opens the cookie of a pending sign-in. It does not check the age.
func (a *AuthKit) openStateCookie(name, text string) (pendingSignIn, error) {
	if len(text) > cookie.MaxSize {
		return pendingSignIn{}, errors.New("the cookie is larger than any that this package sets")
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

// findPendingSignIn returns the pending sign-in of a callback's state, from the cookies
// of the request. It may be older than the sign-in timeout. If its start is in the
// future, it is returned with an error.
func (a *AuthKit) findPendingSignIn(r *http.Request, state string) (*pendingSignIn, error) {
	name := a.cookies.StateName(state)
	err := errors.New("this browser has no pending sign-in with this state")
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
			return &pending, fmt.Errorf("the sign-in starts in %s", ahead.Round(time.Second))
		}
		return &pending, nil
	}
	return nil, err
}

// age returns how long ago a sign-in started.
func (a *AuthKit) age(pending *pendingSignIn) time.Duration {
	return a.clock.Now().Sub(pending.startedAt)
}
