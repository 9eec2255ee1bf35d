// Marks of changes at WorkOS, and the orders that duenow.go lists.

package authkit

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/internal/sessioncache"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// memberSession returns a session of user_1 in org_1 with a token of the given time.
func memberSession(issuedAt time.Time) *Session {
	sealed := payload.Session{AccessToken: payload.NewToken("1"), RefreshToken: "refresh_1", User: workos.User{ID: "user_1"}}
	return makeSession(sealed, &jwks.Claims{
		SessionID: "session_1", Subject: "user_1", OrganizationID: "org_1", IssuedAt: issuedAt, ExpiresAt: issuedAt.Add(time.Hour),
	})
}

// noteUser stores the mark of a change of user_1 for an hour.
func noteUser(a *AuthKit, at time.Time) {
	a.due.note(noticeKey(replica.UserChanged, "user_1"), at, at.Add(time.Hour))
}

// A request with a cached session and a change run at the same time: one of them runs
// completely between two steps of the other. The next request must find the session due.
func TestACachedSessionIsDueAfterAChangeDuringItsRequest(t *testing.T) {
	prepare := func(t *testing.T) (*AuthKit, *sessioncache.Entry[*Session], time.Time) {
		clock := newSetClock()
		a := newOffline(t, clock)
		entry := &sessioncache.Entry[*Session]{Value: memberSession(clock.now.Add(-time.Minute))}
		require.Equal(t, standing{}, a.standingSince(entry, true))
		return a, entry, clock.now
	}
	t.Run("request during the change", func(t *testing.T) {
		a, entry, now := prepare(t)
		calls := 0
		a.signedOut.step = func(at string) {
			if at == "change noted" {
				calls++
				a.standingSince(entry, true)
			}
		}
		noteUser(a, now)
		require.Equal(t, 1, calls)
		assert.Equal(t, standing{due: true}, a.standingSince(entry, true))
	})
	for _, step := range []string{"epoch read", "no mark found"} {
		t.Run("change during the request, "+step, func(t *testing.T) {
			a, entry, now := prepare(t)
			a.signedOut.epoch.Add(1) // another session was signed out, so this one looks for marks
			calls := 0
			a.signedOut.step = func(at string) {
				if at == step && calls == 0 {
					calls++
					noteUser(a, now)
				}
			}
			a.standingSince(entry, true) // this request may come before the change
			require.Equal(t, 1, calls)
			assert.Equal(t, standing{due: true}, a.standingSince(entry, true))
			assert.Equal(t, standing{due: true}, a.standingSince(entry, true), "until it is refreshed")
		})
	}
}

// A session is verified, then a change becomes known, then the session is cached.
func TestASessionThatIsCachedAfterAChangeIsDue(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	s := memberSession(clock.now.Add(-time.Minute))
	require.Equal(t, standing{}, a.standingOf(s))
	noteUser(a, clock.now)
	cookie := []string{"sealed"}
	a.cache.Put(sessioncache.Cookie, cookie[0], s, s.size())
	assert.Equal(t, standing{due: true}, a.standingSince(a.cache.Get(sessioncache.Cookie, cookie), true))
}

func TestASignedOutSessionIsNotDue(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	s := memberSession(clock.now.Add(-time.Minute))
	noteUser(a, clock.now)
	a.markSignedOut(s, true, 0)
	assert.Equal(t, standing{signedOut: true}, a.standingOf(s))
}

func TestASessionIsDueUnlessItsTokenShowsTheChange(t *testing.T) {
	second := newSetClock().now
	changed := second.Add(400 * time.Millisecond)
	for name, c := range map[string]struct {
		issuedAt, currentTo time.Time
		due                 bool
	}{
		"issued in the second before":             {issuedAt: second.Add(-time.Second), due: true},
		"issued in the second of the change":      {issuedAt: second, due: true},
		"issued in the second after":              {issuedAt: second.Add(time.Second)},
		"of the same second, known to show it":    {issuedAt: second, currentTo: changed},
		"of the same second, shows a later one":   {issuedAt: second, currentTo: changed.Add(time.Millisecond)},
		"of the same second, shows an older one":  {issuedAt: second, currentTo: changed.Add(-time.Millisecond), due: true},
		"without a time of issue":                 {due: true},
		"without a time of issue, known to show":  {currentTo: changed},
		"issued before, known to show the change": {issuedAt: second.Add(-time.Minute), currentTo: changed},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newSetClock()
			a := newOffline(t, clock)
			s := memberSession(c.issuedAt)
			s.sealed.CurrentTo, s.sealed.RefreshedAt = c.currentTo, clock.now
			require.False(t, a.isDue(s))
			noteUser(a, changed)
			assert.Equal(t, c.due, a.isDue(s))
		})
	}
}

