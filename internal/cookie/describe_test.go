// Tests of the description of session cookies.

package cookie

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestADescriptionNamesSizesAndMissingChunksAndNoValue(t *testing.T) {
	codec := New(Settings{SessionName: "sid", AcceptedNames: []string{"former"}})
	for header, want := range map[string]string{
		"":                              "",
		"theme=dark; sid.9=x; sid2=x":   "",
		"sid=abc":                       "sid (3 bytes)",
		"sid=abc; theme=dark; sid=":     "sid (3 bytes), sid (0 bytes)",
		"sid.0=abc; sid.2=de":           "sid.0 (3 bytes), sid.2 (2 bytes), sid.1 is missing",
		"sid.3=abc":                     "sid.3 (3 bytes), sid.0 is missing, sid.1 is missing, sid.2 is missing",
		"former=abc; sid.0=a; sid.1=bc": "former (3 bytes), sid.0 (1 bytes), sid.1 (2 bytes)",
		strings.Repeat("sid=x; ", 18):   strings.Repeat("sid (1 bytes), ", 16) + "2 more",
	} {
		assert.Equal(t, want, codec.Describe(http.Header{"Cookie": {header}}), header)
	}
}

func TestSessionValuesAreThoseOfTheSessionAndItsChunks(t *testing.T) {
	codec := New(Settings{SessionName: "sid", AcceptedNames: []string{"former"}})
	h := http.Header{"Cookie": {"theme=dark; sid.2=b; sid=a; former=f", "sid.0=c; " + strings.Repeat("sid=x; ", 20)}}
	values := codec.SessionValues(h)
	assert.Equal(t, []string{"b", "a", "c"}, values[:3])
	assert.Len(t, values, 16)
}
