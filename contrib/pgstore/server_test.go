// PostgreSQL for the tests: finds the programs, and starts, breaks and stops servers.

package pgstore

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

// shared is the server of all tests that do not break it. template is a data
// directory for others.
var (
	shared   *server
	template string
)

// TestMain starts a server. Without PostgreSQL it skips the tests that need one, and
// prints the reason. If AUTHKIT_POSTGRES is "required", that is a failure.
func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "pgstore")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(folder)
	if reason := prepare(folder); reason != nil {
		fmt.Printf("skipped: the tests with PostgreSQL: %s\n", reason)
		if os.Getenv("AUTHKIT_POSTGRES") == "required" {
			return 1
		}
		return m.Run()
	}
	shared = &server{folder: filepath.Join(folder, "shared")}
	if err := shared.create(); err != nil {
		panic(err)
	}
	defer shared.close()
	return m.Run()
}

// programs is the folder of postgres and initdb.
var programs string

// account is the user that runs the server: PostgreSQL refuses to run as root. It is
// nil for the user of the tests.
var account *syscall.Credential

// prepare finds PostgreSQL and creates the template in folder.
func prepare(folder string) error {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 { // where Debian has it
		programs = filepath.Dir(slices.Max(found))
	} else if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			programs = filepath.Dir(path)
		}
	}
	if programs == "" {
		return errors.New("it is not installed")
	}
	if os.Geteuid() == 0 {
		postgres, err := user.Lookup("postgres")
		if err != nil {
			return fmt.Errorf("it does not run as root: %w", err)
		}
		uid, _ := strconv.Atoi(postgres.Uid)
		gid, _ := strconv.Atoi(postgres.Gid)
		account = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(folder, uid, gid); err != nil {
			return err
		}
	}
	template = filepath.Join(folder, "template")
	if out, err := program(filepath.Join(programs, "initdb"), "--auth=trust", "--username=postgres", "--encoding=UTF8",
		"--locale=C", "--no-sync", "--no-instructions", "-D", template).CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// endWithTests makes a process end with the tests, if the system can do that. So a test
// binary that panics leaves no server behind.
var endWithTests = func(*syscall.SysProcAttr) {}

// program returns a command of the user that runs the server.
func program(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = "/"
	// A process group of its own: an interrupt of the tests does not end the server.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account, Setpgid: true}
	endWithTests(cmd.SysProcAttr)
	return cmd
}

// server is a PostgreSQL with a data folder of its own.
type server struct {
	*testserver.Server
	folder string
}

// startServer starts a server that the test may break.
func startServer(t *testing.T) *server {
	t.Helper()
	needsPostgres(t)
	s := &server{folder: filepath.Join(filepath.Dir(template), fmt.Sprint("broken", databases.Add(1)))}
	require.NoError(t, s.create())
	t.Cleanup(func() {
		s.close()
		if t.Failed() {
			t.Log(s.Output())
		}
		os.RemoveAll(s.folder)
	})
	return s
}

func needsPostgres(t testing.TB) {
	t.Helper()
	if shared == nil {
		t.Skip("PostgreSQL is not installed")
	}
}

// create copies the template, and starts the server.
func (s *server) create() error {
	if out, err := program("cp", "-a", template, s.folder).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w\n%s", err, out)
	}
	return s.start()
}

// start starts the server on its folder for the first time. After kill, Restart does so.
func (s *server) start() (err error) {
	s.Server, err = testserver.Start(postgresProgram(s.folder))
	return err
}

// postgresProgram returns how a server is started on a folder.
func postgresProgram(folder string) testserver.Program {
	// A standby is ready to accept read-only connections.
	return testserver.Program{Ready: "system is ready to accept", Command: func(port *testserver.Port) (*exec.Cmd, error) {
		return program(filepath.Join(programs, "postgres"), "-D", folder, "-p", port.String(), "-k", "",
			"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "lc_messages=C",
			"-c", "shared_buffers=16MB", "-c", "max_connections=150", "-c", "dynamic_shared_memory_type=mmap", "-c", "log_statement=none"), nil
	}}
}

