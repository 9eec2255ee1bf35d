// Redis and its Sentinel.

package testserver

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Redis returns how a redis-server is started in a folder, which it needs for itself. It keeps no data on disk. The settings
// are the lines of a redis.conf as arguments: "--maxmemory", "3mb". In them, "{port}" is the port of the server. It listens
// on it without TLS, unless a setting is "--port".
func Redis(binary, folder string, settings ...string) Program {
	args := []string{"--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"}
	if !slices.Contains(settings, "--port") {
		args = append(args, "--port", "{port}")
	}
	args = append(args, settings...)
	p := Program{
		Ready: "eady to accept connections", // with a capital letter since version 5
		Command: func(port *Port) (*exec.Cmd, error) {
			cmd := exec.Command(binary)
			for _, arg := range args {
				cmd.Args = append(cmd.Args, strings.ReplaceAll(arg, "{port}", port.String()))
			}
			cmd.Dir = folder
			return cmd, nil
		},
	}
	if slices.Contains(settings, "--cluster-enabled") {
		p.Offsets = []int{10_000} // the cluster bus
	}
	return p
}

// Sentinel returns how a redis-sentinel is started in a folder, which it needs for itself. It watches a master under the name
// authkit, and promotes a replica half a second after the master is down.
func Sentinel(binary, folder string, master *Port) Program {
	return Program{
		Ready: "Sentinel ID is",
		Command: func(port *Port) (*exec.Cmd, error) {
			file := filepath.Join(folder, "sentinel.conf")
			settings := fmt.Sprintf(`bind 127.0.0.1
port %s
sentinel monitor authkit 127.0.0.1 %s 1
sentinel down-after-milliseconds authkit 500
sentinel failover-timeout authkit 5000
`, port, master)
			cmd := exec.Command(binary, file)
			cmd.Dir = folder
			return cmd, os.WriteFile(file, []byte(settings), 0o600)
		},
	}
}
