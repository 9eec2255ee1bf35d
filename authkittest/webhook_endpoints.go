// API calls for webhook endpoints.

package authkittest

import (
	"crypto/rand"
	"net/http"
	"slices"
)

type webhookEndpointObject struct {
	Object    string   `json:"object"`
	ID        string   `json:"id"`
	URL       string   `json:"endpoint_url"`
	Secret    string   `json:"secret"`
	Status    string   `json:"status"`
	Events    []string `json:"events"`
	CreatedAt string   `json:"created_at"`
	UpdatedAt string   `json:"updated_at"`
}

// object returns the object of an endpoint. One of AddWebhookEndpoint for all types has no types.
func (e *webhookEndpoint) object() webhookEndpointObject {
	o := webhookEndpointObject{
		Object: "webhook_endpoint", ID: e.id, URL: e.url, Secret: e.secret, Status: "enabled", Events: append([]string{}, e.types...),
		CreatedAt: timestamp(e.createdAt), UpdatedAt: timestamp(e.updatedAt),
	}
	if e.disabled {
		o.Status = "disabled"
	}
	return o
}

// webhookEndpointFields are the members of the requests that create and update an endpoint.
type webhookEndpointFields struct {
	URL    optional[string]   `json:"endpoint_url"`
	Status optional[string]   `json:"status"`
	Events optional[[]string] `json:"events"`
}

// webhookEndpointProblem returns the error for the first invalid member, or nil. Production requires https. The fake also accepts http, because an
// application in a test has no certificate.
func (f *Server) webhookEndpointProblem(in webhookEndpointFields, except *webhookEndpoint) *apiError {
	if in.URL.sent {
		if !isWebhookURL(in.URL.value) {
			return &apiError{status: http.StatusUnprocessableEntity, Code: "invalid_url", Message: "Request could not be processed."}
		}
		if slices.ContainsFunc(f.webhooks.endpoints, func(e *webhookEndpoint) bool { return e != except && e.url == in.URL.value }) {
			return &apiError{status: http.StatusConflict, Code: "duplicate_endpoint", Message: "Request could not be processed."}
		}
	}
	for _, typ := range in.Events.value {
		if !eventTypes[typ] && !f.events.custom[typ] {
			return invalid(fieldProblem{Code: "unknown_event_type", Message: "Invalid enum value."})
		}
	}
	if in.Status.sent && in.Status.value != "enabled" && in.Status.value != "disabled" {
		return withMessages(invalid(fieldProblem{Field: "status", Code: "invalid"}))
	}
	return nil
}

// withMessages returns a 422 in the form of these calls: each of its errors has a message and no field, and there is at least one.
func withMessages(apiErr *apiError) *apiError {
	for i, problem := range apiErr.Errors {
		apiErr.Errors[i] = fieldProblem{Code: problem.Code, Message: "The member " + problem.Field + " is missing or invalid."}
	}
	if len(apiErr.Errors) == 0 {
		apiErr.Errors = []fieldProblem{{Code: "invalid", Message: "The request body is invalid."}}
	}
	return apiErr
}

// createWebhookEndpoint answers RouteCreateWebhookEndpoint.
func (f *Server) createWebhookEndpoint(c *call) (any, *apiError) {
	var in webhookEndpointFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, withMessages(apiErr)
	}
	switch {
	case in.URL.value == "":
		return nil, withMessages(required("endpoint_url"))
	case len(in.Events.value) == 0:
		return nil, withMessages(required("events"))
	}
	if apiErr := f.webhookEndpointProblem(in, nil); apiErr != nil {
		return nil, apiErr
	}
	return f.addWebhookEndpoint(in.URL.value, "whsec_"+rand.Text(), in.Events.value).object(), nil
}

// listWebhookEndpoints answers RouteListWebhookEndpoints.
func (f *Server) listWebhookEndpoints(c *call) (any, *apiError) {
	return page(c, f.webhooks.endpoints, func(e *webhookEndpoint) string { return e.id }, (*webhookEndpoint).object)
}

// webhookEndpointOf returns the endpoint whose ID is in the path.
func (f *Server) webhookEndpointOf(c *call) (*webhookEndpoint, *apiError) {
	for _, e := range f.webhooks.endpoints {
		if e.id == c.PathValue("id") {
			return e, nil
		}
	}
	return nil, &apiError{status: http.StatusNotFound, Code: "entity_not_found", Message: "Request could not be processed."}
}

// updateWebhookEndpoint answers RouteUpdateWebhookEndpoint. It does not change members that the request omits.
func (f *Server) updateWebhookEndpoint(c *call) (any, *apiError) {
	e, apiErr := f.webhookEndpointOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in webhookEndpointFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, withMessages(apiErr)
	}
	if apiErr := f.webhookEndpointProblem(in, e); apiErr != nil {
		return nil, apiErr
	}
	set(&e.url, in.URL)
	if in.Status.sent {
		e.disabled = in.Status.value == "disabled"
	}
	if in.Events.sent {
		e.types = in.Events.value
	}
	e.updatedAt = f.clock.Now()
	return e.object(), nil
}

// deleteWebhookEndpoint answers RouteDeleteWebhookEndpoint.
func (f *Server) deleteWebhookEndpoint(c *call) (any, *apiError) {
	e, apiErr := f.webhookEndpointOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	e.deleted = true
	f.webhooks.endpoints = slices.DeleteFunc(f.webhooks.endpoints, func(other *webhookEndpoint) bool { return other == e })
	return nil, nil
}
