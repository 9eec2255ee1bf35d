// The start of the driver.

package chromium

import (
	"net"
	"net/http"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testserver"
)

func TestADriverWhosePortIsTakenStartsOnAnotherPort(t *testing.T) {
	if part := missingPart(); part != "" {
		t.Skip(part)
	}
	folder = t.TempDir()
	p, first := driverProgram(), 0
	command := p.Command
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
	defer s.Close()
	assert.NotEqual(t, first, s.Port.Number)
	response, err := http.Get("http://" + s.Port.Addr() + "/status")
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, http.StatusOK, response.StatusCode)
}
