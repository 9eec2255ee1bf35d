// Starts on ports that are taken, and programs that do not start. The test binary is the server.

package testserver

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
)

// role is the variable that makes the test binary run as a server. address is the variable with the address of the server.
const (
	role    = "AUTHKIT_TESTSERVER_ROLE"
	address = "AUTHKIT_TESTSERVER_ADDRESS"
)

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "server":
		serve()
	case "broken":
		fmt.Fprintln(os.Stderr, "the configuration has no line 7")
		os.Exit(3)
	case "silent":
		fmt.Println("the disk is slow")
		select {}
	}
	os.Exit(m.Run())
}

// serve sends its process ID to every client, and keeps the connections open.
func serve() {
	listener, err := net.Listen("tcp", os.Getenv(address))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Print("now it lis")
	fmt.Println("tens")
	for {
		client, err := listener.Accept()
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Fprintln(client, os.Getpid())
	}
}

// program returns a program whose server has a role. Before each start, f gets its port.
func program(t *testing.T, name string, f func(*Port)) Program {
	t.Helper()
	binary, err := os.Executable()
	require.NoError(t, err)
	return Program{Ready: "it listens", Command: func(port *Port) (*exec.Cmd, error) {
		f(port)
		cmd := exec.Command(binary)
		cmd.Env = append(os.Environ(), role+"="+name, address+"="+port.Addr())
		return cmd, nil
	}}
}

// occupy listens on a port until the test ends.
func occupy(t *testing.T, port *Port) {
	t.Helper()
	listener, err := net.Listen("tcp", port.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
}

// requireAnswer requires that the process of s is the one that answers on its port. It returns the connection.
func requireAnswer(t *testing.T, s *Server) net.Conn {
	t.Helper()
	client, err := net.Dial("tcp", s.Port.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	var pid int
	_, err = fmt.Fscanln(client, &pid)
	require.NoError(t, err)
	require.Equal(t, s.PID(), pid)
	return client
}

func TestAServerWhosePortsAreTakenStartsOnAnotherPort(t *testing.T) {
	t.Parallel()
	var tried []int
	s, err := Start(program(t, "server", func(port *Port) {
		tried = append(tried, port.Number)
		if len(tried) < 3 {
			occupy(t, port)
		}
	}))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.GreaterOrEqual(t, len(tried), 3, "starts")
	assert.Equal(t, tried[len(tried)-1], s.Port.Number)
	requireAnswer(t, s)
}

func TestAServerThatEndsAtOnceIsAnErrorWithItsOutput(t *testing.T) {
	t.Parallel()
	count := 0
	_, err := Start(program(t, "broken", func(*Port) { count++ }))
	require.ErrorContains(t, err, "5 starts on 5 ports failed")
	assert.ErrorContains(t, err, "exit status 3\nthe configuration has no line 7")
	assert.Equal(t, 5, count)
}

func TestAServerThatNeverListensIsAnErrorWithItsOutput(t *testing.T) {
	t.Parallel()
	count := 0
	p := program(t, "silent", func(*Port) { count++ })
	p.limit = testrun.Length(500*time.Millisecond, time.Second)
	_, err := Start(p)
	require.ErrorContains(t, err, `has not printed "it listens" after `+p.limit.String())
	assert.ErrorContains(t, err, "the disk is slow")
	assert.Equal(t, 1, count, "another port does not help")
}

func TestAServerThatIsNotInstalledIsAnErrorAtOnce(t *testing.T) {
	t.Parallel()
	count := 0
	_, err := Start(Program{Command: func(*Port) (*exec.Cmd, error) {
		count++
		return exec.Command("/no/such/server"), nil
	}})
	require.ErrorContains(t, err, "/no/such/server")
	assert.Equal(t, 1, count)
}

func TestAServerRestartsOnItsPortWhileItsConnectionsAreInTimeWait(t *testing.T) {
	t.Parallel()
	s, err := Start(program(t, "server", func(*Port) {}))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	port := s.Port.Number
	for range 5 {
		client := requireAnswer(t, s)
		s.Kill() // the server's side closes first, so its port is in TIME_WAIT
		_, err = io.ReadAll(client)
		require.NoError(t, err)
		require.NoError(t, client.Close())
		_, err = net.Dial("tcp", s.Port.Addr())
		require.Error(t, err, "it is down")
		require.NoError(t, s.Restart())
		require.Equal(t, port, s.Port.Number)
	}
	requireAnswer(t, s)
	assert.Equal(t, 6, strings.Count(s.Output(), "it listens"))
}

func TestARestartOnATakenPortIsAnErrorWithTheOutput(t *testing.T) {
	t.Parallel()
	s, err := Start(program(t, "server", func(*Port) {}))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	s.Kill()
	occupy(t, s.Port)
	assert.ErrorContains(t, s.Restart(), "address already in use")
}

func TestAPortStaysReservedUntilItIsReleased(t *testing.T) {
	s, err := Start(program(t, "server", func(*Port) {}))
	require.NoError(t, err)
	t.Cleanup(s.Close)
	s.Kill()
	_, err = take(s.Port.Number)
	require.Error(t, err, "while the server is down")
	s.Close()
	again, err := take(s.Port.Number)
	require.NoError(t, err)
	require.NoError(t, again.Release())
	require.NoError(t, again.Release(), "again")
}

func TestAPortIsReservedTogetherWithItsOffsets(t *testing.T) {
	p, err := Reserve(10_000)
	require.NoError(t, err)
	_, err = take(p.Number + 10_000)
	require.Error(t, err)
	require.NoError(t, p.Release())

	occupy(t, &Port{Number: p.Number + 10_000})
	_, err = take(p.Number, 10_000)
	require.Error(t, err)
	p, err = take(p.Number)
	require.NoError(t, err, "the first one is released if a further one is taken")
	require.NoError(t, p.Release())
}

func TestReservedPortsAreOutsideTheEphemeralPorts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ first, last, farthest, from, to int }{
		"Linux":                    {32768, 60999, 0, 10000, 32768},
		"Linux, with a far offset": {32768, 60999, 10000, 10000, 32768},
		"IANA":                     {49152, 65535, 0, 10000, 32768},
		"from 15000":               {15000, 65535, 0, 10000, 15000},
		"from 1024":                {1024, 60999, 0, 61000, 65536},
		"from 1024 to 9999":        {1024, 9999, 0, 10000, 65536},
		"nearly all":               {1024, 65535, 0, 10000, 65536},
		"no room for the offset":   {15000, 60999, 10000, 10000, 65536},
	} {
		from, to := outside(c.first, c.last, c.farthest)
		assert.Equal(t, []int{c.from, c.to}, []int{from, to}, name)
	}
	first, last := ephemeral()
	require.Less(t, first, last)
	if from, to := outside(first, last, 0); from <= last && first < to {
		t.Skipf("the ephemeral ports of this system, %d to %d, leave no room", first, last)
	}
	for range 100 {
		p, err := Reserve()
		require.NoError(t, err)
		assert.True(t, p.Number < first || p.Number > last, p.Number)
		require.NoError(t, p.Release())
	}
}
