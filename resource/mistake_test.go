// Which warnings the log has, and that each is there once.

package resource_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/resource"
)

func TestTheLogNamesTheOtherResourceOfGenuineTokensOnce(t *testing.T) {
	p := protect(t)
	before := object{"aud": "https://mcp.acme.test/before"}
	for range 3 {
		assert.Equal(t, http.StatusUnauthorized, p.get("/mcp", "Bearer "+p.token(p.user().with(before))).status)
	}
	assert.Equal(t, 1, strings.Count(p.log.String(), "level=WARN"))
	assert.Contains(t, p.log.String(), "resource="+resourceURL)
	assert.Contains(t, p.log.String(), "https://mcp.acme.test/before")
	assert.NotContains(t, p.log.String(), p.token(p.user().with(before)))

	stranger := protect(t)
	_, err := stranger.api.Verify(t.Context(), sign("kid_1", otherKey(), stranger.user().with(before)))
	require.Error(t, err)
	_, err = stranger.api.Verify(t.Context(), stranger.token(stranger.user().with(object{"aud": nil})))
	require.Error(t, err)
	assert.NotContains(t, stranger.log.String(), "level=WARN", "one token is not of the issuer, and the other one names no resource")
}

// at requests a path at a host as a client does.
func (p *protected) at(host, path, userAgent string) {
	p.Helper()
	r, err := http.NewRequestWithContext(p.Context(), http.MethodGet, p.server.URL+path, nil)
	require.NoError(p, err)
	r.Host = host
	r.Header.Set("User-Agent", userAgent)
	response, err := http.DefaultClient.Do(r)
	require.NoError(p, err)
	require.NoError(p, response.Body.Close())
}

func TestTheLogNamesAnotherHostOfAClientOnce(t *testing.T) {
	p := protect(t)
	for range 3 {
		p.at("old.acme.test", "/mcp", "assistant")
		p.at("MCP.acme.test:443", p.api.MetadataPath(), "assistant")
	}
	assert.Equal(t, 1, strings.Count(p.log.String(), "level=WARN"))
	assert.Contains(t, p.log.String(), "resource="+resourceURL+" host=old.acme.test")
}

func TestARightSetUpLogsNoOtherHost(t *testing.T) {
	for name, visit := range map[string]func(p *protected){
		"the host of the resource": func(p *protected) {
			p.at("mcp.acme.test", "/mcp", "assistant")
			p.at("mcp.acme.test", p.api.MetadataPath(), "assistant")
		},
		"a proxy that changes Host": func(p *protected) {
			p.at("10.0.0.7:8080", "/mcp", "assistant")
			p.at("10.0.0.7:8080", p.api.MetadataPath(), "assistant")
		},
		"a health check before a client": func(p *protected) {
			p.at("10.0.0.7:8080", "/mcp", "probe")
			p.at("mcp.acme.test", p.api.MetadataPath(), "assistant")
		},
		"a client much later": func(p *protected) {
			p.at("old.acme.test", "/mcp", "assistant")
			p.clock.Advance(31 * time.Second)
			p.at("mcp.acme.test", p.api.MetadataPath(), "assistant")
		},
		"a host that is no name": func(p *protected) {
			for _, host := range []string{strings.Repeat("a", 256), "a%20b"} {
				p.at(host, "/mcp", "assistant")
				p.at("mcp.acme.test", p.api.MetadataPath(), "assistant")
			}
		},
	} {
		p := protect(t)
		visit(p)
		assert.NotContains(t, p.log.String(), "level=WARN", name)
	}
}

func TestTheTroubleshootingListsEveryWarningOfAnAPI(t *testing.T) {
	chapter, err := os.ReadFile("../docs/troubleshooting.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(chapter), "\n## Warnings about the set-up\n")
	require.True(t, found)
	var listed []string
	for line := range strings.Lines(section) {
		if row, ok := strings.CutPrefix(line, "| resource: "); ok {
			text, _, _ := strings.Cut(row, " |")
			listed = append(listed, "resource: "+text)
		}
	}
	assert.ElementsMatch(t, resource.Warnings, listed)
}

func TestAFaultOfAnAddressSaysWhatIsMissing(t *testing.T) {
	for address, want := range map[string]string{
		"": "it is empty", "acme.authkit.app": "it lacks https://", "acme.authkit.app:443": "it lacks https://", "ftp://acme.test": "it is not absolute",
	} {
		_, err := resource.New(address, resourceURL)
		assert.ErrorContains(t, err, "the issuer: want an absolute https URL (http on a loopback host): "+want, address)
	}
}
