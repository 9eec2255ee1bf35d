//go:build unix

// PostgreSQL for a test.

package main

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

// startPostgres starts PostgreSQL for a test. It skips the test if PostgreSQL is not installed, unless AUTHKIT_POSTGRES is
// "required". PostgreSQL refuses to run as root, so for root it runs as the user postgres.
func startPostgres(t *testing.T) engine {
	t.Helper()
	programs := postgresPrograms()
	if programs == "" {
		if os.Getenv("AUTHKIT_POSTGRES") == "required" {
			t.Fatal("PostgreSQL is not installed, and AUTHKIT_POSTGRES is required")
		}
		t.Skip("PostgreSQL is not installed: the test with a store on PostgreSQL is left out")
	}
	// Not t.TempDir: another user cannot enter its parent folders.
	data, err := os.MkdirTemp("", "authkit-replicas-pg-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(data) })
	identity := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		postgres, err := user.Lookup("postgres")
		require.NoError(t, err)
		uid, err := strconv.Atoi(postgres.Uid)
		require.NoError(t, err)
		gid, err := strconv.Atoi(postgres.Gid)
		require.NoError(t, err)
		require.NoError(t, os.Chown(data, uid, gid))
		identity.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	command := func(name string, args ...string) *exec.Cmd {
		c := exec.Command(filepath.Join(programs, name), args...)
		c.Dir, c.SysProcAttr = data, identity
		return c
	}
	output, err := command("initdb", "-D", data, "-U", "app", "-A", "trust", "-N").CombinedOutput()
	require.NoError(t, err, "%s", output)
	server := startProgram(t, testserver.Program{Ready: "system is ready to accept", Command: func(port *testserver.Port) (*exec.Cmd, error) {
		return command("postgres", "-D", data, "-k", data, "-h", "127.0.0.1", "-p", port.String(), "-F", "-N", "300", "-c", "lc_messages=C"), nil
	}})
	t.Cleanup(func() { server.End(syscall.SIGQUIT) }) // the immediate shutdown
	e := engine{databaseURL, "postgres://app@" + server.Port.Addr() + "/postgres"}
	require.Eventually(t, func() bool { return e.ask(t.Context()) == nil }, time.Minute, 20*time.Millisecond, "PostgreSQL answers within %v", answerLimit)
	return e
}

// postgresPrograms returns the folder with initdb and postgres, or "". Debian does not have them in PATH.
func postgresPrograms() string {
	if found, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(found)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return ""
	}
	return filepath.Dir(slices.Max(found))
}
