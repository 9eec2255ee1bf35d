// nginx: finds the program, and configures, starts and stops it for a test.

package proxy_test

import (
	"bytes"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
)

// nginxPath is the path of nginx, or "". Debian installs it in a folder that is
// only in the PATH of administrators.
var nginxPath = func() string {
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}()

// TestMain skips all tests if nginx is missing, and prints the reason. For a list
// of packages, the go command only shows "[no tests to run]".
func TestMain(m *testing.M) {
	flag.Parse()
	if nginxPath == "" {
		fmt.Println("skipped: the tests behind a proxy: nginx is not installed; see go doc ./internal/proxy")
		if os.Getenv("AUTHKIT_NGINX") == "required" {
			os.Exit(1)
		}
		flag.Set("test.run", "^$")
	}
	testrun.Main(m)
}

// configuration keeps all files in one folder. For requests and responses it only
// sets the rules for failed instances. Header and buffer sizes are nginx's
// defaults. The default buffer is one page of memory, which can be larger than
// 4 KB on some machines, so the buffer size is set explicitly.
var configuration = template.Must(template.New("nginx.conf").Parse(`
daemon off;
worker_processes 1;
worker_rlimit_nofile 4096;
{{if .Root}}user root;{{end}}
pid {{.Folder}}/nginx.pid;
error_log {{.Folder}}/error.log info;
events { worker_connections 2048; }
http {
	access_log off;
	client_body_temp_path {{.Folder}}/body;
	proxy_temp_path {{.Folder}}/proxy;
	fastcgi_temp_path {{.Folder}}/fastcgi;
	scgi_temp_path {{.Folder}}/scgi;
	uwsgi_temp_path {{.Folder}}/uwsgi;
	proxy_buffer_size {{.Buffer}};
	proxy_buffers 8 {{.Buffer}};
	upstream application {
		{{range .Upstreams}}server {{.}} max_fails=1 fail_timeout=60s;
		{{end}}
	}
	server {
		listen {{.Address}};
		location / {
			proxy_pass http://application;
			proxy_next_upstream error timeout http_502 http_503;
		}
		{{range $path, $directives := .Locations}}location {{$path}} { {{$directives}} }
		{{end}}
	}
}
`))

// defaultBuffer is nginx's proxy_buffer_size on a machine with pages of 4 KB.
const defaultBuffer = "4k"

// nginx is a running proxy.
type nginx struct {
	t   *testing.T
	log string // path of its error log
}

// startNginx starts a proxy that takes over listener, and stops it when the test
// ends.
func startNginx(t *testing.T, listener *net.TCPListener, buffer string, upstreams ...string) *nginx {
	t.Helper()
	return startNginxWith(t, listener, buffer, nil, upstreams...)
}

// startNginxWith is startNginx with further locations: their directives, by their
// paths.
func startNginxWith(t *testing.T, listener *net.TCPListener, buffer string, locations map[string]string, upstreams ...string) *nginx {
	t.Helper()
	return runNginx(t, listener, configuration, map[string]any{"Buffer": buffer, "Upstreams": upstreams, "Locations": locations})
}

// runNginx is startNginx for any configuration. It adds Folder, Root and Address to the
// values.
func runNginx(t *testing.T, listener *net.TCPListener, configuration *template.Template, values map[string]any) *nginx {
	t.Helper()
	folder := t.TempDir()
	values["Folder"], values["Root"], values["Address"] = folder, os.Geteuid() == 0, listener.Addr()
	var text bytes.Buffer
	require.NoError(t, configuration.Execute(&text, values))
	path := filepath.Join(folder, "nginx.conf")
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
	n := &nginx{t: t, log: filepath.Join(folder, "error.log")}

	// nginx inherits the listening socket through the variable NGINX, as in its
	// upgrade on the fly. So the port is never free after it is chosen, and
	// connections wait in the socket until nginx has started.
	socket, err := listener.File()
	require.NoError(t, err)
	defer socket.Close()
	var printed bytes.Buffer
	cmd := exec.Command(nginxPath, "-p", folder, "-e", n.log, "-c", path)
	cmd.ExtraFiles = []*os.File{socket} // descriptor 3
	cmd.Env = append(os.Environ(), "NGINX=3;")
	cmd.Stdout, cmd.Stderr = &printed, &printed
	require.NoError(t, cmd.Start())
	require.NoError(t, listener.Close())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(10*time.Second, func() { cmd.Process.Kill() })
		defer kill.Stop()
		if err := <-ended; err != nil || t.Failed() {
			t.Logf("nginx ended: %v\n%s%s", err, printed.String(), strings.Join(n.warnings(), "\n"))
		}
	})
	return n
}

// query matches the query of an address in a log line. It can hold codes and
// states.
var query = regexp.MustCompile(`\?[^ "]*`)

// warnings returns the log lines of level warn and above, without queries.
func (n *nginx) warnings() (lines []string) {
	n.t.Helper()
	text, err := os.ReadFile(n.log)
	require.NoError(n.t, err)
	for line := range strings.Lines(string(text)) {
		for _, level := range []string{"[warn]", "[error]", "[crit]", "[alert]", "[emerg]"} {
			if strings.Contains(line, level) {
				lines = append(lines, query.ReplaceAllString(strings.TrimSpace(line), "?…"))
			}
		}
	}
	return lines
}
