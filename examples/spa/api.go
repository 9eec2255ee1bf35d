// The API: the handlers of authkit, the guards, and CORS around them.

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/rs/cors"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// newAPI returns the API for the scripts of pages at an origin such as https://app.example.com. Until ctx ends, it follows the
// events of WorkOS.
func newAPI(ctx context.Context, page string, options ...authkit.Option) (http.Handler, error) {
	ak, err := authkit.FromEnv(append(options,
		authkit.WithReturnOrigins(page),  // a sign-in may return there
		authkit.WithTrustedOrigins(page), // its scripts may post
	)...)
	if err != nil {
		return nil, err
	}
	go ak.Follow(ctx, nil, "") // a change at WorkOS holds here within seconds
	return api(ak, page), nil
}

func api(ak *authkit.AuthKit, page string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("POST /logout", ak.Logout())
	mux.Handle("POST /organization", ak.SwitchOrganization())
	mux.Handle("GET /me", ak.Me()) // JSON of the session: 200, or 401
	mux.Handle("GET /organizations", ak.RequireAuth(organizations(ak)))
	mux.Handle("GET /posts", ak.RequirePermission("posts:read")(http.HandlerFunc(listPosts)))
	mux.Handle("POST /posts", ak.RefuseCrossOrigin(ak.RequirePermission("posts:write")(http.HandlerFunc(addPost))))
	fromPage := cors.New(cors.Options{
		AllowedOrigins:   []string{page},          // exact: rs/cors takes an empty list for every origin
		AllowCredentials: true,                    // the session cookie
		AllowedMethods:   []string{"GET", "POST"}, // of the routes above
		AllowedHeaders:   []string{"Content-Type"},
		ExposedHeaders:   []string{"Retry-After"}, // otherwise scripts cannot read it
		MaxAge:           600,                     // seconds in which a browser repeats no preflight
	})
	handler := fromPage.Handler(ak.Middleware(mux)) // CORS is outermost
	return handler                                  // a guard would answer a preflight 401
}

// organization is an organization of the user, for the page's menu.
type organization struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// organizations lists the organizations of the signed-in user. They are not in the session.
func organizations(ak *authkit.AuthKit) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := authkit.FromContext(r.Context())
		list := []organization{}
		for m, err := range ak.Client().ListOrganizationMemberships(r.Context(), workos.ListOrganizationMembershipsParams{UserID: session.UserID()}) {
			if err != nil {
				http.Error(w, "The organizations cannot be listed now.", http.StatusBadGateway)
				return
			}
			list = append(list, organization{m.OrganizationID, cmp.Or(m.OrganizationName, m.OrganizationID)})
		}
		writeJSON(w, http.StatusOK, list)
	})
}

// post is a text that an organization has published.
type post struct {
	ID    int    `json:"id"`
	Title string `json:"title"`
}

// maxPosts and maxTitle bound the memory that an organization takes.
const (
	maxPosts = 100
	maxTitle = 200
)

// posts are the posts of each organization, guarded by postsMu.
var (
	postsMu sync.Mutex
	posts   = map[string][]post{}
)

func listPosts(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	postsMu.Lock()
	list := append([]post{}, posts[session.OrganizationID()]...)
	postsMu.Unlock()
	writeJSON(w, http.StatusOK, list)
}

func addPost(w http.ResponseWriter, r *http.Request) {
	session, _ := authkit.FromContext(r.Context())
	var added post
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4<<10)).Decode(&added)
	if added.Title = strings.TrimSpace(added.Title); err != nil || added.Title == "" || len(added.Title) > maxTitle {
		writeJSON(w, http.StatusBadRequest, map[string]string{"detail": "A post needs a title of at most 200 bytes."})
		return
	}
	postsMu.Lock()
	defer postsMu.Unlock()
	of := posts[session.OrganizationID()]
	if len(of) == maxPosts {
		writeJSON(w, http.StatusConflict, map[string]string{"detail": "There are 100 posts already."})
		return
	}
	added.ID = len(of) + 1
	posts[session.OrganizationID()] = append(of, added)
	writeJSON(w, http.StatusCreated, added)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the client is gone
}
