// The control handler: WorkOS Connect.

package authkittest

import (
	"encoding/json"
	"net/http"
)

// controlResourceIndicator answers POST /resource-indicator.
func (f *Server) controlResourceIndicator(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.addResourceIndicator(r.FormValue("resource")); err != nil {
		write(w, http.StatusBadRequest, &apiError{Message: "POST /resource-indicator takes resource: " + err.Error() + "."})
		return
	}
	write(w, http.StatusOK, map[string][]string{"resources": f.oauth.resources})
}

// formValues returns the values of a field that can be repeated. Empty ones count as absent.
func formValues(r *http.Request, name string) []string {
	_ = r.FormValue(name) // parses the form
	var values []string
	for _, value := range r.Form[name] {
		if value != "" {
			values = append(values, value)
		}
	}
	return values
}

// controlScope answers POST /scope.
func (f *Server) controlScope(w http.ResponseWriter, r *http.Request) {
	scopes := formValues(r, "scope")
	if len(scopes) == 0 {
		write(w, http.StatusBadRequest, &apiError{Message: "POST /scope takes scope, which can be repeated."})
		return
	}
	f.AddScopes(scopes...)
	f.mu.Lock()
	defer f.mu.Unlock()
	write(w, http.StatusOK, map[string][]string{"scopes": f.scopesSupported()})
}

// controlMachine answers POST /machine.
func (f *Server) controlMachine(w http.ResponseWriter, r *http.Request) {
	scopes := formValues(r, "scope")
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.organizationNamed(r.FormValue("organization"))
	if i < 0 {
		write(w, http.StatusNotFound, &apiError{Message: "No such organization. POST /machine takes organization, which is an ID or a name, and scope."})
		return
	}
	c := f.addMachine(f.organizations[i].ID, scopes)
	write(w, http.StatusOK, map[string]string{"client_id": c.id, "client_secret": c.secret})
}

// controlResourceToken answers POST /resource-token.
func (f *Server) controlResourceToken(w http.ResponseWriter, r *http.Request) {
	f.controlToken(w, r, "No such user. POST /resource-token takes email, resource and claims.", func(claims []Claims) (token string, found bool) {
		user := f.accountByEmail(r.FormValue("email"))
		if user == nil {
			return "", false
		}
		return f.resourceToken(user, r.FormValue("resource"), claims), true
	})
}

// controlMachineToken answers POST /machine-token.
func (f *Server) controlMachineToken(w http.ResponseWriter, r *http.Request) {
	f.controlToken(w, r, "No such machine. POST /machine-token takes client_id and claims.", func(claims []Claims) (token string, found bool) {
		c := f.machine(r.FormValue("client_id"))
		if c == nil {
			return "", false
		}
		return f.machineToken(c, claims), true
	})
}

// controlToken answers with a token with the claims of a request, or with 404 and the text. issue runs with f.mu held.
func (f *Server) controlToken(w http.ResponseWriter, r *http.Request, notFound string, issue func([]Claims) (token string, found bool)) {
	var claims Claims
	if text := r.FormValue("claims"); text != "" && json.Unmarshal([]byte(text), &claims) != nil {
		write(w, http.StatusBadRequest, &apiError{Message: "claims must be a JSON object."})
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	token, found := issue([]Claims{claims})
	if !found {
		write(w, http.StatusNotFound, &apiError{Message: notFound})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	write(w, http.StatusOK, map[string]string{"access_token": token})
}

// controlRevokeApplication answers POST /revoke-application.
func (f *Server) controlRevokeApplication(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user := f.accountByEmail(r.FormValue("email"))
	if user == nil || !f.removeAuthorizedApplication(user.ID, r.FormValue("client_id")) {
		write(w, http.StatusNotFound, &apiError{Message: "The user has given this client no access. POST /revoke-application takes email and client_id."})
		return
	}
	write(w, http.StatusOK, map[string]int{"revoked": 1})
}
