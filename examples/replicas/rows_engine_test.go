//go:build unix

// A Redis that fails: it is killed, stopped and flushed, behind a network that delays and drops, and watched by Sentinel.

package main

import (
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

// redisServer is a redis-server, or a redis-sentinel, that a test can kill and start again.
type redisServer struct {
	*testserver.Server
	t *testing.T
}

// startServer starts redis-server with settings, as testserver.Redis describes them.
func startServer(t *testing.T, settings ...string) *redisServer {
	t.Helper()
	return &redisServer{startProgram(t, testserver.Redis(findProgram(t, "redis-server"), t.TempDir(), settings...)), t}
}

// startSentinel starts a redis-sentinel that watches master under the name authkit.
func startSentinel(t *testing.T, master *redisServer) *redisServer {
	t.Helper()
	return &redisServer{startProgram(t, testserver.Sentinel(findProgram(t, "redis-sentinel"), t.TempDir(), master.Port)), t}
}

// findProgram returns the path of a program of Redis. Without it the test is left out, or fails if AUTHKIT_REDIS is "required".
func findProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("AUTHKIT_REDIS") == "required" {
			t.Fatalf("%s is not installed, and AUTHKIT_REDIS is required", name)
		}
		t.Skipf("%s is not installed: the test with a store on Redis is left out", name)
	}
	return path
}

// restart kills the server, if it runs, and starts it on the same port. It is empty then.
func (s *redisServer) restart() {
	s.t.Helper()
	require.NoError(s.t, s.Restart())
}

// stop makes the server hang, with its connections open, until resume.
func (s *redisServer) stop()   { require.NoError(s.t, s.Signal(syscall.SIGSTOP)) }
func (s *redisServer) resume() { require.NoError(s.t, s.Signal(syscall.SIGCONT)) }

func (s *redisServer) addr() string { return s.Port.Addr() }

func (s *redisServer) engine() engine { return engine{redisURL, "redis://" + s.addr()} }

func (s *redisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.addr(), MaxRetries: -1})
}

// do sends a command and returns its reply.
func (s *redisServer) do(args ...any) any {
	s.t.Helper()
	client := s.client()
	defer client.Close()
	reply, err := client.Do(s.t.Context(), args...).Result()
	require.NoError(s.t, err, "%v", args)
	return reply
}

// info returns a number of INFO.
func (s *redisServer) info(name string) int {
	s.t.Helper()
	_, rest, found := strings.Cut(s.do("INFO", "all").(string), "\n"+name+":")
	require.True(s.t, found, name)
	n, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]))
	require.NoError(s.t, err)
	return n
}

// network is a TCP proxy in front of a server.
type network struct {
	target string

	mu       sync.Mutex // guards everything below
	changed  *sync.Cond
	delay    time.Duration // of each piece of a request and of a reply
	dropping bool          // nothing passes, and connections stay open
	open     map[net.Conn]bool
}

func startNetwork(t *testing.T, target string) (n *network, addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	n = &network{target: target, open: map[net.Conn]bool{}}
	n.changed = sync.NewCond(&n.mu)
	go n.accept(listener)
	t.Cleanup(func() {
		_ = listener.Close()
		n.set(0, false)
		n.cut()
	})
	return n, listener.Addr().String()
}

func (n *network) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", n.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		n.mu.Lock()
		n.open[client], n.open[server] = true, true
		n.mu.Unlock()
		go n.pass(server, client)
		go n.pass(client, server)
	}
}

func (n *network) pass(to, from net.Conn) {
	defer func() {
		_ = to.Close()
		_ = from.Close()
		n.mu.Lock()
		delete(n.open, from)
		n.mu.Unlock()
	}()
	piece := make([]byte, 64<<10)
	for {
		size, err := from.Read(piece)
		if err != nil {
			return
		}
		n.mu.Lock()
		for n.dropping {
			n.changed.Wait()
		}
		delay := n.delay
		n.mu.Unlock()
		if delay > 0 {
			<-time.After(delay)
		}
		if _, err := to.Write(piece[:size]); err != nil {
			return
		}
	}
}

func (n *network) set(delay time.Duration, dropping bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.delay, n.dropping = delay, dropping
	n.changed.Broadcast()
}

// cut closes all connections.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		_ = c.Close()
	}
}
