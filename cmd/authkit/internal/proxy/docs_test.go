// A test that docs/proxy.md describes the configuration as it is.

package proxy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
	"github.com/authkit-go/authkit/internal/gate"
)

// keysOf returns the keys of a type of the configuration, such as limits.header_bytes.
func keysOf(typ reflect.Type, place string) (keys []string) {
	for i := range typ.NumField() {
		field := typ.Field(i)
		key := strings.TrimPrefix(place+"."+field.Tag.Get("yaml"), ".")
		inner := field.Type
		if inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		switch {
		case !field.IsExported():
		case inner.Kind() == reflect.Struct:
			keys = append(keys, keysOf(inner, key)...)
		default:
			keys = append(keys, key)
		}
	}
	return keys
}

func TestTheDocumentationOfTheProxyHasEveryKeyAndNoOther(t *testing.T) {
	content, err := os.ReadFile("../../../../docs/proxy.md")
	require.NoError(t, err)
	_, text, found := strings.Cut(string(content), "## Every key\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "\n## ")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_.]+)` \\|").FindAllStringSubmatch(text, -1) {
		documented = append(documented, row[1])
	}
	assert.Equal(t, keysOf(reflect.TypeFor[proxy.Config](), ""), documented)
}

func TestTheDocumentationOfTheProxyHasEveryIdentityHeader(t *testing.T) {
	content, err := os.ReadFile("../../../../docs/proxy.md")
	require.NoError(t, err)
	for _, field := range gate.Fields {
		assert.Contains(t, string(content), "| `"+field.Header+"` |")
		assert.Contains(t, string(content), "`"+field.Name+"`")
	}
	assert.Contains(t, string(content), "| `"+gate.JWTHeader+"` |")
}

func TestTheConfigurationOfNginxInTheDocumentationIsOne(t *testing.T) {
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if nginx = "/usr/sbin/nginx"; !isFile(nginx) {
			t.Skip("nginx is not installed: apt-get install nginx-light")
		}
	}
	for _, document := range []string{"proxy.md", "replicas.md"} {
		t.Run(document, func(t *testing.T) { requireNginxAccepts(t, nginx, document) })
	}
}

// requireNginxAccepts fails the test unless nginx accepts the configuration in a document.
func requireNginxAccepts(t *testing.T, nginx, document string) {
	t.Helper()
	content, err := os.ReadFile("../../../../docs/" + document)
	require.NoError(t, err)
	_, text, found := strings.Cut(string(content), "```nginx\n")
	require.True(t, found)
	text, _, _ = strings.Cut(text, "```")
	for _, line := range []string{"large_client_header_buffers 4 40k;", "proxy_buffer_size 40k;", "proxy_buffers 4 40k;"} {
		assert.Contains(t, text, line, "the largest session needs it")
	}
	folder := t.TempDir()
	files := selfSigned(t, folder, 1)
	text = strings.Replace(text, "listen 443 ssl;", fmt.Sprintf("listen unix:%s/s ssl; ssl_certificate %s; ssl_certificate_key %s;", folder, files.CertificateFile, files.KeyFile), 1)
	temporary := ""
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temporary += fmt.Sprintf("%s_temp_path %s/%s;\n", kind, folder, kind)
	}
	file := filepath.Join(folder, "nginx.conf")
	require.NoError(t, os.WriteFile(file, []byte(fmt.Sprintf("pid %s/pid; error_log stderr; events {}\nhttp {\naccess_log off;\n%s%s}\n", folder, temporary, text)), 0o600))
	output, err := exec.Command(nginx, "-t", "-c", file, "-e", "stderr").CombinedOutput()
	assert.NoError(t, err, string(output))
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
