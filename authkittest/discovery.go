// The discovery document.

package authkittest

import "net/http"

// discovery answers RouteDiscovery with the members that production publishes.
func (f *Server) discovery(w http.ResponseWriter, r *http.Request) {
	if !f.checkClient(w, r) {
		return
	}
	write(w, http.StatusOK, map[string]any{
		"issuer":                   f.Issuer(),
		"authorization_endpoint":   f.base + "/user_management/authorize",
		"token_endpoint":           f.base + "/user_management/authenticate",
		"jwks_uri":                 f.base + "/sso/jwks/" + f.clientID,
		"response_types_supported": []string{"code"},
	})
}
