// The package documentation names every method and only existing tests.

package workos_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestTheDocumentationNamesEveryMethodAndOnlyExistingTests(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	client := reflect.TypeFor[*workos.Client]()
	for i := range client.NumMethod() {
		if method := client.Method(i); method.Type.NumIn() > 1 && method.Type.In(1) == reflect.TypeFor[context.Context]() {
			assert.Regexp(t, `\b`+method.Name+`\b`, string(doc))
		}
	}

	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var source []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		source = append(source, text...)
	}
	tests := regexp.MustCompile(`\b(Test|Example)[A-Z]\w+`).FindAllString(string(doc), -1)
	require.NotEmpty(t, tests)
	for _, test := range tests {
		assert.Contains(t, string(source), "\nfunc "+test+"(")
	}
}
