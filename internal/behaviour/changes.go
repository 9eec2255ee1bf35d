// Changes at WorkOS: events about users, members, organizations, sessions and API keys, delivered to an application.

package behaviour

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

const (
	changesPath   = "/webhooks/changes"
	changesSecret = "secret-of-the-webhook-for-changes"
)

// Changes delivers events to an application. It signs them as WorkOS does.
type Changes struct{ app *App }

// ChangesOf mounts a webhook endpoint in an application.
func ChangesOf(a *App) *Changes {
	a.Mux.Handle("POST "+changesPath, a.Webhook(nil, changesSecret))
	return &Changes{a}
}

// Deliver delivers an event of a time about an object. It returns when the application has applied it.
func (c *Changes) Deliver(eventType string, at time.Time, data map[string]any) {
	a := c.app
	a.T.Helper()
	body, err := json.Marshal(map[string]any{
		"object": "event", "id": "event_" + rand.Text(), "event": eventType, "created_at": at.Format("2006-01-02T15:04:05.000Z"), "data": data,
	})
	require.NoError(a.T, err)
	timestamp := fmt.Sprint(a.Clock.Now().UnixMilli())
	mac := hmac.New(sha256.New, []byte(changesSecret))
	mac.Write([]byte(timestamp + "." + string(body)))
	r, err := http.NewRequest(http.MethodPost, a.URL+changesPath, bytes.NewReader(body))
	require.NoError(a.T, err)
	r.Header.Set(workos.WebhookSignatureHeader, "t="+timestamp+", v1="+hex.EncodeToString(mac.Sum(nil)))
	resp, err := a.client.RoundTrip(r)
	require.NoError(a.T, err)
	read, err := a.read(resp)
	require.NoError(a.T, err)
	require.Equal(a.T, http.StatusNoContent, read.Status, read.Body)
}

// Now delivers an event of the present.
func (c *Changes) Now(eventType string, data map[string]any) {
	c.app.T.Helper()
	c.Deliver(eventType, c.app.Clock.Now(), data)
}

// SetRole changes kim's role in an organization at WorkOS, and delivers the event.
func (c *Changes) SetRole(organization, role string) {
	c.app.T.Helper()
	c.app.Fake.UpdateUser(Kim, func(u *authkittest.User) {
		for i := range u.Memberships {
			if u.Memberships[i].OrganizationID == organization {
				u.Memberships[i].Role, u.Memberships[i].Roles = role, nil
			}
		}
	})
	c.Now(workos.EventOrganizationMembershipUpdated, MembershipOf("user_kim", organization))
}

// UserData returns the data of an event about a user.
func UserData(id string) map[string]any { return map[string]any{"object": "user", "id": id} }

// MembershipOf returns the data of an event about the membership of a user in an organization.
func MembershipOf(user, organization string) map[string]any {
	return map[string]any{"object": "organization_membership", "id": "om_1", "user_id": user, "organization_id": organization, "status": "active"}
}

// decoded returns the JSON object in the body of a response.
func decoded(t testing.TB, r Response) (object map[string]any) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(r.Body), &object), r.Body)
	return object
}

// SendAndGiveUp sends a request with a cookie. giveUp closes its connection. me then yields what the handler has seen of the
// session, an empty map for an anonymous request.
func (a *App) SendAndGiveUp(cookie string) (me <-chan map[string]any, giveUp func()) {
	a.T.Helper()
	seen := make(chan map[string]any, 1)
	a.Mux.HandleFunc("POST /given-up", func(_ http.ResponseWriter, r *http.Request) { seen <- meOf(r) })
	ctx, cancel := context.WithCancel(a.T.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL+"/given-up", nil)
	require.NoError(a.T, err)
	r.Header.Set("Cookie", cookie)
	sent := make(chan error, 1)
	go func() {
		resp, err := a.client.RoundTrip(r)
		if err == nil {
			resp.Body.Close()
		}
		sent <- err
	}()
	return seen, func() {
		cancel()
		require.ErrorIs(a.T, <-sent, context.Canceled)
	}
}