// The clock that dates the changes is ahead of the one that dates tokens.
func TestASessionThatShowsAChangeOfTheFutureIsDueForEachLaterOne(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	ahead := clock.now.Add(time.Minute)
	noteUser(a, ahead)
	s := memberSession(clock.now)
	s.sealed.CurrentTo, s.sealed.RefreshedAt = ahead, clock.now
	require.False(t, a.isDue(s))
	clock.now = clock.now.Add(time.Second)
	noteUser(a, ahead)
	require.False(t, a.isDue(s), "the same change again")
	noteUser(a, clock.now)
	assert.True(t, a.isDue(s))
	s.sealed.RefreshedAt = clock.now
	assert.False(t, a.isDue(s), "after the refresh")
}

func TestAChangeConcernsTheSessionsOfItsUserOrOrganizationOnly(t *testing.T) {
	for name, c := range map[string]struct {
		key         string
		due, rights bool
	}{
		"the user":               {noticeKey(replica.UserChanged, "user_1"), true, false},
		"the membership":         {membershipKey("user_1", "org_1"), true, true},
		"the organization":       {noticeKey(replica.OrganizationChanged, "org_1"), true, true},
		"another user":           {noticeKey(replica.UserChanged, "user_2"), false, false},
		"another organization":   {noticeKey(replica.OrganizationChanged, "org_2"), false, false},
		"a member elsewhere":     {membershipKey("user_1", "org_2"), false, false},
		"another member":         {membershipKey("user_2", "org_1"), false, false},
		"the IDs in other order": {membershipKey("org_1", "user_1"), false, false},
	} {
		t.Run(name, func(t *testing.T) {
			clock := newSetClock()
			a := newOffline(t, clock)
			s := memberSession(clock.now.Add(-time.Minute))
			a.due.note(c.key, clock.now, clock.now.Add(time.Hour))
			assert.Equal(t, c.due, a.isDue(s))
			assert.Equal(t, c.rights, a.rightsChanged(s))
			shown := a.changesShown("user_1", "org_1")
			assert.Equal(t, c.due, shown.at.Equal(clock.now))
			assert.Equal(t, !c.due, shown.at.IsZero())
		})
	}
}

func TestTheLatestOfSeveralChangesIsShown(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	for i, key := range []string{membershipKey("user_1", "org_1"), noticeKey(replica.OrganizationChanged, "org_1"), noticeKey(replica.UserChanged, "user_1")} {
		at := clock.now.Add(time.Duration(i) * time.Second)
		a.due.note(key, at, at.Add(time.Hour))
		assert.Equal(t, at, a.changesShown("user_1", "org_1").at)
	}
}

func TestAnOlderChangeReplacesNoNewerOne(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	noteUser(a, clock.now)
	epoch := a.signedOut.epoch.Load()
	noteUser(a, clock.now)
	noteUser(a, clock.now.Add(-time.Minute))
	assert.Equal(t, clock.now, a.changesShown("user_1", "org_1").at)
	assert.Equal(t, epoch, a.signedOut.epoch.Load(), "no session looks for marks again")
	noteUser(a, clock.now.Add(time.Millisecond))
	assert.Equal(t, clock.now.Add(time.Millisecond), a.changesShown("user_1", "org_1").at)
	assert.Greater(t, a.signedOut.epoch.Load(), epoch)
	assert.Equal(t, 1, a.due.marks.Len())
}

func TestAMarkIsForgottenAtItsTime(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	s := memberSession(clock.now.Add(-time.Minute))
	start := clock.now
	noteUser(a, start)
	clock.now = start.Add(time.Hour - 1)
	assert.True(t, a.isDue(s))
	clock.now = start.Add(time.Hour)
	assert.False(t, a.isDue(s))
	assert.Zero(t, a.changesShown("user_1", "org_1"))
	assert.Zero(t, a.due.forgotten.Load(), "it was not forgotten before its time")
}

