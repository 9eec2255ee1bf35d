// Tests of what this instance tells others about refresh tokens.

package authkit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/authkit-go/authkit/internal/payload"
	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/jwks"
)

func TestTheAnswerAboutATokenFollowsTheEndOfItsChain(t *testing.T) {
	session := func(token string) *Session {
		return makeSession(payload.Session{RefreshToken: token, AccessToken: payload.NewToken("access of " + token)}, &jwks.Claims{})
	}
	for name, c := range map[string]struct {
		then func(r *rotations)
		kind replica.Kind
	}{
		"the response was lost":            {func(*rotations) {}, replica.Success},
		"the successor was presented":      {func(r *rotations) { r.markDelivered(session("t2")) }, replica.Success},
		"signed out with the cookie of t1": {func(r *rotations) { r.supersede(session("t1")) }, replica.Superseded},
		"signed out with the cookie of t2": {func(r *rotations) { r.supersede(session("t2")) }, replica.Superseded},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRotations(systemClock{})
			r.names = newTokenNames(systemClock{})
			old, next := session("t1"), session("t2")
			r.commitOutcome(old, exchangeTarget{}, nil, exchangeResult{
				outcome: &outcome{sealed: *next.sealed, session: next}, until: time.Now().Add(time.Minute),
			})
			c.then(r)
			known := r.knowledge(replica.Hash("t1"))
			assert.Equal(t, c.kind, known.Kind)
			assert.Equal(t, "t1", known.Token)
		})
	}
	r := newRotations(systemClock{})
	r.names = newTokenNames(systemClock{})
	assert.Equal(t, replica.Knowledge{}, r.knowledge(replica.Hash("unknown")))
}
