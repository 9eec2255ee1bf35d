// Return paths by the URL rules of browsers.

package interop_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
)

// pieces are parts of addresses that lead to another origin.
var pieces = []string{
	"/", "//", `\`, "/\\", "..", ".", "evil.com", "@", ":", "https:", "http:", "javascript:", "?", "#", "%2f", "%5c", "%252f", "%09", "%0a", "%00",
	"\t", "\n", "\r", "\x00", " ", "\u00a0", "／", "＼", "。", "%", "%zz", "[::1]", ";", "&", "=", "a", "%E3%80%82", "\u2028", "\u200b", "~", "*",
}

// Browsers resolve addresses by the URL standard of the WHATWG. Node.js implements it, and Go does not.
func TestReturnPathsStayOnTheOriginInABrowser(t *testing.T) {
	apps := newSharedApps(t, authkit.WithSharedSession())
	ak, err := authkit.FromEnv(authkit.WithSharedSession())
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	var accepted []string
	refused := 0
	for range 200_000 {
		var target strings.Builder
		target.WriteString("/")
		for range random.IntN(8) {
			target.WriteString(pieces[random.IntN(len(pieces))])
		}
		path := ak.SanitizeReturnPath(target.String())
		if path != target.String() {
			refused++
			continue
		}
		accepted = append(accepted, path)
	}
	require.NotEmpty(t, accepted)
	require.NotZero(t, refused)
	for _, page := range []string{"https://app.example.com/", "https://app.example.com/callback?code=1", "http://localhost:8080/a/b/"} {
		assert.Empty(t, apps.leavingOrigin(page, accepted))
	}
	assert.Equal(t, []string{`/\evil.com`, "//evil.com"}, apps.leavingOrigin("https://app.example.com/", []string{"/a", `/\evil.com`, "//evil.com"}),
		"the check detects references to another origin")
}

// leavingOrigin returns the references that lead from page to another origin, as Node.js resolves them.
func (apps *sharedApps) leavingOrigin(page string, references []string) (leaving []string) {
	apps.t.Helper()
	query, err := json.Marshal(map[string]any{"page": page, "references": references})
	require.NoError(apps.t, err)
	resp, err := http.Post(apps.javascript+"/references", "application/json", bytes.NewReader(query))
	require.NoError(apps.t, err)
	defer resp.Body.Close()
	require.Equal(apps.t, http.StatusOK, resp.StatusCode)
	require.NoError(apps.t, json.NewDecoder(resp.Body).Decode(&leaving))
	return leaving
}
