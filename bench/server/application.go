// The application: a public page and a page for signed-in users.

package server

import (
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/authkit-go/authkit"
)

// The paths of the application.
const (
	publicPath   = "/"
	signedInPath = "/account"
)

// body is most of a page of 1.5 KB. net/http sends such a page in one write.
var body = `<!doctype html><html lang="en"><head><title>Harbor Press</title></head><body><h1>Harbor Press</h1>` +
	strings.Repeat("<p>A paragraph of about a hundred bytes, so that a page has a size that pages of applications have.</p>\n", 12)

// ArchiveSize is about how many bytes of other data the application holds, with the middleware and without it. In a server that
// holds nearly nothing, the garbage collector runs so often that a few more bytes in use change the CPU time of a request.
const ArchiveSize = 8 << 20

// newArchive returns these data: articles of 2 KB.
func newArchive() map[string][]byte {
	const article = 2 << 10
	archive := map[string][]byte{}
	for i := range ArchiveSize / article {
		archive[strconv.Itoa(i)] = make([]byte, article)
	}
	return archive
}

// config is the configuration of an application: with the middleware and a fake AuthKit, or without both.
type config struct {
	Middleware bool   `json:"middleware"`
	BaseURL    string `json:"base_url"`
	ClientID   string `json:"client_id"`
	APIKey     string `json:"api_key"`
}

func (c config) authkit(opts ...authkit.Option) (*authkit.AuthKit, error) {
	return authkit.New(append([]authkit.Option{
		authkit.WithAPIKey(c.APIKey),
		authkit.WithClientID(c.ClientID),
		authkit.WithBaseURL(c.BaseURL),
		authkit.WithCookiePassword(strings.Repeat("correct-horse-", 3)),
		authkit.WithRedirectURL("http://localhost/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
}

// handler returns the handler of the application. Without the middleware it is the same router with the same pages, and
// every request is Rosalind's.
func (c config) handler() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+publicPath+"{$}", func(w http.ResponseWriter, _ *http.Request) { writePage(w, "visitor") })
	if !c.Middleware {
		mux.HandleFunc("GET "+signedInPath, func(w http.ResponseWriter, _ *http.Request) { writePage(w, firstName) })
		return mux, nil
	}
	ak, err := c.authkit()
	if err != nil {
		return nil, err
	}
	mux.Handle("GET "+signedInPath, ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, _ := authkit.FromContext(r.Context())
		writePage(w, s.User().FirstName)
	})))
	return ak.Middleware(mux), nil
}

func writePage(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, body)
	io.WriteString(w, "<p>Hello, ")
	io.WriteString(w, name)
	io.WriteString(w, ".</p></body></html>\n")
}
