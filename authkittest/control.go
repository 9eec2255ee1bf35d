// The control handler: what another process reads and changes of a fake, over HTTP.

package authkittest

import (
	"maps"
	"net/http"
)

// Control returns a handler with which another process watches and changes the fake. The fake itself does not serve
// it. A program that runs a fake for other processes serves it on an address of its own, which must be on a loopback host:
// the handler asks for no password. It has these routes:
//
//   - GET /counts returns the counts of [Server.Calls], [Server.Limited] and [Server.Refreshes], as
//     {"routes":{"GET /sso/jwks/{client_id}":{"calls":1,"limited":0},…},"refreshes":{"exchanged":0,…}}. Routes without a call
//     are left out.
//
//   - GET /sessions returns the sessions, oldest first, as
//     [{"id":"session_…","email":"…","created_at":"…","refreshed_at":null,"ended_at":null},…].
//
//   - POST /revoke with email=… ends the sessions of a user, and signs the user out in every browser at the fake. With
//     session_id=…, it ends one session, as [Server.RevokeSession]. It returns {"revoked":1}: the number of sessions that were
//     active. An unknown user or session is answered 404.
//
//   - GET /events returns the events, oldest first, as the API does: [{"id":"event_…","event":"…","created_at":"…","data":{…}},…].
//     With type=…, which can be repeated, it returns the events of these types.
//
//   - POST /emit with type=… and data=…, which is JSON, adds an event as [Server.EmitEvent], and returns {"id":"event_…"}.
//
//   - POST /membership with email=…, organization=… (an ID or a name) and role=… gives a user that role, and makes the user a member
//     if necessary. The permissions become those of the role (see [WithRole]), or without defined roles those that a member of the
//     organization had with this role when the fake started, or none. With remove=true instead of role, it ends the membership. It returns the membership. An unknown user or
//     organization is answered 404.
//
//   - POST /delete with email=… deletes a user, as [Server.DeleteUser]. With api_key=… (an ID or a name), it deletes the API keys
//     with this ID or name. It returns {"deleted":1}: the number of them. An unknown user or key is answered 404.
//
// These are for WorkOS Connect:
//
//   - POST /resource-indicator with resource=… registers the address of an API, as [Server.AddResourceIndicator], and returns all of
//     them: {"resources":["…"]}. An address that is not one is answered 400.
//
//   - POST /scope with scope=…, which can be repeated, adds scopes as [Server.AddScopes], and returns those that clients can request:
//     {"scopes":["…"]}.
//
//   - POST /machine with organization=… (an ID or a name) and scope=…, which can be repeated, adds a machine as [Server.AddMachine],
//     and returns {"client_id":"client_…","client_secret":"…"}. An unknown organization is answered 404.
//
//   - POST /resource-token with email=… and resource=… returns an access token of a client of the user, as [Server.ResourceToken]:
//     {"access_token":"…"}. claims=… is a JSON object of claims that replace others. null removes a claim. An unknown user is answered
//     404.
//
//   - POST /machine-token with client_id=… and claims=… returns an access token of a machine, as [Server.MachineToken]. An unknown
//     machine is answered 404.
//
//   - POST /revoke-application with email=… and client_id=… ends the access of a client, as [Server.RevokeAuthorizedApplication]. It
//     returns {"revoked":1}. A client without access is answered 404.
//
// Only the responses of POST /machine, /resource-token and /machine-token contain a secret or a token.
func (f *Server) Control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /counts", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, controlCounts{Routes: f.traffic.counts(), Refreshes: f.Refreshes()})
	})
	mux.HandleFunc("GET /sessions", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, f.controlSessions())
	})
	mux.HandleFunc("POST /revoke", f.controlRevoke)
	mux.HandleFunc("GET /events", f.controlEvents)
	mux.HandleFunc("POST /emit", f.controlEmit)
	mux.HandleFunc("POST /membership", f.controlMembership)
	mux.HandleFunc("POST /delete", f.controlDelete)
	mux.HandleFunc("POST /resource-indicator", f.controlResourceIndicator)
	mux.HandleFunc("POST /scope", f.controlScope)
	mux.HandleFunc("POST /machine", f.controlMachine)
	mux.HandleFunc("POST /resource-token", f.controlResourceToken)
	mux.HandleFunc("POST /machine-token", f.controlMachineToken)
	mux.HandleFunc("POST /revoke-application", f.controlRevokeApplication)
	return mux
}

// controlCounts is the response of GET /counts.
type controlCounts struct {
	Routes    map[Route]routeCounts `json:"routes"`
	Refreshes RefreshCounts         `json:"refreshes"`
}

type routeCounts struct {
	Calls   int `json:"calls"`
	Limited int `json:"limited"`
}

// counts returns the counts of the routes that were called.
func (t *traffic) counts() map[Route]routeCounts {
	t.mu.Lock()
	defer t.mu.Unlock()
	counts := map[Route]routeCounts{}
	for route, r := range maps.All(t.routes) {
		if r.calls > 0 {
			counts[route] = routeCounts{Calls: r.calls, Limited: r.limited}
		}
	}
	return counts
}

// controlSession is a session in the response of GET /sessions.
type controlSession struct {
	ID          string  `json:"id"`
	Email       string  `json:"email"`
	CreatedAt   string  `json:"created_at"`
	RefreshedAt *string `json:"refreshed_at"`
	EndedAt     *string `json:"ended_at"`
}

func (f *Server) controlSessions() []controlSession {
	sessions := []controlSession{}
	for _, s := range f.Sessions() {
		sessions = append(sessions, controlSession{
			ID: s.ID, Email: s.Email, CreatedAt: timestamp(s.CreatedAt), RefreshedAt: timeOrNull(s.RefreshedAt), EndedAt: timeOrNull(s.EndedAt),
		})
	}
	return sessions
}

// controlRevoke answers POST /revoke.
func (f *Server) controlRevoke(w http.ResponseWriter, r *http.Request) {
	revoked, found := f.revoke(r.FormValue("email"), r.FormValue("session_id"))
	if !found {
		write(w, http.StatusNotFound, &apiError{Message: "No such user or session. POST /revoke takes email or session_id."})
		return
	}
	write(w, http.StatusOK, map[string]int{"revoked": revoked})
}

// revoke ends the sessions of a user or one session, and returns how many of them were active.
func (f *Server) revoke(email, sessionID string) (revoked int, found bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.Now()
	if user := f.accountByEmail(email); user != nil {
		for _, s := range f.sessions {
			if s.userID == user.ID && s.active(now) {
				revoked++
			}
		}
		f.endSessionsOf(user.ID)
		return revoked, true
	}
	s := f.session(sessionID)
	if s == nil {
		return 0, false
	}
	if s.active(now) {
		revoked = 1
	}
	f.endSession(s)
	return revoked, true
}
