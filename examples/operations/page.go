// The private listener: the metrics, the health, and the page with the incidents.

package main

import (
	"embed"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/authkit-go/authkit/examples/internal/demo"
)

//go:embed pages
var files embed.FS

var incidentsPage = demo.Parse(files, "pages/incidents.html")

// maxLeap is the longest time that a button lets pass, in minutes.
const maxLeap = 7 * 24 * 60

// private returns the handler of the private listener. It must not be public: the metrics say how much is used and what
// fails, and the buttons break the application. A real application has no such buttons, and serves its metrics on an address
// that only its Prometheus reaches.
func (s *site) private() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.telemetry.metrics)
	mux.HandleFunc("/healthz", s.healthz)
	mux.HandleFunc("GET /style.css", demo.Style)
	mux.HandleFunc("GET /incidents.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, files, "pages/incidents.css")
	})
	mux.Handle("GET /{$}", s.control(func(w http.ResponseWriter, r *http.Request) {
		demo.Show(w, http.StatusOK, incidentsPage, s.view())
	}))
	mux.Handle("POST /incidents/{name}", s.control(func(w http.ResponseWriter, r *http.Request) {
		n, err := number(r.FormValue("amount"))
		if err == nil {
			err = s.begin(r.PathValue("name"), n)
		}
		answer(w, r, err)
	}))
	mux.Handle("POST /incidents/{name}/end", s.control(func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, s.end(r.PathValue("name")))
	}))
	mux.Handle("POST /mend", s.control(func(w http.ResponseWriter, r *http.Request) { answer(w, r, s.mendAll()) }))
	mux.Handle("POST /leap", s.control(func(w http.ResponseWriter, r *http.Request) {
		minutes, err := number(r.FormValue("minutes"))
		if err == nil && (minutes < 1 || minutes > maxLeap) {
			err = errors.New("the minutes must be between 1 and " + strconv.Itoa(maxLeap))
		}
		if err == nil {
			s.world.Advance(time.Duration(minutes) * time.Minute)
		}
		answer(w, r, err)
	}))
	return demo.WithHeaders(mux, "'self'")
}

// control lets only this machine use a page or a button: the request must be for a loopback host, so that a name of another
// site that leads to this machine (DNS rebinding) does not pass, and a POST must come from a page of this listener or from a
// program.
func (s *site) control(next http.HandlerFunc) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			http.Error(w, "The incidents are at a loopback host only, such as localhost.", http.StatusForbidden)
			return
		}
		next(w, r)
	}))
}

func isLoopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// answer leads back to the page, or says what is wrong.
func answer(w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case errors.Is(err, errNoIncident):
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// number reads a number. An empty text is 0.
func number(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, errors.New("the amount is not a whole number")
	}
	return n, nil
}

func (s *site) healthz(w http.ResponseWriter, r *http.Request) {
	s.deployment.Load().ak.Healthz().ServeHTTP(w, r)
}

// view is the data of the page. It has no secret.
type view struct {
	Home, Health string
	Loads        []shownIncident
	Incidents    []shownIncident
	Active       bool // an incident lasts
}

type shownIncident struct {
	incident
	Active bool
	Now    int // the amount of an active incident, and otherwise its default
}

func (s *site) view() view {
	v := view{Home: s.home, Health: s.health()}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range incidents {
		shown := shownIncident{incident: i}
		if i.Amount != nil {
			shown.Now = i.Amount.Default
		}
		if active := s.active[i.Name]; active != nil {
			shown.Active, shown.Now = true, active.amount
		}
		if i.Load {
			v.Loads = append(v.Loads, shown)
			continue
		}
		v.Incidents = append(v.Incidents, shown)
		v.Active = v.Active || shown.Active
	}
	return v
}

// health returns the document of /healthz.
func (s *site) health() string {
	w := httptest.NewRecorder()
	s.healthz(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	return strings.TrimSpace(w.Body.String())
}
