// A Redis Cluster of three masters and three replicas.

package redisstore

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startCluster starts a cluster and waits until every node has joined.
func startCluster(t *testing.T) []*server {
	t.Helper()
	cli := binary(t, "redis-cli")
	create := []string{"--cluster", "create"}
	var nodes []*server
	for range 6 {
		n := startRedis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--repl-ping-replica-period", "1")
		nodes = append(nodes, n)
		create = append(create, n.addr)
	}
	out, err := exec.Command(cli, append(create, "--cluster-replicas", "1", "--cluster-yes")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, n := range nodes {
		require.Eventually(t, func() bool {
			return strings.Contains(n.do("CLUSTER", "INFO").(string), "cluster_state:ok") &&
				strings.Count(n.do("CLUSTER", "NODES").(string), "slave") == 3 &&
				(n.isMaster() || strings.Contains(n.do("INFO", "replication").(string), "master_link_status:up"))
		}, time.Minute, 20*time.Millisecond, "a node has not joined")
	}
	return nodes
}

func (s *server) isMaster() bool { return s.do("ROLE").([]any)[0] == "master" }

func TestTheRedisStoreWorksInACluster(t *testing.T) {
	t.Parallel()
	nodes := startCluster(t)
	for name, change := range map[string]func(*redis.ClusterOptions){
		"default":               func(*redis.ClusterOptions) {},
		"reads from replicas":   func(o *redis.ClusterOptions) { o.ReadOnly = true },
		"reads by latency":      func(o *redis.ClusterOptions) { o.ReadOnly, o.RouteByLatency = true, true },
		"reads from any node":   func(o *redis.ClusterOptions) { o.ReadOnly, o.RouteRandomly = true, true },
		"one slot for all keys": func(*redis.ClusterOptions) {},
	} {
		t.Run(name, func(t *testing.T) {
			prefix := strings.ReplaceAll(name, " ", "-") + ":"
			if strings.HasPrefix(name, "one slot") {
				prefix = "{" + prefix + "}"
			}
			s := clusterStore(t, nodes, change, WithPrefix(prefix))
			f := follow(t, s)
			var want []string
			for i := range 30 {
				key, value := fmt.Sprint("x:", i), fmt.Append(nil, i)
				_, _, swapped, err := s.Swap(t.Context(), key, nil, value, time.Minute)
				require.NoError(t, err)
				require.True(t, swapped)
				got, _, _, err := s.Get(t.Context(), key)
				require.NoError(t, err)
				require.Equal(t, value, got)
				require.NoError(t, s.Append(t.Context(), value))
				want = append(want, string(value))
			}
			f.requireNotices(want...)
			f.awaitRounds(1)
		})
	}
	for _, n := range nodes {
		assert.Greater(t, n.do("DBSIZE"), int64(5), "keys are on every node")
	}

	t.Run("a user with the documented rights", func(t *testing.T) {
		user := append([]any{"ACL", "SETUSER", "authkit", "on", ">secret-password"}, documentedACL(t)...)
		for _, n := range nodes {
			n.do(append(user, "+cluster|slots", "+command", "+readonly", "+ping")...)
			n.do("ACL", "LOG", "RESET")
		}
		s := clusterStore(t, nodes, func(o *redis.ClusterOptions) {
			o.Username, o.Password, o.ReadOnly = "authkit", "secret-password", true
		}, WithPrefix("authkit:user:"))
		f := follow(t, s)
		for i := range 10 {
			_, _, swapped, err := s.Swap(t.Context(), fmt.Sprint("x:", i), nil, []byte("a"), time.Minute)
			require.NoError(t, err)
			require.True(t, swapped)
		}
		require.NoError(t, s.Append(t.Context(), []byte("n")))
		f.requireNotices("n")
		f.awaitRounds(1)
		for _, n := range nodes {
			for _, refusal := range n.do("ACL", "LOG").([]any) {
				assert.Contains(t, fmt.Sprint(refusal), "maint_notifications", "go-redis asks for it, and works without it")
			}
		}
	})

	t.Run("failover of the log's node", func(t *testing.T) {
		s := clusterStore(t, nodes, func(*redis.ClusterOptions) {})
		require.NoError(t, s.Append(t.Context(), []byte("1")))
		f := follow(t, s)
		for _, n := range nodes {
			if n.isMaster() && len(n.do("KEYS", "authkit:log").([]any)) == 1 {
				require.Equal(t, int64(1), n.do("WAIT", 1, 5000))
				n.Kill()
				break
			}
		}
		require.Eventually(t, func() bool {
			return s.Append(within(t, time.Second), []byte("2")) == nil
		}, time.Minute, 50*time.Millisecond)
		require.Eventually(t, func() bool {
			if len(f.ended) > 0 { // allowed: the next follower gets the whole log
				f = startFollower(t, s)
			}
			read := f.read()
			return len(read) > 1 && read[0] == "1" && read[len(read)-1] == "2"
		}, time.Minute, 50*time.Millisecond)
	})
}

func clusterStore(t *testing.T, nodes []*server, change func(*redis.ClusterOptions), opts ...Option) *Store {
	t.Helper()
	o := &redis.ClusterOptions{}
	for _, n := range nodes {
		o.Addrs = append(o.Addrs, n.addr)
	}
	change(o)
	made := &madeNodes{}
	o.Dialer = made.dial
	client := redis.NewClusterClient(o)
	client.OnNewNode(made.add)
	t.Cleanup(func() { _ = client.Close() })
	return newStore(t, client, opts...)
}

// madeNodes are the nodes that a client has made. With RouteByLatency, go-redis 9.22 measures a node on a goroutine, which could
// connect while the client still sets a field of the node. That is a data race. So a connection waits until the node is made.
type madeNodes struct {
	nodes sync.Map // by address, a channel that is closed when the node is made
}

func (m *madeNodes) made(addr string) chan struct{} {
	made, _ := m.nodes.LoadOrStore(addr, make(chan struct{}))
	return made.(chan struct{})
}

// add is called for each new node, after what the client itself does with it. It is called again if a node was forgotten.
func (m *madeNodes) add(node *redis.Client) {
	made := m.made(node.Options().Addr)
	select {
	case <-made:
	default:
		close(made)
	}
}

func (m *madeNodes) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	select {
	case <-m.made(addr):
		return (&net.Dialer{}).DialContext(ctx, network, addr)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
