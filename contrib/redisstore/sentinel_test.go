// Redis with a replica, and with Sentinel, which promotes it.

package redisstore

import (
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

// startSentinel starts a redis-sentinel that watches master under the name authkit.
func startSentinel(t *testing.T, master *server) *server {
	t.Helper()
	return startProgram(t, testserver.Sentinel(binary(t, "redis-sentinel"), t.TempDir(), master.Port))
}

// startReplica starts a replica of master and waits for its first copy.
func startReplica(t *testing.T, master *server) *server {
	t.Helper()
	r := startRedis(t, "--replicaof", "127.0.0.1 "+master.Port.String(), "--repl-ping-replica-period", "1")
	require.Eventually(t, func() bool {
		return strings.Contains(r.do("INFO", "replication").(string), "master_link_status:up")
	}, time.Minute, 10*time.Millisecond, "the replica has no copy")
	return r
}

// pauseReplication makes master refuse its replicas. It still serves clients.
func (s *server) pauseReplication() {
	s.do("ACL", "SETUSER", "default", "-psync", "-sync")
	s.do("CLIENT", "KILL", "TYPE", "replica")
}

func TestASentinelFailoverWithALostTailEndsFollow(t *testing.T) {
	t.Parallel()
	master := startRedis(t)
	replica := startReplica(t, master)
	sentinel := startSentinel(t, master)
	require.Eventually(t, func() bool {
		return len(sentinel.do("SENTINEL", "REPLICAS", "authkit").([]any)) == 1
	}, time.Minute, 20*time.Millisecond, "Sentinel asks the master every ten seconds")

	client := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "authkit", SentinelAddrs: []string{sentinel.addr}})
	t.Cleanup(func() { _ = client.Close() })
	s := newStore(t, client)
	require.NoError(t, s.Append(t.Context(), []byte("1")))
	_, _, _, err := s.Swap(t.Context(), "x:1", nil, []byte("replicated"), time.Minute)
	require.NoError(t, err)
	require.Equal(t, int64(1), master.do("WAIT", 1, 5000), "replicas that have everything")
	f := follow(t, s)

	master.pauseReplication()
	require.NoError(t, s.Append(t.Context(), []byte("lost")))
	_, _, _, err = s.Swap(t.Context(), "x:2", nil, []byte("lost"), time.Minute)
	require.NoError(t, err)
	f.requireNotices("1", "lost")
	master.Kill()
	require.Error(t, f.awaitEnd(15*time.Second))

	require.Eventually(t, func() bool {
		return strings.Contains(replica.do("ROLE").([]any)[0].(string), "master")
	}, time.Minute, 20*time.Millisecond, "the replica is not promoted")
	require.Eventually(t, func() bool {
		return s.Append(within(t, time.Second), []byte("2")) == nil
	}, time.Minute, 50*time.Millisecond)
	second := follow(t, s)
	require.Equal(t, "1", second.read()[0])
	assert.NotContains(t, second.read(), "lost")
	assert.Contains(t, second.read(), "2")
	value, _, _, err := s.Get(t.Context(), "x:1")
	require.NoError(t, err)
	assert.Equal(t, "replicated", string(value))
	_, _, found, err := s.Get(t.Context(), "x:2")
	require.NoError(t, err)
	assert.False(t, found)
}

// The address of the master moves to a replica without the last notices. go-redis
// connects to it without an error.
func TestARedisReplicaThatLacksNoticesEndsFollow(t *testing.T) {
	t.Parallel()
	for name, after := range map[string][]string{
		"and no notice is added":                 nil,
		"and notices are added":                  {"4"},
		"and more notices are added than it had": {"4", "5", "6", "7"},
	} {
		t.Run(name, func(t *testing.T) {
			master := startRedis(t)
			replica := startReplica(t, master)
			p := startProxy(t, master.addr)
			s := newStore(t, p.client())
			require.NoError(t, s.Append(t.Context(), []byte("1")))
			require.Equal(t, int64(1), master.do("WAIT", 1, 5000))
			f := follow(t, s)
			master.pauseReplication()
			require.NoError(t, s.Append(t.Context(), []byte("2")))
			require.NoError(t, s.Append(t.Context(), []byte("3")))
			f.requireNotices("1", "2", "3")

			replica.do("REPLICAOF", "NO", "ONE")
			other := newStore(t, replica.client())
			for _, n := range after {
				require.NoError(t, other.Append(t.Context(), []byte(n)))
			}
			p.moveTo(replica.addr)
			assert.ErrorIs(t, f.awaitEnd(20*time.Second), errLost)
			f.requireNotices("1", "2", "3")
			requireWholeLog(t, s, append([]string{"1"}, after...)...)
		})
	}
}

func TestARedisReplicaIsNotRead(t *testing.T) {
	t.Parallel()
	master := startRedis(t)
	s := newStore(t, master.client())
	_, _, _, err := s.Swap(t.Context(), "x:1", nil, []byte("a"), time.Minute)
	require.NoError(t, err)
	require.NoError(t, s.Append(t.Context(), []byte("1")))
	s = newStore(t, startReplica(t, master).client())
	_, _, _, get := s.Get(t.Context(), "x:1")
	_, _, _, missing := s.Get(t.Context(), "x:2")
	_, _, _, swap := s.Swap(t.Context(), "x:1", nil, []byte("b"), time.Minute)
	_, _, _, remove := s.Swap(t.Context(), "x:2", nil, nil, 0)
	for name, err := range map[string]error{
		"Get": get, "Get of nothing": missing, "Swap": swap, "Swap that removes": remove,
		"Append": s.Append(t.Context(), []byte("2")),
		"Follow": s.Follow(t.Context(), func([]byte) { t.Error("a notice") }, func() { t.Error("caught up") }),
	} {
		assert.ErrorContains(t, err, "READONLY", name)
	}
}
