// Tests behind a transaction pooler: PgBouncer, and a pool that behaves like one.

package pgstore

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

// A transaction pooler gives each transaction another connection of the server, and
// resets it.
func TestThePostgresStoreWorksBehindATransactionPooler(t *testing.T) {
	url := newDatabase(t)
	for mode, pool := range map[string]*pgxpool.Pool{
		"simple protocol":   resettingPool(t, url, pgx.QueryExecModeSimpleProtocol),
		"cached statements": resettingPool(t, url, pgx.QueryExecModeCacheStatement),
	} {
		t.Run(mode, func(t *testing.T) {
			s := storeOn(t, pool, WithPollInterval(20*time.Millisecond), WithPollingOnly())
			f := follow(t, s)
			want := numbered(mode, 2*trimEvery)
			for _, notice := range want {
				appendAll(t, s, notice)
				got, _ := swap(t, s, mode[:6], "", "value", time.Minute)
				require.True(t, got.swapped)
			}
			f.awaitCaughtUp(t)
			got := f.got()
			assert.Equal(t, want, got[len(got)-len(want):])
		})
	}
}

// resettingPool returns a pool that resets a connection before each use.
func resettingPool(t testing.TB, url string, mode pgx.QueryExecMode) *pgxpool.Pool {
	return newPool(t, url, func(c *pgxpool.Config) {
		c.ConnConfig.DefaultQueryExecMode = mode
		c.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
			err := conn.PgConn().Exec(ctx, "discard all").Close()
			return err == nil, err
		}
	})
}

// pgbouncer is the path of PgBouncer, or "". Debian installs it in a folder that is
// only in the PATH of administrators.
var pgbouncer = func() string {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}()

// startPgBouncer starts PgBouncer in front of a database, and returns the address of
// the database through it. It has two connections to the server for all clients, gives
// them to one transaction at a time, and resets them after each.
func startPgBouncer(t *testing.T, database string) string {
	t.Helper()
	address, err := url.Parse(database)
	require.NoError(t, err)
	pooler, err := testserver.Start(pgBouncerProgram(poolerFolder(t), address.Port()))
	require.NoError(t, err)
	t.Cleanup(func() {
		pooler.Close()
		if t.Failed() {
			t.Log(pooler.Output())
		}
	})
	address.Host = pooler.Port.Addr()
	return address.String()
}

// poolerFolder returns a folder that the user of PgBouncer can read.
func poolerFolder(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp(filepath.Dir(template), "pgbouncer")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(folder, 0o755))
	return folder
}

// pgBouncerProgram returns how PgBouncer is started, with its configuration in a folder, in front of the server on a port.
func pgBouncerProgram(folder, server string) testserver.Program {
	return testserver.Program{Ready: "process up", Command: func(port *testserver.Port) (*exec.Cmd, error) {
		configuration := filepath.Join(folder, "pgbouncer.ini")
		return program(pgbouncer, configuration), os.WriteFile(configuration, fmt.Appendf(nil, `
[databases]
* = host=127.0.0.1 port=%s user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
server_reset_query = DISCARD ALL
server_reset_query_always = 1
`, server, port), 0o644)
	}}
}

func needsPgBouncer(t *testing.T) {
	t.Helper()
	if pgbouncer == "" {
		if os.Getenv("AUTHKIT_POSTGRES") == "required" {
			t.Fatal("PgBouncer is not installed")
		}
		t.Skip("PgBouncer is not installed")
	}
}

func TestAPgBouncerWhosePortIsTakenStartsOnAnotherPort(t *testing.T) {
	needsPostgres(t)
	needsPgBouncer(t)
	s := startWithTakenPort(t, pgBouncerProgram(poolerFolder(t), shared.Port.String()))
	defer s.Close()
	assert.Contains(t, s.Output(), "process up")
}

func TestThePostgresStoreWorksBehindPgBouncer(t *testing.T) {
	direct := newDatabase(t)
	needsPgBouncer(t)
	through := startPgBouncer(t, direct)
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheStatement, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			pool := newPool(t, through, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			s := storeOn(t, pool, WithPollingOnly(), WithPollInterval(20*time.Millisecond), WithTablePrefix(fmt.Sprintf("mode%d_", mode)))
			f := follow(t, s)
			appended := make(chan error)
			for writer := range 8 {
				go func() {
					for i := range 25 {
						key := fmt.Sprint("key:", i)
						if _, _, _, err := s.Swap(context.Background(), key, nil, fmt.Appendf(nil, "of %d", writer), time.Minute); err != nil {
							appended <- err
							return
						}
						if err := s.Append(context.Background(), []byte("notice")); err != nil {
							appended <- err
							return
						}
					}
					appended <- nil
				}()
			}
			for range 8 {
				require.NoError(t, <-appended)
			}
			f.awaitNotices(t, 200)
			f.awaitCaughtUp(t)
			assert.Len(t, f.got(), 200)
			assert.Equal(t, 25, count(t, newStore(t, direct), "select count(*) from "+s.sql.values))
		})
	}
}
