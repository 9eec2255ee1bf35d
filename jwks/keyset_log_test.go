// What a KeySet logs.

package jwks_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/jwks"
)

func TestKeyRotationsAndFailedFetchesAreLogged(t *testing.T) {
	var log bytes.Buffer
	e := newEndpoint(t, publish(jwkA()))
	keys, c := newKeySet(e, jwks.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	refresh := func(answer http.HandlerFunc) string {
		log.Reset()
		e.answer(answer)
		c.advance(10 * time.Minute)
		require.NoError(t, keys.Load(t.Context()))
		keys.WaitForFetch()
		return log.String()
	}
	require.NoError(t, keys.Load(t.Context()))
	assert.Empty(t, log.String(), "the first set is not a rotation")

	assert.Empty(t, refresh(publish(jwkA())), "nothing has changed")
	line := refresh(publish(jwkB()))
	assert.Contains(t, line, "level=INFO")
	assert.Contains(t, line, "added=[kid_b] removed=[kid_a]")
	line = refresh(sendStatus(http.StatusTeapot))
	assert.Contains(t, line, "level=WARN")
	assert.Contains(t, line, "418")
	line = refresh(publish(jwkB(), jwkA(), jwkA()))
	assert.Contains(t, line, "level=WARN")
	assert.Contains(t, line, "ambiguous")
	assert.NotContains(t, line, "added")
}

func TestAReplacedKeyIsLogged(t *testing.T) {
	var log bytes.Buffer
	e := newEndpoint(t, publish(jwkA(), jwkB()))
	keys, c := newKeySet(e, jwks.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	require.NoError(t, keys.Load(t.Context()))
	e.answer(publish(jwkA(), jwkA().with("kid", "kid_b")))
	c.advance(10 * time.Minute)
	require.NoError(t, keys.Load(t.Context()))
	keys.WaitForFetch()
	assert.Contains(t, log.String(), "level=INFO")
	assert.Contains(t, log.String(), "added=[] removed=[] replaced=[kid_b]")
}

func TestIgnoredKeysAreLoggedAtWarnOnlyWhenTheyChange(t *testing.T) {
	var log bytes.Buffer
	e := newEndpoint(t, publish(jwkA(), jwkB().with("use", "enc")))
	keys, c := newKeySet(e, jwks.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	level := func(answer http.HandlerFunc) string {
		log.Reset()
		e.answer(answer)
		c.advance(10 * time.Minute)
		require.NoError(t, keys.Load(t.Context()))
		keys.WaitForFetch()
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, "ignored keys") {
				level, _, _ := strings.Cut(line[strings.Index(line, "level="):], " ")
				return level
			}
		}
		return ""
	}
	unusable := jwkB().with("use", "enc")
	require.NoError(t, keys.Load(t.Context()))
	require.Contains(t, log.String(), "level=WARN")
	assert.Equal(t, "level=DEBUG", level(publish(jwkA(), unusable)), "the same")
	assert.Equal(t, "level=DEBUG", level(publish(jwkA(), unusable)), "the same again")
	assert.Equal(t, "level=WARN", level(publish(jwkA(), unusable, unusable)), "one more")
	assert.Equal(t, "level=WARN", level(publish(jwkA(), jwkB().with("alg", "ES256"))), "another reason")
	assert.Empty(t, level(sendStatus(http.StatusTeapot)))
	assert.Equal(t, "level=DEBUG", level(publish(jwkA(), jwkB().with("alg", "ES256"))), "a failed fetch changes nothing")
	assert.Empty(t, level(sendBody("<html>")))
	assert.Equal(t, "level=DEBUG", level(publish(jwkA(), jwkB().with("alg", "ES256"))), "a body that is not a JWK Set changes nothing")
	assert.Empty(t, level(publish(jwkA())))
	assert.Equal(t, "level=WARN", level(publish(jwkA(), unusable)), "unusable keys are back")
}
