// Settings of the environment, and the API calls for them: redirect URIs and CORS origins.

package authkittest

import (
	"net/http"
	"net/url"
	"slices"
	"time"
)

// registeredURI is a redirect URI or a CORS origin.
type registeredURI struct {
	id, text  string
	createdAt time.Time
}

type redirectURIObject struct {
	Object    string `json:"object"`
	ID        string `json:"id"`
	URI       string `json:"uri"`
	Default   bool   `json:"default"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

type corsOriginObject struct {
	Object    string `json:"object"`
	ID        string `json:"id"`
	Origin    string `json:"origin"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

// seedRedirectURIs registers the redirect URIs of WithRedirectURIs.
func (f *Server) seedRedirectURIs() {
	for _, uri := range f.settings.redirectURIs {
		f.redirectURIs = append(f.redirectURIs, registeredURI{stableID("redirect_uri", uri), uri, f.clock.Now()})
	}
}

// accepts reports whether an authorization request can have a redirect URI.
func (f *Server) accepts(uri string) bool {
	var list []string
	for _, r := range f.redirectURIs {
		list = append(list, r.text)
	}
	return registered(uri, list)
}

// redirectURIObject returns a redirect URI in a response. The oldest one is the default.
func (f *Server) redirectURIObject(r registeredURI) redirectURIObject {
	at := timestamp(r.createdAt)
	return redirectURIObject{"redirect_uri", r.id, r.text, r.id == f.redirectURIs[0].id, at, at}
}

func (o registeredURI) originObject() corsOriginObject {
	at := timestamp(o.createdAt)
	return corsOriginObject{"cors_origin", o.id, o.text, at, at}
}

func uriID(r registeredURI) string { return r.id }

// createRedirectURI answers RouteCreateRedirectURI.
func (f *Server) createRedirectURI(c *call) (any, *apiError) {
	var in struct {
		URI optional[string] `json:"uri"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	u, err := url.Parse(in.URI.value)
	switch {
	case err != nil || u.Scheme == "" || u.Host == "" || u.Fragment != "":
		return nil, unprocessable("The uri must be an absolute URL without a fragment.")
	case slices.ContainsFunc(f.redirectURIs, func(r registeredURI) bool { return r.text == in.URI.value }):
		return nil, &apiError{Message: "The redirect URI is registered already."}
	}
	r := registeredURI{newID("redirect_uri"), in.URI.value, f.clock.Now()}
	f.redirectURIs = append(f.redirectURIs, r)
	return f.redirectURIObject(r), nil
}

// listRedirectURIs answers RouteListRedirectURIs.
func (f *Server) listRedirectURIs(c *call) (any, *apiError) {
	return page(c, f.redirectURIs, uriID, f.redirectURIObject)
}

// deleteRedirectURI answers RouteDeleteRedirectURI. The default can only be deleted as the last one.
func (f *Server) deleteRedirectURI(c *call) (any, *apiError) {
	i := slices.IndexFunc(f.redirectURIs, func(r registeredURI) bool { return r.id == c.PathValue("id") })
	switch {
	case i < 0:
		return nil, notFound("Redirect URI", c.PathValue("id"))
	case i == 0 && len(f.redirectURIs) > 1:
		return nil, &apiError{status: http.StatusConflict, Message: "The default redirect URI cannot be deleted."}
	}
	f.redirectURIs = slices.Delete(f.redirectURIs, i, i+1)
	return nil, nil
}

// createCORSOrigin answers RouteCreateCORSOrigin.
func (f *Server) createCORSOrigin(c *call) (any, *apiError) {
	var in struct {
		Origin optional[string] `json:"origin"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	u, err := url.Parse(in.Origin.value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != in.Origin.value:
		return nil, invalid(fieldProblem{Field: "origin", Code: "invalid"})
	case slices.ContainsFunc(f.corsOrigins, func(o registeredURI) bool { return o.text == in.Origin.value }):
		return nil, conflict("duplicate_cors_origin", "The origin is registered already.")
	}
	o := registeredURI{newID("cors_origin"), in.Origin.value, f.clock.Now()}
	f.corsOrigins = append(f.corsOrigins, o)
	return o.originObject(), nil
}

// listCORSOrigins answers RouteListCORSOrigins.
func (f *Server) listCORSOrigins(c *call) (any, *apiError) {
	return page(c, f.corsOrigins, uriID, registeredURI.originObject)
}
