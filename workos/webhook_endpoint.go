// Webhook endpoints: the addresses to which WorkOS sends events.

package workos

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"time"
)

// WebhookEndpoint is an address to which WorkOS sends events. Printed, logged or encoded as JSON, it does not show its
// secret.
//
// See https://workos.com/docs/reference/webhooks
type WebhookEndpoint struct {
	ID     string   `json:"id"` // "we_…"
	URL    string   `json:"endpoint_url"`
	Status string   `json:"status"` // WebhookEndpointEnabled or WebhookEndpointDisabled
	Events []string `json:"events"` // the types of events that it gets
	// Secret signs the deliveries: [ParseWebhook] needs it. Anyone who has it can forge events, so it must stay on the
	// server.
	Secret    string    `json:"-"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// The statuses of a [WebhookEndpoint].
const (
	WebhookEndpointEnabled  = "enabled"
	WebhookEndpointDisabled = "disabled" // WorkOS sends nothing to it
)

// CreateWebhookEndpointParams are the parameters of [Client.CreateWebhookEndpoint]. Both are required.
type CreateWebhookEndpointParams struct {
	URL    string   `json:"endpoint_url"` // https
	Events []string `json:"events"`       // types of events, such as [EventSessionRevoked]
}

// UpdateWebhookEndpointParams are the parameters of [Client.UpdateWebhookEndpoint]. A field with its zero value leaves
// the value of the endpoint unchanged.
type UpdateWebhookEndpointParams struct {
	URL    string   `json:"endpoint_url,omitempty"`
	Status string   `json:"status,omitempty"` // WebhookEndpointEnabled or WebhookEndpointDisabled
	Events []string `json:"events,omitempty"` // replaces all types
}

const (
	webhookEndpointsPath = "/webhook_endpoints"
	webhookEndpointPath  = webhookEndpointsPath + "/{webhook_endpoint_id}"
)

// CreateWebhookEndpoint makes WorkOS send events to an address, and returns the endpoint with its secret. If the address
// is registered already, the error has the code [CodeDuplicateEndpoint]. If the address cannot be used, it has the code
// [CodeInvalidURL]. A type of event that WorkOS does not know is a [*ValidationError]: some types are in the list of
// events, but cannot be sent.
//
// See https://workos.com/docs/reference/webhooks
func (c *Client) CreateWebhookEndpoint(ctx context.Context, p CreateWebhookEndpointParams) (*WebhookEndpoint, error) {
	first := ""
	if len(p.Events) > 0 {
		first = p.Events[0]
	}
	return fetch[WebhookEndpoint](ctx, c, call{
		method:   http.MethodPost,
		path:     webhookEndpointsPath,
		body:     p,
		required: []argument{{"endpoint_url", p.URL}, {"list_of_event_types", first}},
	})
}

// ListWebhookEndpoints lists the webhook endpoints of the environment, with their secrets.
//
// See https://workos.com/docs/reference/webhooks
func (c *Client) ListWebhookEndpoints(ctx context.Context, p Paging) iter.Seq2[WebhookEndpoint, error] {
	return list[WebhookEndpoint](ctx, c, call{path: webhookEndpointsPath}, p)
}

// UpdateWebhookEndpoint changes an endpoint and returns the updated endpoint. Its secret stays the same. The errors are
// those of [Client.CreateWebhookEndpoint].
//
// See https://workos.com/docs/reference/webhooks
func (c *Client) UpdateWebhookEndpoint(ctx context.Context, id string, p UpdateWebhookEndpointParams) (*WebhookEndpoint, error) {
	return fetch[WebhookEndpoint](ctx, c, call{method: http.MethodPatch, path: webhookEndpointPath, ids: []string{id}, body: p})
}

// DeleteWebhookEndpoint deletes an endpoint. WorkOS sends nothing to it any more.
//
// See https://workos.com/docs/reference/webhooks
func (c *Client) DeleteWebhookEndpoint(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: webhookEndpointPath, ids: []string{id}}, nil)
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the secret, which encoding omits.
func (e *WebhookEndpoint) UnmarshalJSON(data []byte) error {
	type plain WebhookEndpoint
	response := struct {
		*plain
		Secret *string `json:"secret"`
	}{(*plain)(e), &e.Secret}
	return json.Unmarshal(data, &response)
}

func (e *WebhookEndpoint) validate() error { return requireID(e.ID) }

// Format implements [fmt.Formatter]. It masks the secret.
func (e WebhookEndpoint) Format(s fmt.State, verb rune) {
	type plain WebhookEndpoint
	e.Secret = mask(e.Secret)
	format(s, verb, plain(e))
}
