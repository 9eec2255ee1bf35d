// The test harness: a site with its two listeners, and users.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// testSite is a site with its listeners, for one test.
type testSite struct {
	*site
	t       *testing.T
	name    string
	private string // URL of the private listener
	log     *logBuffer
}

// logBuffer is what the site has logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// newTestSite starts a site. Access tokens live five minutes, as at WorkOS. world is its clock, nil for that of the system.
func newTestSite(t *testing.T, name string, world movableClock) *testSite {
	t.Helper()
	public, private := httptest.NewUnstartedServer(nil), httptest.NewUnstartedServer(nil)
	local := func(s *httptest.Server) string { // cookies and redirect URIs are for localhost, as those of the program
		return "http://" + strings.Replace(s.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	}
	s := &testSite{t: t, name: name, private: local(private), log: &logBuffer{}}
	var err error
	s.site, err = newSite(options{home: local(public), lifetime: 5 * time.Minute, world: world, log: slog.New(slog.NewTextHandler(s.log, nil))})
	require.NoError(t, err)
	public.Config.Handler, private.Config.Handler = s.site, s.site.private()
	public.Start()
	private.Start()
	t.Cleanup(func() {
		private.Close()
		assert.NoError(t, s.close(context.Background()))
		public.CloseClientConnections()
		public.Close()
	})
	return s
}

// press presses a button of the page with the incidents.
func (s *testSite) press(path string, fields url.Values) error {
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(s.private+path, fields)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusSeeOther {
		return &buttonError{path, response.Status, string(text)}
	}
	return nil
}

type buttonError struct{ path, status, text string }

func (e *buttonError) Error() string { return e.path + ": " + e.status + ": " + e.text }

// fetch reads a document of the private listener.
func (s *testSite) fetch(path string) (string, error) {
	response, err := http.Get(s.private + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(path + ": " + response.Status)
	}
	return string(text), err
}

// check is a part of the document of /healthz.
type check struct {
	Status, Reason string
	Skew           int `json:"skew_seconds"`
}

// healthDocument is the document of /healthz.
type healthDocument struct {
	Status string
	Checks map[string]check
}

func (s *testSite) healthDocument() (h healthDocument, err error) {
	text, err := s.fetch("/healthz")
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal([]byte(text), &h)
}

// signIn returns a browser that is signed in.
func (s *testSite) signIn(email string) (*authkittest.Browser, error) {
	b := authkittest.NewBrowser()
	_, err := b.SignIn(s.home+"/login", email)
	return b, err
}

// get requests a page of the site, and returns the status.
func (s *testSite) get(client *http.Client, path string, change func(*http.Request)) int {
	s.t.Helper()
	status, err := s.send(s.t.Context(), client, path, change)
	require.NoError(s.t, err)
	return status
}

// script makes a request one of a script, so that no sign-in begins by itself.
func script(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "cors") }
