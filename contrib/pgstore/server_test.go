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
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
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
	defer shared.kill()
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

// server is a running PostgreSQL.
type server struct {
	folder string
	port   int
	cmd    *exec.Cmd
	log    *bytes.Buffer
	ended  chan struct{}
}

// startServer starts a server that the test may break.
func startServer(t *testing.T) *server {
	t.Helper()
	needsPostgres(t)
	s := &server{folder: filepath.Join(filepath.Dir(template), fmt.Sprint("broken", databases.Add(1)))}
	require.NoError(t, s.create())
	t.Cleanup(func() {
		s.kill()
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
	return s.startOnFreePort()
}

func (s *server) startOnFreePort() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.port = listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	return s.start()
}

// start starts the server, and returns when it answers.
func (s *server) start() error {
	s.log = &bytes.Buffer{}
	s.cmd = program(filepath.Join(programs, "postgres"), "-D", s.folder, "-p", strconv.Itoa(s.port), "-k", "",
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "full_page_writes=off",
		"-c", "shared_buffers=16MB", "-c", "max_connections=150", "-c", "dynamic_shared_memory_type=mmap", "-c", "log_statement=none")
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	s.ended = make(chan struct{})
	if err := s.cmd.Start(); err != nil {
		return err
	}
	go func(cmd *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		cmd.Wait()
	}(s.cmd, s.ended)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.url("postgres"))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.ended:
			return fmt.Errorf("postgres ended: %s", s.log)
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// kill ends all processes of the server at once, as a crash does.
func (s *server) kill() {
	// The stopped process starts no others, and does not see that they end.
	s.cmd.Process.Signal(syscall.SIGSTOP)
	children := s.children()
	s.cmd.Process.Kill()
	signalAll(children, syscall.SIGKILL)
	<-s.ended
}

// freeze stops all processes of the server: it accepts bytes and does not answer.
func (s *server) freeze() {
	s.cmd.Process.Signal(syscall.SIGSTOP)
	signalAll(s.children(), syscall.SIGSTOP)
}

func (s *server) thaw() {
	signalAll(s.children(), syscall.SIGCONT)
	s.cmd.Process.Signal(syscall.SIGCONT)
}

// children returns the processes that the server has started.
func (s *server) children() (pids []int) {
	pid := strconv.Itoa(s.cmd.Process.Pid)
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
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/%s?sslmode=disable", s.port, database)
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
