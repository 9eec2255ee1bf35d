// Refused switches: what is remembered of them, for how long and how much.

package authkit

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// A reply of WorkOS may have a megabyte, and the error holds it.
func TestTheSizeOfARefusalIncludesTheReplyOfWorkOS(t *testing.T) {
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
	r := newRotations(clock)
	for i := range testrun.Length(45, 100) { // 45 replies are larger than outcomeBytes
		session := heavySession(i, "org_0")
		want := exchangeTarget{"org_" + strconv.Itoa(i), i%2 == 0}
		r.commitOutcome(session, want, nil, exchangeResult{outcome: failedOutcome(session, want, fmt.Errorf("%w: %w", errRefreshRefused, refused)), until: clock.now.Add(time.Hour)})
	}
	assert.LessOrEqual(t, r.refusals.outcomes.Len()*900_000, refusalBytes)
	assert.LessOrEqual(t, r.outcomes.Len()*900_000, outcomeBytes)
	assert.NotZero(t, r.refusals.outcomes.Len())
	assert.NotZero(t, r.outcomes.Len())
}

func TestARefusedSwitchIsForgottenAfterANewSignIn(t *testing.T) {
	signedIn := func(at time.Time) *Session {
		return makeSession(payload.Session{RefreshToken: "r", SignedInAt: at}, &jwks.Claims{SessionID: "session_1"})
	}
	clock := newSetClock()
	r := newRotations(clock)
	want := exchangeTarget{"org_1", true}
	before := signedIn(clock.now)
	r.commitOutcome(before, want, nil, exchangeResult{outcome: failedOutcome(before, want, errRefreshRefused), until: clock.now.Add(time.Minute)})
	_, known := r.findOutcome(before, want)
	require.NotNil(t, known)
	assert.ErrorIs(t, known.err, errRefreshRefused)
	_, known = r.findOutcome(signedIn(clock.now.Add(time.Second)), want)
	assert.Nil(t, known, "the new sign-in may satisfy the organization")
}

// WorkOS answers each switch with a session in another organization.
func TestASwitchIntoAnotherOrganizationCountsAsARefusal(t *testing.T) {
	clock := newSetClock()
	r := newRotations(clock)
	session := heavySession(0, "org_0")
	exchanges := 0
	for i := range 3 * maxRefusals {
		want := exchangeTarget{"org_x" + strconv.Itoa(i), true}
		next, err := r.exchange(t.Context(), session, want, func(_ context.Context, _ *Session, want exchangeTarget, _ *outcome) exchangeResult {
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
