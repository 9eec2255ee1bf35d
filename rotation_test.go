package authkit

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

func TestSessionsThatCannotBeRenewedAreToldApart(t *testing.T) {
	f := newRotations(newSetClock())
	kims, lees := makeSession(payload.Session{AccessToken: "kim"}, &jwks.Claims{}), makeSession(payload.Session{AccessToken: "lee"}, &jwks.Claims{})
	f.supersede(kims)
	assert.False(t, f.isSpent(lees))
	assert.False(t, f.isSuperseded(lees))
}

// A request looked before another one's exchange, and its turn comes after it.
func TestAnExchangeThatWasMadeMeanwhileIsNotMadeAgain(t *testing.T) {
	f := newRotations(newSetClock())
	f.linkSuccessor("a", "b")
	session := makeSession(payload.Session{AccessToken: "1", RefreshToken: "a"}, &jwks.Claims{})
	assert.Nil(t, f.runExchange(t.Context(), session, exchangeTarget{}, func(context.Context, *Session, exchangeTarget, *outcome) exchangeResult {
		assert.Fail(t, "the refresh token is spent")
		return exchangeResult{}
	}))
	latest, _ := f.findOutcome(session, exchangeTarget{})
	assert.Equal(t, "b", latest.sealed.RefreshToken)
}

// isSpent reports whether no cookie may bring the session back.
func (f *rotations) isSpent(s *Session) bool {
	_, spent := f.consumed.Get(s.sealed.RefreshToken)
	return spent
}

// isSuperseded reports whether the browser is known to have something else.
func (f *rotations) isSuperseded(s *Session) bool { return !f.mayClear(s, f.counts, 0) }

// WorkOS hands out no refresh token twice; whatever does must not lead a
// request in a circle.
func TestNoWayFromTokenToTokenLeadsBack(t *testing.T) {
	clock := newSetClock()
	sessionOf := func(accessToken, refreshToken string) *Session {
		return makeSession(payload.Session{AccessToken: accessToken, RefreshToken: refreshToken}, &jwks.Claims{})
	}
	exchange := func(f *rotations, old, next *Session, remembered bool) {
		f.linkSuccessor(old.sealed.RefreshToken, next.sealed.RefreshToken)
		if remembered {
			f.storeOutcome(old, &outcome{sealed: *next.sealed, session: next}, clock.now.Add(time.Minute))
		}
	}
	first, second, again := sessionOf("1", "a"), sessionOf("2", "b"), sessionOf("3", "a")
	for _, remembered := range []bool{true, false} {
		f := newRotations(clock)
		exchange(f, first, second, remembered)
		assert.Equal(t, "b", f.newestSuccessor(first).sealed.RefreshToken)
		exchange(f, second, again, remembered)
		assert.Equal(t, "a", f.newestSuccessor(second).sealed.RefreshToken)
		assert.Same(t, again, f.newestSuccessor(again))
		found, next := f.findOutcome(again, exchangeTarget{})
		assert.Same(t, again, found)
		assert.Nil(t, next)
		assert.False(t, f.isSpent(again))
		assert.True(t, f.isSpent(second))
	}
}

