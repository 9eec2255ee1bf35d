//go:build unix

// A Redis that fails: it is killed, stopped and flushed, behind a network that delays and drops, and watched by Sentinel.

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// redisServer is a redis-server, or a redis-sentinel, that a test can kill and start again.
type redisServer struct {
	t       *testing.T
	program string
	args    []string
	port    string
	run     *exec.Cmd // nil while it does not run
}

// startServer starts redis-server with the lines of a redis.conf as arguments. It keeps nothing on a disk.
func startServer(t *testing.T, settings ...string) *redisServer {
	t.Helper()
	s := &redisServer{t: t, program: findProgram(t, "redis-server"), port: freePort(t)}
	s.args = append([]string{
		"--bind", "127.0.0.1", "--port", s.port, "--dir", t.TempDir(), "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0",
	}, settings...)
	s.start()
	return s
}

// startSentinel starts a redis-sentinel that watches master under the name authkit.
func startSentinel(t *testing.T, master *redisServer) *redisServer {
	t.Helper()
	s := &redisServer{t: t, program: findProgram(t, "redis-sentinel"), port: freePort(t)}
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil,
		"bind 127.0.0.1\nport %s\nsentinel monitor authkit 127.0.0.1 %s 1\nsentinel down-after-milliseconds authkit 500\nsentinel failover-timeout authkit 5000\n",
		s.port, master.port), 0o600))
	s.args = []string{file}
	s.start()
	return s
}

// findProgram returns the path of a program of Redis. Without it the test is left out, or fails if AUTHKIT_REDIS is "required".
func findProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("AUTHKIT_REDIS") == "required" {
			t.Fatalf("%s is not installed, and AUTHKIT_REDIS is required", name)
		}
		t.Skipf("%s is not installed: the test with a Redis that fails is left out", name)
	}
	return path
}

// start starts the server, empty, on the same port as before.
func (s *redisServer) start() {
	s.t.Helper()
	run := exec.Command(s.program, s.args...)
	require.NoError(s.t, run.Start())
	s.run = run
	s.t.Cleanup(func() {
		_ = run.Process.Kill()
		_ = run.Wait()
	})
	require.Eventually(s.t, func() bool {
		client := s.client()
		defer client.Close()
		return client.Ping(s.t.Context()).Err() == nil
	}, 10*time.Second, 5*time.Millisecond, "%s answers", s.program)
}

// kill ends the server as a crash does.
func (s *redisServer) kill() {
	_ = s.run.Process.Kill()
	_ = s.run.Wait()
}

// stop makes the server hang, with its connections open, until resume.
func (s *redisServer) stop()   { require.NoError(s.t, s.run.Process.Signal(syscall.SIGSTOP)) }
func (s *redisServer) resume() { require.NoError(s.t, s.run.Process.Signal(syscall.SIGCONT)) }

func (s *redisServer) addr() string { return "127.0.0.1:" + s.port }

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