// kill ends all processes of the server at once, as a crash does.
func (s *server) kill() {
	// The stopped process starts no others, and does not see that they end.
	if s.Signal(syscall.SIGSTOP) != nil {
		return // it has ended
	}
	children := s.children()
	s.Signal(syscall.SIGKILL)
	signalAll(children, syscall.SIGKILL)
	s.Kill()
}

// close is kill, for a server that is not started again.
func (s *server) close() {
	s.kill()
	s.Close()
}

// freeze stops all processes of the server: it accepts bytes and does not answer.
func (s *server) freeze() {
	s.Signal(syscall.SIGSTOP)
	signalAll(s.children(), syscall.SIGSTOP)
}

func (s *server) thaw() {
	signalAll(s.children(), syscall.SIGCONT)
	s.Signal(syscall.SIGCONT)
}

// children returns the processes that the server has started.
func (s *server) children() (pids []int) {
	pid := strconv.Itoa(s.PID())
	list, _ := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	for field := range bytes.FieldsSeq(list) {
		if child, err := strconv.Atoi(string(field)); err == nil {
			pids = append(pids, child)
		}
	}
	return pids
}

func signalAll(pids []int, signal syscall.Signal) {
	for _, pid := range pids {
		syscall.Kill(pid, signal)
	}
}

func (s *server) url(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", s.Port.Addr(), database)
}

var databases atomic.Int64

// newDatabase creates a database on the shared server, and returns its address.
func newDatabase(t testing.TB) string {
	t.Helper()
	needsPostgres(t)
	return shared.newDatabase(t)
}

func (s *server) newDatabase(t testing.TB) string {
	t.Helper()
	name := fmt.Sprint("db", databases.Add(1))
	admin := connect(t, s.url("postgres"))
	_, err := admin.Exec(t.Context(), "create database "+name)
	require.NoError(t, err)
	return s.url(name)
}

func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// newPool returns a pool of the database. change may be nil.
func newPool(t testing.TB, url string, change func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	config.MaxConns = 20
	if change != nil {
		change(config)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// newStore returns a store with its own pool and with its tables.
func newStore(t testing.TB, url string, opts ...Option) *Store {
	t.Helper()
	return storeOn(t, newPool(t, url, nil), opts...)
}

func storeOn(t testing.TB, pool *pgxpool.Pool, opts ...Option) *Store {
	t.Helper()
	s, err := New(pool, opts...)
	require.NoError(t, err)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

func TestAPostgresWhosePortIsTakenStartsOnAnotherPort(t *testing.T) {
	needsPostgres(t)
	folder := filepath.Join(filepath.Dir(template), fmt.Sprint("moved", databases.Add(1)))
	out, err := program("cp", "-a", template, folder).CombinedOutput()
	require.NoError(t, err, string(out))
	defer os.RemoveAll(folder)
	s := &server{Server: startWithTakenPort(t, postgresProgram(folder)), folder: folder}
	defer s.close()
	var running string
	require.NoError(t, connect(t, s.url("postgres")).QueryRow(t.Context(), "show data_directory").Scan(&running))
	assert.Equal(t, folder, running)
}

// startWithTakenPort starts a server while another one listens on the first port that it tries.
func startWithTakenPort(t *testing.T, p testserver.Program) *testserver.Server {
	t.Helper()
	command, first := p.Command, 0
	p.Command = func(port *testserver.Port) (*exec.Cmd, error) {
		if first == 0 {
			first = port.Number
			taken, err := net.Listen("tcp", port.Addr())
			require.NoError(t, err)
			t.Cleanup(func() { taken.Close() })
		}
		return command(port)
	}
	s, err := testserver.Start(p)
	require.NoError(t, err)
	assert.NotEqual(t, first, s.Port.Number)
	return s
}

func TestAPostgresThatCannotStartIsAnErrorWithItsOutput(t *testing.T) {
	needsPostgres(t)
	_, err := testserver.Start(postgresProgram(filepath.Join(filepath.Dir(template), "no-such-folder")))
	assert.ErrorContains(t, err, "no-such-folder")
	assert.ErrorContains(t, err, "exit status")
}
