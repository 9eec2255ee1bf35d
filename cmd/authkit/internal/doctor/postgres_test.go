//go:build unix

// The check of a store on a real PostgreSQL.

package doctor

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

// startPostgres starts a PostgreSQL that asks for a password. It returns its address, and the folder of its Unix socket. It does not run as
// root.
func startPostgres(t *testing.T, password string) (address, socket string) {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // where Debian has it
	require.NoError(t, err)
	if len(found) == 0 {
		t.Skip("PostgreSQL is not installed in /usr/lib/postgresql")
	}
	programs := filepath.Dir(slices.Max(found))
	folder, err := os.MkdirTemp("", "authkit-doctor-")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(folder)) })
	attributes := &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		postgres, err := user.Lookup("postgres")
		require.NoError(t, err)
		uid, err := strconv.Atoi(postgres.Uid)
		require.NoError(t, err)
		gid, err := strconv.Atoi(postgres.Gid)
		require.NoError(t, err)
		attributes.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		require.NoError(t, os.Chown(folder, uid, gid))
	}
	command := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(programs, name), args...)
		cmd.Dir, cmd.SysProcAttr = "/", attributes
		return cmd
	}
	file := filepath.Join(folder, "password")
	require.NoError(t, os.WriteFile(file, []byte(password), 0o644)) // of a server that ends with the test
	data := filepath.Join(folder, "data")
	output, err := command("initdb", "--auth=scram-sha-256", "--username=app", "--pwfile="+file, "--locale=C", "--no-sync", "--no-instructions", "-D", data).CombinedOutput()
	require.NoError(t, err, "%s", output)
	server, err := testserver.Start(testserver.Program{Ready: "system is ready to accept", Command: func(port *testserver.Port) (*exec.Cmd, error) {
		return command("postgres", "-D", data, "-p", port.String(), "-k", folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "lc_messages=C",
			"-c", "shared_buffers=16MB", "-c", "dynamic_shared_memory_type=mmap"), nil
	}})
	require.NoError(t, err)
	t.Cleanup(func() {
		server.End(syscall.SIGQUIT) // it ends its processes too
		server.Close()
	})
	return server.Port.Addr(), folder
}

func TestTheDoctorAsksARealPostgreSQL(t *testing.T) {
	address, socket := startPostgres(t, goodPassword)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	account := "user=app&password=" + goodPassword
	for store, want := range map[string]Result{
		"postgres://app:" + goodPassword + "@" + address + "/postgres":                                  {Status: OK, Finding: "PostgreSQL at " + address + " answers"},
		"postgres://app:wrong@" + address + "/postgres":                                                 {Status: Fault, Finding: "refuses the user or the password"},
		"postgresql://app:" + goodPassword + "@" + address + "/none":                                    {Status: Fault, Finding: "has no such database"},
		"postgres://app:" + goodPassword + "@" + address + "/postgres?default_transaction_read_only=on": {Status: Fault, Finding: "is read-only"},
		"postgres://app:" + goodPassword + "@" + address + "/postgres?sslmode=require":                  {Status: Fault, Finding: "does not answer as expected"},
		"redis://" + address: {Status: Fault, Finding: "does not answer as expected"},
		// The forms of libpq: the host in the query, a Unix socket, and several hosts.
		"postgres:///postgres?host=" + socket + "&port=" + port + "&" + account:          {Status: OK, Finding: "PostgreSQL at " + socket + "/.s.PGSQL." + port + " answers"},
		"postgres://app:" + goodPassword + "@/postgres?host=" + socket + "&port=" + port: {Status: OK, Finding: "PostgreSQL at " + socket + "/.s.PGSQL." + port + " answers"},
		"postgres:///postgres?host=127.0.0.1&port=" + port + "&" + account:               {Status: OK, Finding: "PostgreSQL at " + address + " answers"},
		"postgres:///none?host=" + socket + "&port=" + port + "&" + account:              {Status: Fault, Finding: "PostgreSQL at " + socket + "/.s.PGSQL." + port + " has no such database"},
		"postgres://app:" + goodPassword + "@127.0.0.1:1," + address + "/postgres":       {Status: OK, Finding: "PostgreSQL at 127.0.0.1:1 or " + address + " answers"},
		"postgres://app:wrong@127.0.0.1:1," + address + "/postgres":                      {Status: Fault, Finding: "PostgreSQL at 127.0.0.1:1 or " + address + " refuses the user or the password"},
		"postgres://app:" + goodPassword + "@127.0.0.1:1,[::1]:1/postgres":               {Status: Fault, Finding: "PostgreSQL at 127.0.0.1:1 or [::1]:1 cannot be reached"},
	} {
		d := &doctor{Config: Config{Timeout: 10 * time.Second, Store: store}}
		d.checkStore(t.Context())
		require.Len(t, d.results, 1)
		assert.Equal(t, want.Status, d.results[0].Status, "%v", d.results)
		assert.Contains(t, d.results[0].Finding, want.Finding)
		assert.NotContains(t, d.results[0].Finding+d.results[0].Cure, goodPassword)
	}
}
