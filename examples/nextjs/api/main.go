// Command api is a Go back end beside a Next.js front end. The front end signs users in. This program reads the session
// in the front end's cookie, and refreshes it when necessary. Both read the same environment variables: see README.md in
// the folder above.
package main

import (
	"encoding/json"
	"log"
	"net/http"

	"github.com/authkit-go/authkit"
)

func main() {
	// No redirect URL is needed, because users sign in at the front end.
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
