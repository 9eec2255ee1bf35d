// The comparison of a request's path with one of this application's.

package authkit

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHasTargetPathComparesThePathOfTheRequestLine(t *testing.T) {
	lines := []string{"", "/", "/?", "/callback", "/callback?", "/callback?code=1", "/callback?a=/callback?b", "/callbacks", "/callbacks?code=1", "/callback/",
		"/callback/?code=1", "/call", "/call?back", "/a/callback?code=1", "?", "?/callback", "*", "/callback%3Fcode=1", "/callback#?"}
	matches := 0
	for _, requestURI := range lines {
		for _, path := range []string{"", "/", "/callback", "/callback/", "/call", "/a/callback"} {
			r := &http.Request{RequestURI: requestURI}
			assert.Equal(t, targetPath(r) == path, hasTargetPath(r, path), "%q %q", requestURI, path)
			if hasTargetPath(r, path) {
				matches++
			}
		}
	}
	assert.Equal(t, 14, matches)
}
