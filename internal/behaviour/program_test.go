// Runs of the suite against the application in this process.

package behaviour

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/testrun"
)

func TestTheSuitePassesForAnApplicationInThisProcess(t *testing.T) {
	t.Parallel()
	Run(t, Target{Name: "in this process", Start: func(t testing.TB, d Deployment) string {
		return NewInstance(t, d.Fake, nil, AppOptions{Password: d.CookiePassword, Log: d.Log}).URL
	}})
}

func TestTheSuitePassesForAnApplicationWithCompactCookies(t *testing.T) {
	t.Parallel()
	target := Target{Name: "in this process, compact", Start: func(t testing.TB, d Deployment) string {
		return NewInstance(t, d.Fake, nil, AppOptions{Password: d.CookiePassword, Log: d.Log, AuthKit: []authkit.Option{authkit.WithCompactCookie()}}).URL
	}}
	target.run(t, testrun.Length(aboutNoCookie, nil))
}

// aboutNoCookie are large tables of the suite that do not depend on the format of cookies.
var aboutNoCookie = []string{
	"TestAReturnPathOfAnotherOriginRedirectsToTheRoot", "TestTheRetryLinkOfACancelledSignInStaysOnThisOrigin", "TestAHostileRequestTargetRedirectsOnlyToThisOrigin",
	"TestForgedProxyHeadersChangeNoURLAndNoCookie", "TestAFailedCodeExchangeShowsAPageInBoundedTime", "TestTheCallbackDoesNotEchoItsQuery",
	"TestAnUnsupportedMethodConsumesNoState", "TestOnlyANavigationOfAnotherOriginStartsASignIn",
}

func TestTheListOfTablesAboutNoCookieHasNamesOfTheSuite(t *testing.T) {
	for _, name := range aboutNoCookie {
		assert.True(t, slices.ContainsFunc(suite, func(test func(*testing.T, *Instance)) bool {
			return strings.HasSuffix(runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name(), "."+name)
		}), name)
	}
}

func TestTheSuiteRunsEveryCaseInItsFiles(t *testing.T) {
	listed := map[string]bool{}
	for _, test := range suite {
		name := runtime.FuncForPC(reflect.ValueOf(test).Pointer()).Name()
		listed[name[strings.LastIndex(name, ".")+1:]] = true
	}
	assert.Len(t, listed, len(suite), "a case is listed twice")
	files, err := filepath.Glob("suite_*.go")
	require.NoError(t, err)
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") {
				assert.True(t, listed[f.Name.Name], "%s of %s is not in the suite", f.Name.Name, name)
			}
		}
	}
}

// TestMain runs up to 16 parallel tests at a time, because those that are parallel wait for real time, and need little of a
// processor.
func TestMain(m *testing.M) {
	testrun.Parallel(16)
	testrun.Main(m)
}
