// The router suite over each router, and the table in the README.

package routers

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// update makes the test write the table: go test . -update
var update = flag.Bool("update", false, "write the table of README.md")

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(m.Run())
}

// row is a router in the table.
type row struct {
	router  behaviour.Router
	version string // the module, for the table
	source  string // the file with the function to copy
	// run tests the columns, if the router suite cannot. It returns which hold.
	run func(t *testing.T) map[string]bool
}

// overNetHTTP returns a router that is an http.Handler.
func overNetHTTP(name string, build func(*authkit.AuthKit, pages) http.Handler) behaviour.Router {
	return behaviour.Router{Name: name, Serve: func(t testing.TB, l net.Listener, app *behaviour.RouterApp) {
		app.ServeHandler(t, l, build(app.AuthKit, pages{app.Ran, app.Messages, behaviour.SetCachingHeader}))
	}}
}

var rows = []row{
	{router: overNetHTTP("net/http", onNetHTTP), source: "nethttp.go"},
	{router: overNetHTTP("chi", onChi), version: "github.com/go-chi/chi/v5", source: "chi.go"},
	{router: overNetHTTP("echo v4", onEcho4), version: "github.com/labstack/echo/v4", source: "echo4.go"},
	{router: overNetHTTP("echo v5", onEcho5), version: "github.com/labstack/echo/v5", source: "echo5.go"},
	{router: overNetHTTP("gorilla/mux", onGorilla), version: "github.com/gorilla/mux", source: "gorilla.go"},
	{router: overNetHTTP("httprouter", onHTTPRouter), version: "github.com/julienschmidt/httprouter", source: "httprouter.go"},
	{
		router: behaviour.Router{Name: "connect-go", Without: map[string]string{
			"upgrade": "Connect has no upgrade. Its clients stream over HTTP, and both sides at once over HTTP/2.",
		}},
		version: "connectrpc.com/connect", source: "connect.go", run: runConnect,
	},
	{router: overNetHTTP("gin", onGin), version: "github.com/gin-gonic/gin", source: "gin.go"},
	{
		router: behaviour.Router{Name: "fiber", Serve: func(t testing.TB, l net.Listener, app *behaviour.RouterApp) {
			serveFiber(t, l, onFiber(app.AuthKit, pages{app.Ran, app.Messages, behaviour.SetCachingHeader}))
		}},
		version: "github.com/gofiber/fiber/v3", source: "fiber.go",
	},
}

// serveFiber serves an application on l until the test ends.
func serveFiber(t testing.TB, l net.Listener, app *fiber.App) {
	done := make(chan error, 1)
	go func() { done <- app.Listener(l, fiber.ListenConfig{DisableStartupMessage: true}) }()
	t.Cleanup(func() {
		assert.NoError(t, app.ShutdownWithTimeout(time.Second)) // an idle connection of the client may stay
		assert.NoError(t, <-done)
	})
}

// The markers around the table in README.md.
const (
	tableBegins = "<!-- table: go test . -update writes it -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

func TestTheTableOfTheREADMEShowsWhatHoldsForEachRouter(t *testing.T) {
	var table, notes strings.Builder
	fmt.Fprintf(&table, "| Router | Version | Source | %s |\n|---|---|---|%s\n", strings.Join(behaviour.RouterColumns, " | "), strings.Repeat(":-:|", len(behaviour.RouterColumns)))
	tested, footnotes := 0, 0
	for _, row := range rows {
		t.Run(row.router.Name, func(t *testing.T) {
			var holds map[string]bool
			if row.run != nil {
				holds = row.run(t)
			} else {
				holds = behaviour.RunRouter(t, row.router)
			}
			fmt.Fprintf(&table, "| %s | %s | [%s](%s) |", row.router.Name, versionOf(t, row.version), row.source, row.source)
			for _, column := range behaviour.RouterColumns {
				if reason := row.router.Without[column]; reason != "" {
					require.NotContains(t, holds, column)
					footnotes++
					fmt.Fprintf(&table, " – <sup>%d</sup> |", footnotes)
					fmt.Fprintf(&notes, "\n<sup>%d</sup> %s\n", footnotes, reason)
					continue
				}
				assert.True(t, holds[column], column)
				table.WriteString(" ✓ |")
			}
			table.WriteString("\n")
			tested++
		})
	}
	if tested < len(rows) || t.Failed() {
		return // -run has selected some routers, or the table would be wrong
	}
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	before, rest, begins := strings.Cut(string(readme), tableBegins)
	_, after, ends := strings.Cut(rest, tableEnds)
	require.True(t, begins && ends, "README.md has no markers for the table")
	want := before + tableBegins + table.String() + notes.String() + tableEnds + after
	if *update {
		require.NoError(t, os.WriteFile("README.md", []byte(want), 0o644))
		return
	}
	assert.Equal(t, want, string(readme), "run go test . -update")
}

// versionOf returns the version of a module in go.mod, or that of Go for "".
func versionOf(t *testing.T, module string) string {
	t.Helper()
	if module == "" {
		return "Go"
	}
	mod, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(fields) == 2 && fields[0] == module {
			return fields[1]
		}
	}
	require.Fail(t, "go.mod does not require "+module)
	return ""
}
