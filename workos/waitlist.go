// Waitlists: persons who ask for access before they may sign up.
//
// The OpenAPI description 0.61 does not have these operations. They are those of version 11 of WorkOS's SDK for Node.js.

package workos

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// WaitlistDefault names the default waitlist of the environment where a call takes the ID of a waitlist.
const WaitlistDefault = "default"

// Waitlist is a waitlist of the environment.
type Waitlist struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// WaitlistEntry is a person on a waitlist.
type WaitlistEntry struct {
	ID         string    `json:"id"`
	WaitlistID string    `json:"waitlist_id,omitempty"`
	Email      string    `json:"email"`
	State      string    `json:"state"`                // a Waitlist constant, such as WaitlistPending
	ApprovedAt time.Time `json:"approved_at,omitzero"` // zero if the entry is not approved
	// AdditionalFields are what the person has filled in. Escape them as every text of a stranger.
	AdditionalFields map[string]string `json:"additional_fields,omitempty"`
	CreatedAt        time.Time         `json:"created_at,omitzero"`
	UpdatedAt        time.Time         `json:"updated_at,omitzero"`
}

// The states of a [WaitlistEntry].
const (
	WaitlistPending  = "pending"
	WaitlistApproved = "approved" // an invitation was sent
	WaitlistDenied   = "denied"
)

// CreateWaitlistEntryParams are the parameters of [Client.CreateWaitlistEntry]. Email is required. A field with its zero
// value is omitted.
type CreateWaitlistEntryParams struct {
	Email                 string            `json:"email"`
	AdditionalFields      map[string]string `json:"additional_fields,omitempty"` // at most 50, names of 40 and values of 600 characters
	SendConfirmationEmail bool              `json:"send_confirmation_email,omitempty"`
}

// ListWaitlistEntriesParams are the parameters of [Client.ListWaitlistEntries]. The zero value lists all entries.
type ListWaitlistEntriesParams struct {
	State string // only entries in this state
	Email string // only entries with this address
	Paging
}

const (
	waitlistsPath       = "/user_management/waitlists"
	waitlistPath        = waitlistsPath + "/{waitlist_id}"
	waitlistEntriesPath = waitlistPath + "/entries"
	waitlistEntryPath   = "/user_management/waitlist_entries/{waitlist_entry_id}"
)

// ListWaitlists returns the waitlists of the environment. The API returns all of them in one response.
func (c *Client) ListWaitlists(ctx context.Context) ([]Waitlist, error) {
	response, err := fetch[page[Waitlist]](ctx, c, call{method: http.MethodGet, path: waitlistsPath})
	if err != nil {
		return nil, err
	}
	return response.Data, nil
}

// GetWaitlist returns a waitlist. id may be [WaitlistDefault].
func (c *Client) GetWaitlist(ctx context.Context, id string) (*Waitlist, error) {
	return fetch[Waitlist](ctx, c, call{method: http.MethodGet, path: waitlistPath, ids: []string{id}})
}

// ListWaitlistEntries lists the entries of a waitlist. waitlistID may be [WaitlistDefault].
func (c *Client) ListWaitlistEntries(ctx context.Context, waitlistID string, p ListWaitlistEntriesParams) iter.Seq2[WaitlistEntry, error] {
	query := url.Values{}
	set(query, "state", p.State)
	set(query, "email", p.Email)
	return list[WaitlistEntry](ctx, c, call{path: waitlistEntriesPath, ids: []string{waitlistID}, query: query}, p.Paging)
}

// CreateWaitlistEntry adds an address to a waitlist. waitlistID may be [WaitlistDefault]. If the address is on the list, it
// returns the entry that is there, unchanged.
func (c *Client) CreateWaitlistEntry(ctx context.Context, waitlistID string, p CreateWaitlistEntryParams) (*WaitlistEntry, error) {
	return fetch[WaitlistEntry](ctx, c, call{
		method:   http.MethodPost,
		path:     waitlistEntriesPath,
		ids:      []string{waitlistID},
		body:     p,
		required: []argument{{"email", p.Email}},
	})
}

// ApproveWaitlistEntry approves an entry and sends an invitation to its address.
func (c *Client) ApproveWaitlistEntry(ctx context.Context, id string) (*WaitlistEntry, error) {
	return fetch[WaitlistEntry](ctx, c, call{method: http.MethodPost, path: waitlistEntryPath + "/approve", ids: []string{id}})
}

// DenyWaitlistEntry denies an entry.
func (c *Client) DenyWaitlistEntry(ctx context.Context, id string) (*WaitlistEntry, error) {
	return fetch[WaitlistEntry](ctx, c, call{method: http.MethodPost, path: waitlistEntryPath + "/deny", ids: []string{id}})
}

// DeleteWaitlistEntry removes an entry from its waitlist.
func (c *Client) DeleteWaitlistEntry(ctx context.Context, id string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: waitlistEntryPath, ids: []string{id}}, nil)
}

func (w *Waitlist) validate() error      { return requireID(w.ID) }
func (e *WaitlistEntry) validate() error { return requireID(e.ID) }
