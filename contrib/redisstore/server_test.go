// Real Redis servers for the tests: started, stopped and killed.

package redisstore

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

// server is a redis-server, or a redis-sentinel, on localhost.
type server struct {
	*testserver.Server
	t    *testing.T
	addr string // host and port
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

// startRedis starts a redis-server with settings, as testserver.Redis describes them.
func startRedis(t *testing.T, settings ...string) *server {
	t.Helper()
	return startProgram(t, testserver.Redis(binary(t, "redis-server"), t.TempDir(), settings...))
}

// startProgram starts a program of Redis. The test ends it.
func startProgram(t *testing.T, p testserver.Program) *server {
	t.Helper()
	started, err := testserver.Start(p)
	require.NoError(t, err)
	t.Cleanup(func() {
		started.Close()
		if t.Failed() {
			t.Logf("%s", started.Output())
		}
	})
	return &server{Server: started, t: t, addr: started.Port.Addr()}
}

// stop makes the server hang, with its connections open, until resume.
func (s *server) stop()   { require.NoError(s.t, s.Signal(syscall.SIGSTOP)) }
func (s *server) resume() { require.NoError(s.t, s.Signal(syscall.SIGCONT)) }

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

func TestARedisWhosePortIsTakenStartsOnAnotherPort(t *testing.T) {
	t.Parallel()
	master := startRedis(t)
	for name, p := range map[string]testserver.Program{
		"Redis":      testserver.Redis(binary(t, "redis-server"), t.TempDir()),
		"Sentinel":   testserver.Sentinel(binary(t, "redis-sentinel"), t.TempDir(), master.Port),
		"of its bus": testserver.Redis(binary(t, "redis-server"), t.TempDir(), "--cluster-enabled", "yes"),
	} {
		t.Run(name, func(t *testing.T) {
			command, first := p.Command, 0
			p.Command = func(port *testserver.Port) (*exec.Cmd, error) {
				if first == 0 {
					first = port.Number
					taken, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", first+slices.Max(append(p.Offsets, 0))))
					require.NoError(t, err)
					t.Cleanup(func() { _ = taken.Close() })
				}
				return command(port)
			}
			s := startProgram(t, p)
			assert.NotEqual(t, first, s.Port.Number)
			assert.Contains(t, s.do("INFO", "server"), fmt.Sprintf("process_id:%d\r\n", s.PID()))
		})
	}
}

func TestARedisThatCannotStartIsAnErrorWithItsOutput(t *testing.T) {
	t.Parallel()
	_, err := testserver.Start(testserver.Redis(binary(t, "redis-server"), t.TempDir(), "--no-such-setting", "yes"))
	assert.ErrorContains(t, err, "no-such-setting")
}
