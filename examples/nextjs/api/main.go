// Command api is a Go back end beside a Next.js front end. The front end signs
// people in; this reads the session that it keeps, in the front end's own
// cookie, and refreshes it where that is due. Both take their configuration
// from the same variables: see README.md in this folder.
package main

import (
	"encoding/json"
	"log"
	"net/http"

	"github.com/authkit-go/authkit"
)

func main() {
	// There is no redirect URL: nobody signs in here.
	ak, err := authkit.FromEnv(authkit.WithSharedSession())
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", routes(ak)))
}

func routes(ak *authkit.AuthKit) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /api/me", ak.RequireAuth(http.HandlerFunc(me)))
	mux.Handle("GET /api/drafts", ak.RequirePermission("posts:write")(http.HandlerFunc(drafts)))
	return ak.Middleware(mux)
}

func me(w http.ResponseWriter, r *http.Request) {
	s, _ := authkit.FromContext(r.Context())
	write(w, map[string]any{"email": s.User().Email, "organization": s.OrganizationID(), "permissions": s.Permissions()})
}

func drafts(w http.ResponseWriter, r *http.Request) {
	s, _ := authkit.FromContext(r.Context())
	write(w, map[string]any{"organization": s.OrganizationID(), "drafts": []string{}})
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		log.Print(err)
	}
}
