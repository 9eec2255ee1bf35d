// The metadata of the resource, with which clients find the authorization server (RFC 9728).

package resource

import (
	"encoding/json"
	"net/http"
	"net/url"
)

const wellKnown = "/.well-known/oauth-protected-resource"

// metadataURL returns the address of a resource's metadata: the well-known path comes between the host and the path of the
// resource (RFC 9728 section 3.1).
func metadataURL(resource string) *url.URL {
	u, _ := url.Parse(resource) // New has checked it
	path := u.EscapedPath()
	if path == "/" {
		path = ""
	}
	address, _ := url.Parse(u.Scheme + "://" + u.Host + wellKnown + path)
	return address
}

// document returns the metadata (RFC 9728 section 2).
func (c *config) document(issuer, resource string) []byte {
	document, _ := json.Marshal(struct { // texts cannot fail
		Resource             string   `json:"resource"`
		AuthorizationServers []string `json:"authorization_servers"`
		ScopesSupported      []string `json:"scopes_supported,omitempty"`
		BearerMethods        []string `json:"bearer_methods_supported"`
		Name                 string   `json:"resource_name,omitempty"`
		Documentation        string   `json:"resource_documentation,omitempty"`
	}{resource, []string{issuer}, c.scopes, []string{"header"}, c.name, c.documentation})
	return document
}

// MetadataPath returns the path at which [Server.Metadata] must be mounted. It is
// /.well-known/oauth-protected-resource, followed by the path of the resource: for https://mcp.acme.com/mcp it is
// /.well-known/oauth-protected-resource/mcp. A proxy in front of the API must pass this path on unchanged, also if it passes on no
// other path outside of /mcp, or removes /mcp. Mount it for all methods, because a browser sends OPTIONS before GET.
func (s *Server) MetadataPath() string { return s.metadata.EscapedPath() }

// Metadata returns the handler of the metadata of this resource (RFC 9728). Clients read it without a token. It answers GET,
// HEAD and OPTIONS of every origin: an MCP client may be a page in a browser.
func (s *Server) Metadata() http.Handler {
	return public(func(w http.ResponseWriter, r *http.Request) {
		s.logHost(r)
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Cache-Control", "public, max-age=300")
		h.Set("X-Content-Type-Options", "nosniff")
		if r.Method != http.MethodHead {
			_, _ = w.Write(s.document)
		}
	})
}

// ServerMetadata returns the handler for /.well-known/oauth-authorization-server. Clients of an earlier MCP specification look
// for the authorization server at the resource itself. It redirects them to the issuer (RFC 8414), and proxies nothing.
func (s *Server) ServerMetadata() http.Handler {
	address, _ := url.Parse(s.issuer) // New has checked it
	target := address.Scheme + "://" + address.Host + "/.well-known/oauth-authorization-server" + address.EscapedPath()
	return public(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=300")
		http.Redirect(w, r, target, http.StatusFound)
	})
}

// public answers the methods that read, for every origin. What it serves is the same for all and needs no credentials.
func public(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			serve(w, r)
		case http.MethodOptions:
			h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
			h.Set("Access-Control-Allow-Headers", "*")
			h.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
		default:
			h.Set("Allow", "GET, HEAD, OPTIONS")
			http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
		}
	})
}
