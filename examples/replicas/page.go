// The page that shows the instances, and its buttons.

package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/authkit-go/authkit/examples/internal/demo"
)

//go:embed pages
var files embed.FS

var instancesPage = demo.Parse(files, "pages/instances.html")

// policy is the Content-Security-Policy of the page. Its sign-out form leads to the fake AuthKit, and from there back.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self' http:; " +
	"base-uri 'none'; frame-ancestors 'none'"

// view is the data of the page.
type view struct {
	Store     string
	Instances []shownInstance
	Requests  []answered
	WorkOS    *workOSState // nil if the fake does not answer
}

// shownInstance is an instance with what it reports about the store.
type shownInstance struct {
	instanceState
	Stats *storeStats // nil if the instance does not answer
}

// storeStats is the document of /stats of an instance.
type storeStats struct {
	State    string `json:"state"`
	Error    string `json:"error"`
	LogAge   int64  `json:"log_age_ms"`
	Notices  int    `json:"notices"`
	Waiting  int    `json:"waiting"`
	Commands uint64 `json:"commands"`
	Failures uint64 `json:"failures"`
	Events   string `json:"events"`
}

// workOSState is what the fake says of its sessions.
type workOSState struct {
	Exchanged, MostPresented, Refused, Limited int
	Users                                      []userSessions // with an active session
}

type userSessions struct {
	Email  string
	Active int
}

// routes returns the handler of the front: the page, and the application at all other paths.
func routes(f *front, workOS controlClient, store string) http.Handler {
	page := http.NewServeMux()
	page.HandleFunc("GET /instances", func(w http.ResponseWriter, r *http.Request) {
		demo.Show(w, http.StatusOK, instancesPage, f.view(r.Context(), workOS, store))
	})
	// The part of the page that changes. The script fetches it once a second.
	page.HandleFunc("GET /instances/live", func(w http.ResponseWriter, r *http.Request) {
		var text bytes.Buffer
		if err := instancesPage.ExecuteTemplate(&text, "live", f.view(r.Context(), workOS, store)); err != nil {
			slog.Error("show the instances", slog.Any("error", err))
			http.Error(w, "The instances could not be shown.", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(text.Bytes())
	})
	for _, name := range []string{"watch.js", "instances.css"} {
		page.HandleFunc("GET /instances/"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, files, "pages/"+name)
		})
	}
	page.HandleFunc("POST /instances/{do}", func(w http.ResponseWriter, r *http.Request) {
		if err := f.do(r.Context(), workOS, r.PathValue("do"), r.FormValue("name")); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, "/instances", http.StatusSeeOther)
	})

	mux := http.NewServeMux()
	guarded := http.NewCrossOriginProtection().Handler(page)
	mux.Handle("/instances", withHeaders(guarded))
	mux.Handle("/instances/", withHeaders(guarded))
	mux.HandleFunc("GET /style.css", demo.Style) // also if no instance runs
	mux.Handle("/", f.handler())
	return mux
}

func withHeaders(page http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Referrer-Policy", "same-origin")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		page.ServeHTTP(w, r)
	})
}

// do runs what a button of the page asks for: name is an instance, or the user whose sessions WorkOS revokes.
func (f *front) do(ctx context.Context, workOS controlClient, button, name string) error {
	if button == "revoke" {
		return workOS.revoke(ctx, name)
	}
	i := f.fleet.find(name)
	if i == nil {
		return fmt.Errorf("there is no instance %q", name)
	}
	switch button {
	case "kill":
		i.kill()
		return nil
	case "start":
		return i.start()
	case "restart":
		i.stop()
		return i.start()
	default:
		return fmt.Errorf("there is no button %q", button)
	}
}

func (f *front) view(ctx context.Context, workOS controlClient, store string) view {
	v := view{Store: store, Requests: f.requests(), Instances: make([]shownInstance, len(f.fleet))}
	f.fleet.each(func(n int, i *instance) {
		state := i.state()
		v.Instances[n] = shownInstance{state, statsOf(ctx, state.Host)}
	})
	var err error
	if v.WorkOS, err = workOS.state(ctx); err != nil && ctx.Err() == nil {
		slog.Warn("the fake AuthKit does not answer", slog.Any("error", err))
	}
	return v
}

// statsOf returns what an instance reports about the store, or nil if the instance does not answer.
func statsOf(ctx context.Context, host string) *storeStats {
	if host == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var stats storeStats
	if err := getJSON(ctx, "http://"+host+"/stats", &stats); err != nil {
		return nil
	}
	return &stats
}

// controlClient calls the control handler of a fake AuthKit.
type controlClient struct{ url string }

// watchHTTP asks the fake and the instances what the page shows.
var watchHTTP = &http.Client{Timeout: 5 * time.Second}

// state returns the counts of the fake, and the users with an active session.
func (c controlClient) state(ctx context.Context) (*workOSState, error) {
	var counts struct {
		Refreshes struct {
			Exchanged, Refused, Limited int
			MostPresented               int `json:"most_presented"`
		}
	}
	var sessions []struct {
		Email   string
		EndedAt *time.Time `json:"ended_at"`
	}
	if err := errors.Join(getJSON(ctx, c.url+"/counts", &counts), getJSON(ctx, c.url+"/sessions", &sessions)); err != nil {
		return nil, err
	}
	s := &workOSState{
		Exchanged: counts.Refreshes.Exchanged, MostPresented: counts.Refreshes.MostPresented,
		Refused: counts.Refreshes.Refused, Limited: counts.Refreshes.Limited,
	}
	for _, session := range sessions {
		if session.EndedAt != nil {
			continue
		}
		n := slices.IndexFunc(s.Users, func(u userSessions) bool { return u.Email == session.Email })
		if n < 0 {
			n, s.Users = len(s.Users), append(s.Users, userSessions{Email: session.Email})
		}
		s.Users[n].Active++
	}
	return s, nil
}

// revoke ends the sessions of a user at the fake.
func (c controlClient) revoke(ctx context.Context, email string) error {
	form := url.Values{"email": {email}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/revoke", strings.NewReader(form))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return send(r, nil)
}

func getJSON(ctx context.Context, address string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	return send(r, into)
}

func send(r *http.Request, into any) error {
	response, err := watchHTTP.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("%s %s: %s", r.Method, r.URL, response.Status)
	case into == nil:
		return nil
	default:
		return json.NewDecoder(response.Body).Decode(into)
	}
}

// Clock returns the time of day of a request.
func (a answered) Clock() string { return a.At.Format("15:04:05.000") }

// Seconds returns how long ago the instance has read the log of the store to its end.
func (s storeStats) Seconds() string { return fmt.Sprintf("%.1f s", float64(s.LogAge)/1000) }

// Milliseconds returns how long the instance took.
func (a answered) Milliseconds() string { return fmt.Sprintf("%d ms", a.Took.Milliseconds()) }
