// Real Redis servers for the tests: started on a free port, stopped and killed.

package redisstore

import (
	"bytes"
	"context"
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

// server is a redis-server, or a redis-sentinel, on localhost.
type server struct {
	t      *testing.T
	binary string
	args   []string
	addr   string
	port   string
	dir    string
	output *output
	run    *exec.Cmd
}

// output collects what a server prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// binary returns the path of a program of Redis. Without it the test is skipped, or
// fails if AUTHKIT_REDIS is required.
func binary(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("AUTHKIT_REDIS") == "required" {
			t.Fatalf("%s is not installed, and AUTHKIT_REDIS is required", name)
		}
		t.Skipf("%s is not installed: this test needs a real server", name)
	}
	return path
}

// startRedis starts a redis-server with settings, which are the lines of a
// redis.conf as arguments: "--maxmemory", "3mb". It keeps nothing on disk.
func startRedis(t *testing.T, settings ...string) *server {
	t.Helper()
	args := append([]string{"--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"}, settings...)
	s := &server{t: t, binary: binary(t, "redis-server"), dir: t.TempDir(), output: &output{}, args: args}
	s.port = freePort(t)
	s.addr = "127.0.0.1:" + s.port
	if !strings.Contains(strings.Join(settings, " "), "--port 0") {
		s.args = append(s.args, "--port", s.port)
	}
	s.start()
	t.Cleanup(s.kill)
	return s
}

// start starts the server, also after kill, on the same port. A restarted server is
// empty.
func (s *server) start() {
	s.t.Helper()
	s.run = exec.Command(s.binary, s.args...)
	s.run.Dir = s.dir
	s.run.Stdout, s.run.Stderr = s.output, s.output
	require.NoError(s.t, s.run.Start())
	deadline := time.Now().Add(10 * time.Second)
	for {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			require.NoError(s.t, c.Close())
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not listen on %s:\n%s", filepath.Base(s.binary), s.addr, s.output)
		}
		<-time.After(5 * time.Millisecond)
	}
}

// kill ends the server as a crash does.
func (s *server) kill() {
	if s.run == nil {
		return
	}
	_ = s.run.Process.Kill()
	_ = s.run.Wait()
	s.run = nil
}

// stop makes the server hang, with its connections open, until resume.
func (s *server) stop()   { require.NoError(s.t, s.run.Process.Signal(syscall.SIGSTOP)) }
func (s *server) resume() { require.NoError(s.t, s.run.Process.Signal(syscall.SIGCONT)) }

// client returns a client with short waits between its retries.
func (s *server) client(change ...func(*redis.Options)) *redis.Client {
	o := &redis.Options{Addr: s.addr, MaxRetryBackoff: 20 * time.Millisecond}
	for _, f := range change {
		f(o)
	}
	c := redis.NewClient(o)
	s.t.Cleanup(func() { _ = c.Close() })
	return c
}

// do sends a command and returns its reply.
func (s *server) do(args ...any) any {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.addr})
	defer c.Close()
	reply, err := c.Do(s.t.Context(), args...).Result()
	require.NoError(s.t, err, "%v", args)
	return reply
}

// calls returns how often the server has run a command, those of scripts included.
func (s *server) calls(command string) int {
	s.t.Helper()
	c := redis.NewClient(&redis.Options{Addr: s.addr})
	defer c.Close()
	stats, err := c.Info(s.t.Context(), "commandstats").Result()
	require.NoError(s.t, err)
	_, rest, found := strings.Cut(stats, "cmdstat_"+command+":calls=")
	if !found {
		return 0
	}
	n, err := strconv.Atoi(rest[:strings.IndexByte(rest, ',')])
	require.NoError(s.t, err)
	return n
}

var (
	portsMu sync.Mutex
	ports   = map[int]bool{} // that freePort has returned
)

// freePort returns a port of localhost that is free, together with the port of the
// bus that a cluster node adds. It returns no port twice.
func freePort(t *testing.T) string {
	t.Helper()
	portsMu.Lock()
	defer portsMu.Unlock()
	for range 1000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		port := l.Addr().(*net.TCPAddr).Port
		require.NoError(t, l.Close())
		if port > 55000 || ports[port] {
			continue
		}
		bus, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", port+10000))
		if err == nil {
			require.NoError(t, bus.Close())
			ports[port] = true
			return strconv.Itoa(port)
		}
	}
	t.Fatal("no free port")
	return ""
}

// newStore returns a Store with client. It fails the test if New fails.
func newStore(t *testing.T, client redis.UniversalClient, opts ...Option) *Store {
	t.Helper()
	s, err := New(client, opts...)
	require.NoError(t, err)
	return s
}

// within returns a context that ends after d.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}
