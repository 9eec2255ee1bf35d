// The routes that examples/stdlib lacks: they show what instances with one store do together.

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/examples/internal/demo"
)

// slowLimit is the longest time that /slow takes.
const slowLimit = 10 * time.Second

// slow is the account page, after the time in the query parameter for. The default is a second. In this time, the user can
// sign out at another instance.
func slow(w http.ResponseWriter, r *http.Request) {
	wait := time.Second
	if text := r.FormValue("for"); text != "" {
		var err error
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 || wait > slowLimit {
			http.Error(w, fmt.Sprintf("for is a duration of at most %v, for example 2s.", slowLimit), http.StatusBadRequest)
			return
		}
	}
	over := time.NewTimer(wait)
	defer over.Stop()
	select {
	case <-over.C:
		session, _ := authkit.FromContext(r.Context())
		demo.ShowAccount(w, session)
	case <-r.Context().Done():
	}
}

// key returns the ID and the permissions of the API key that the request has.
func key(w http.ResponseWriter, r *http.Request) {
	k, _ := authkit.APIKeyFromContext(r.Context())
	writeJSON(w, map[string]any{"id": k.ID, "organization_id": k.Owner.OrganizationID, "permissions": k.Permissions})
}

// storeStats is the document of /stats. The page of the instances shows it.
type storeStats struct {
	State    string `json:"state"`
	Error    string `json:"error,omitempty"`
	LogAge   int64  `json:"log_age_ms"`
	Notices  int    `json:"notices"`
	Waiting  int    `json:"waiting"`
	Commands uint64 `json:"commands"`
	Failures uint64 `json:"failures"`
	Events   string `json:"events"` // who follows the events of WorkOS, as this instance knows
}

// stats serves the state of this instance. An application serves it to its operators only.
func stats(ak *authkit.AuthKit) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		all := ak.Stats()
		s := all.Store
		document := storeStats{
			State: s.State, LogAge: s.LogAge.Milliseconds(), Notices: s.Notices, Waiting: s.Waiting, Commands: s.Commands, Failures: s.Failures,
			Events: all.Events.State,
		}
		if s.Err != nil {
			document.Error = s.Err.Error()
		}
		writeJSON(w, document)
	})
}

func writeJSON(w http.ResponseWriter, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(document) // an error means that the client is gone
}