// heavySession is a session with 12 KB of metadata and the rights of many roles.
func heavySession(i int, organization string) *Session {
	sealed := payload.Session{
		AccessToken:  strings.Repeat("t", 2000) + strconv.Itoa(i),
		RefreshToken: "refresh-token-" + strconv.Itoa(i),
	}
	metadata := map[string]string{}
	for field := range 10 {
		metadata["field-"+strconv.Itoa(field)] = strings.Repeat(strconv.Itoa(i%10), 1200)
	}
	sealed.SetUser(workos.User{Metadata: metadata})
	claims := &jwks.Claims{SessionID: "session_1", OrganizationID: organization}
	for right := range 50 {
		claims.Permissions = append(claims.Permissions, "p"+strconv.Itoa(i)+":"+strconv.Itoa(right))
	}
	return makeSession(sealed, claims)
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func TestWhatExchangesCameToIsBoundedInBytes(t *testing.T) {
	clock := newSetClock()
	f := newRotations(clock)
	before := heap()
	session := heavySession(0, "org_0")
	middle := session
	for i := range 9000 {
		organization := "org_" + strconv.Itoa(i%2)
		next, err := f.exchange(t.Context(), session, exchangeTarget{organization, true}, func(_ context.Context, old *Session, want exchangeTarget, _ *outcome) exchangeResult {
			next := heavySession(i+1, want.organization)
			return exchangeResult{
				outcome: &outcome{target: want, sealed: *next.sealed, session: next, text: strings.Repeat("s", 18_000) + strconv.Itoa(i)},
				until:   clock.now.Add(time.Hour),
			}
		})
		require.NoError(t, err)
		session = next.session
		if i == 8500 {
			middle = session
		}
	}
	grown := heap() - before
	assert.Greater(t, f.outcomes.Bytes(), outcomeBytes/2, "what is there is remembered")
	assert.LessOrEqual(t, f.outcomes.Bytes(), outcomeBytes)
	counted := f.outcomes.Bytes() + f.successors.Bytes() + f.predecessors.Bytes() + f.consumed.Bytes() + f.refusals.outcomes.Bytes() + f.refusals.counts.Bytes()
	assert.LessOrEqual(t, counted, 64<<20)
	assert.Less(t, grown, counted*5/4, "the sizes are honest")

	latest, known := f.findOutcome(middle, exchangeTarget{organization: middle.OrganizationID()})
	assert.Equal(t, "session_1", latest.ID())
	require.NotNil(t, known, "nearly all outcomes left early; those that did not are found")
	assert.Equal(t, "session_1", known.session.ID())
	runtime.KeepAlive(f)
}

func TestTheMarksOfExchangesAreBoundedInBytes(t *testing.T) {
	assert.LessOrEqual(t, outcomeBytes+3*tokenBytes+refusalBytes+refusalCountBytes, 64<<20)
	f := newRotations(newSetClock())
	long := strings.Repeat("x", 4000)
	for i := range 20_000 {
		f.linkSuccessor(long+strconv.Itoa(i), long+strconv.Itoa(i+1))
	}
	for _, bytes := range []int{f.successors.Bytes(), f.predecessors.Bytes(), f.consumed.Bytes()} {
		assert.Greater(t, bytes, tokenBytes/2)
		assert.LessOrEqual(t, bytes, tokenBytes)
	}
}

// A reply of WorkOS may have a megabyte, and is kept in the error.
func TestARefusalIsCountedWithTheReplyThatItKeeps(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"code":"some_code","padding":"`+strings.Repeat("x", 900_000)+`"}`)
	}))
	defer server.Close()
	client, err := workos.NewClient("client_1", workos.WithBaseURL(server.URL))
	require.NoError(t, err)
	_, refused := client.AuthenticateWithRefreshToken(t.Context(), workos.AuthenticateWithRefreshTokenParams{RefreshToken: "r"})
	require.Equal(t, "some_code", workos.ErrorCode(refused))

	clock := newSetClock()
	f := newRotations(clock)
	for i := range 100 {
		session := heavySession(i, "org_0")
		want := exchangeTarget{"org_" + strconv.Itoa(i), i%2 == 0}
		f.commitOutcome(session, want, nil, exchangeResult{outcome: failedOutcome(session, want, fmt.Errorf("%w: %w", errRefreshRefused, refused)), until: clock.now.Add(time.Hour)})
	}
	assert.LessOrEqual(t, f.refusals.outcomes.Len()*900_000, refusalBytes)
	assert.LessOrEqual(t, f.outcomes.Len()*900_000, outcomeBytes)
	assert.NotZero(t, f.refusals.outcomes.Len())
	assert.NotZero(t, f.outcomes.Len())
}

func TestARefusalIsOneOfASessionSinceItsSignIn(t *testing.T) {
	signedIn := func(at time.Time) *Session {
		return makeSession(payload.Session{RefreshToken: "r", SignedInAt: at}, &jwks.Claims{SessionID: "session_1"})
	}
	clock := newSetClock()
	f := newRotations(clock)
	want := exchangeTarget{"org_1", true}
	before := signedIn(clock.now)
	f.commitOutcome(before, want, nil, exchangeResult{outcome: failedOutcome(before, want, errRefreshRefused), until: clock.now.Add(time.Minute)})
	_, known := f.findOutcome(before, want)
	require.NotNil(t, known)
	assert.ErrorIs(t, known.err, errRefreshRefused)
	_, known = f.findOutcome(signedIn(clock.now.Add(time.Second)), want)
	assert.Nil(t, known, "AuthKit may have signed the person in to the same WorkOS session")
}

// WorkOS answered with a session, in another organization than was asked for.
func TestAnAnswerWithAnotherOrganizationCountsAsARefusedTry(t *testing.T) {
	clock := newSetClock()
	f := newRotations(clock)
	session := heavySession(0, "org_0")
	exchanges := 0
	for i := range 3 * maxRefusals {
		want := exchangeTarget{"org_x" + strconv.Itoa(i), true}
		next, err := f.exchange(t.Context(), session, want, func(_ context.Context, _ *Session, want exchangeTarget, _ *outcome) exchangeResult {
			exchanges++
			next := heavySession(exchanges, "org_0")
			return exchangeResult{outcome: &outcome{target: want, sealed: *next.sealed, session: next}, until: clock.now.Add(time.Hour)}
		})
		if err == nil {
			session = next.session
		}
	}
	assert.Equal(t, maxRefusals, exchanges)
}

// A server that hands out an old refresh token again makes no circle of what is
// replaced: the token is in use.
func TestATokenThatIsHandedOutASecondTimeIsNotReplacedByItself(t *testing.T) {
	f := newRotations(newSetClock())
	for _, step := range [][2]string{{"a", "b"}, {"b", "c"}, {"c", "a"}} {
		f.linkSuccessor(step[0], step[1])
	}
	again := makeSession(payload.Session{AccessToken: "4", RefreshToken: "a"}, &jwks.Claims{})
	f.markDelivered(again)
	assert.False(t, f.isSpent(again))
	assert.False(t, f.isSuperseded(again))
	f.forgetPredecessors(again)
	assert.Equal(t, "a", f.newestSuccessor(again).sealed.RefreshToken)
}

// Everything that a rotation consists of is changed and read at once; the race
// detector watches, and nobody ever gets another's session.
func TestWhatBecameOfARefreshTokenIsReadAndWrittenAtOnce(t *testing.T) {
	f := newRotations(newSetClock())
	first := makeSession(payload.Session{AccessToken: "0", RefreshToken: "r0"}, &jwks.Claims{SessionID: "session_1"})
	var exchanges atomic.Int64
	exchange := func(_ context.Context, old *Session, want exchangeTarget, _ *outcome) exchangeResult {
		n := strconv.FormatInt(exchanges.Add(1), 10)
		next := makeSession(payload.Session{AccessToken: n, RefreshToken: "r" + n}, &jwks.Claims{SessionID: old.ID(), OrganizationID: want.organization})
		return exchangeResult{outcome: &outcome{target: want, sealed: *next.sealed, session: next}, until: f.clock.Now().Add(time.Hour)}
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				next, err := f.exchange(t.Context(), first, exchangeTarget{organization: ""}, exchange)
				if assert.NoError(t, err) {
					assert.Equal(t, "session_1", next.session.ID())
				}
				newest, _ := f.newest(first)
				switch i {
				case 0:
					f.markDelivered(newest)
				case 1:
					f.supersede(newest)
				case 2:
					f.forgetPredecessors(newest)
				case 3:
					f.claimClear(newest, f.currentCounts(), 0)
				}
			}
		})
	}
	wg.Wait()
	assert.Positive(t, exchanges.Load())
}

// The refresh of a session was refused, then a switch of it was made, and its
// token could not be verified yet.
func TestAnExchangeForgetsARefusalBeforeIt(t *testing.T) {
	clock := newSetClock()
	f := newRotations(clock)
	session := heavySession(0, "org_0")
	refresh, change := exchangeTarget{organization: "org_0"}, exchangeTarget{"org_1", true}
	f.commitOutcome(session, refresh, nil, exchangeResult{outcome: failedOutcome(session, refresh, errRefreshRefused), until: clock.now.Add(time.Minute)})
	unverified := &outcome{target: change, sealed: *heavySession(1, "org_1").sealed}
	f.commitOutcome(session, change, nil, exchangeResult{outcome: unverified, until: clock.now.Add(time.Hour)})
	latest, known := f.findOutcome(session, refresh)
	assert.Equal(t, "refresh-token-1", latest.sealed.RefreshToken)
	assert.Same(t, unverified, known)
}