// Instances may know of different lifetimes of tokens, so a later notice may end earlier.
func TestALaterChangeDoesNotShortenTheMarkOfAnEarlierOne(t *testing.T) {
	for name, order := range map[string][]int{"later change last": {0, 1}, "later change first": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			clock := newSetClock()
			a := newOffline(t, clock)
			s := memberSession(clock.now.Add(-time.Minute))
			start := clock.now
			for _, i := range order {
				until := start.Add([]time.Duration{24 * time.Hour, time.Hour}[i])
				a.due.note(noticeKey(replica.UserChanged, "user_1"), start.Add(time.Duration(i)*time.Second), until)
			}
			clock.now = start.Add(24*time.Hour - 1)
			assert.True(t, a.isDue(s))
			assert.Equal(t, start.Add(time.Second), a.changesShown("user_1", "org_1").at)
			clock.now = start.Add(24 * time.Hour)
			assert.False(t, a.isDue(s))
		})
	}
}

func TestMarksThatDoNotFitAreCounted(t *testing.T) {
	clock := newSetClock()
	a := newOffline(t, clock)
	a.due = newDueMarks(clock, 8, a.signedOut)
	for i := range 11 {
		a.due.note(noticeKey(replica.UserChanged, "user_"+strconv.Itoa(i)), clock.now, clock.now.Add(time.Hour))
	}
	events := a.Stats().Events
	assert.Equal(t, 8, events.Marks)
	assert.EqualValues(t, 3, events.Forgotten)
	assert.False(t, a.isDue(memberSession(clock.now.Add(-time.Minute))), "the oldest marks are forgotten, that of user_1 too")
	clock.now = clock.now.Add(2 * time.Hour)
	noteUser(a, clock.now)
	assert.EqualValues(t, 3, a.Stats().Events.Forgotten, "marks that have expired do not count")
}

func TestTheLongestLifetimeOfATokenGrows(t *testing.T) {
	l := &lifetimes{}
	now := newSetClock().now
	saw := func(lifetime time.Duration) time.Duration {
		l.saw(&jwks.Claims{IssuedAt: now, ExpiresAt: now.Add(lifetime)})
		return l.longest()
	}
	assert.Equal(t, time.Hour, l.longest())
	assert.Equal(t, time.Hour, saw(5*time.Minute))
	assert.Equal(t, 24*time.Hour, saw(24*time.Hour))
	assert.Equal(t, 24*time.Hour, saw(2*time.Hour), "a shorter one changes nothing")
	l.saw(&jwks.Claims{ExpiresAt: now.Add(48 * time.Hour)})
	assert.Equal(t, 24*time.Hour, l.longest(), "nor does a token without a time of issue")
}

// The token of an exchange shows a change that was known before, unless WorkOS has repeated
// the reply to an earlier exchange.
func TestANewTokenShowsTheChangesThatWereKnownBeforeItsExchange(t *testing.T) {
	now := newSetClock().now
	shown := change{at: now.Add(300 * time.Millisecond), known: now.Add(2 * time.Second)}
	for name, c := range map[string]struct {
		issuedAt, refreshedAt time.Time
		shown                 change
		want                  time.Time
	}{
		"issued in the second of the change":      {issuedAt: now, shown: shown, want: shown.at},
		"issued later":                            {issuedAt: now.Add(time.Second), shown: shown},
		"of a change that is dated ahead":         {issuedAt: now, shown: change{at: now.Add(time.Minute), known: now}, want: now.Add(time.Minute)},
		"issued before one that is dated ahead":   {issuedAt: now.Add(-time.Second), shown: change{at: now.Add(time.Minute), known: now}},
		"no change":                               {issuedAt: now},
		"issued before":                           {issuedAt: now.Add(-time.Second), shown: shown},
		"issued before, a second exchange":        {issuedAt: now.Add(-time.Second), refreshedAt: shown.known, shown: shown, want: shown.at},
		"issued before, an exchange before":       {issuedAt: now.Add(-time.Second), refreshedAt: shown.known.Add(-1), shown: shown},
		"in the second, after a second exchange":  {issuedAt: now, refreshedAt: shown.known.Add(time.Minute), shown: shown, want: shown.at},
		"issued later, after a second exchange":   {issuedAt: now.Add(time.Second), refreshedAt: shown.known.Add(time.Minute), shown: shown},
		"no change, but after a second exchange ": {issuedAt: now, refreshedAt: shown.known.Add(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			old := memberSession(now.Add(-time.Hour))
			old.sealed.RefreshedAt = c.refreshedAt
			token := NewSession(SessionParams{Claims: map[string]any{"iat": c.issuedAt.Unix()}}).AccessToken()
			assert.Equal(t, c.want, currentTo(token, old, c.shown))
		})
	}
	assert.Zero(t, currentTo("no token", memberSession(now), shown))
}
