// A user of Redis that has only the documented rights.

package redisstore

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// documentedACL returns the rules that doc.go and README.md name.
func documentedACL(t *testing.T) []any {
	t.Helper()
	for _, file := range []string{"doc.go", "README.md"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var rules []any
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(strings.TrimPrefix(line, "//"))
			if strings.HasPrefix(line, "resetkeys") || strings.HasPrefix(line, "+") {
				for _, rule := range strings.Fields(line) {
					rules = append(rules, rule)
				}
			}
		}
		require.NotEmpty(t, rules, file)
		if file == "README.md" {
			return rules
		}
	}
	return nil
}

func TestTheDocumentedRedisACLSuffices(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	rules := documentedACL(t)
	r.do(append([]any{"ACL", "SETUSER", "authkit", "on", ">secret-password"}, rules...)...)
	login := func(o *redis.Options) { o.Username, o.Password = "authkit", "secret-password" }
	s := newStore(t, r.client(login))
	f := follow(t, s)
	for _, old := range [][]byte{nil, []byte("a")} { // the first time, the server does not know the scripts
		_, _, swapped, err := s.Swap(t.Context(), "x:1", old, []byte("a"), time.Minute)
		require.NoError(t, err)
		require.True(t, swapped)
		_, _, found, err := s.Get(t.Context(), "x:1")
		require.NoError(t, err)
		require.True(t, found)
		_, _, swapped, err = s.Swap(t.Context(), "x:1", nil, []byte("b"), time.Minute)
		require.NoError(t, err)
		require.False(t, swapped)
		require.NoError(t, s.Append(t.Context(), []byte("n")))
	}
	_, _, swapped, err := s.Swap(t.Context(), "x:1", []byte("a"), nil, 0)
	require.NoError(t, err)
	require.True(t, swapped)
	f.requireNotices("n", "n")

	_, _, _, err = newStore(t, r.client(login), WithPrefix("other:")).Get(t.Context(), "x:1")
	assert.ErrorContains(t, err, "keys", "other keys are not allowed")
	_, err = r.client(login).FlushAll(t.Context()).Result()
	assert.ErrorContains(t, err, "NOPERM")

	wrong := newStore(t, r.client(func(o *redis.Options) { o.Username, o.Password = "authkit", "wrong-password" }))
	_, _, _, err = wrong.Get(t.Context(), "x:1")
	require.ErrorContains(t, err, "WRONGPASS")
	assert.NotContains(t, err.Error(), "wrong-password")
}

// The Store uses each right of the documented ACL that is not for go-redis itself.
func TestTheDocumentedRedisACLIsMinimal(t *testing.T) {
	t.Parallel()
	r := startRedis(t)
	s := newStore(t, r.client())
	follow(t, s).awaitRounds(1)
	_, _, _, err := s.Swap(t.Context(), "x:1", nil, []byte("a"), time.Minute)
	require.NoError(t, err)
	_, _, _, err = s.Get(t.Context(), "x:1")
	require.NoError(t, err)
	_, _, _, err = s.Swap(t.Context(), "x:1", []byte("a"), nil, 0)
	require.NoError(t, err)
	require.NoError(t, s.Append(t.Context(), []byte("n")))

	ofClient := []string{"hello", "ping", "command", "readonly"}
	for _, rule := range documentedACL(t) {
		command, isCommand := strings.CutPrefix(rule.(string), "+")
		if isCommand && !strings.Contains(command, "|") && !slices.Contains(ofClient, command) {
			assert.NotZero(t, r.calls(command), "%s is not used", command)
		}
	}
}
