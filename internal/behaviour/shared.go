// An application that shares its session cookie with an application of another AuthKit library.

package behaviour

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/seal"
	"github.com/authkit-go/authkit/workos"
)

// NewSharedSessionApp returns an application with WithSharedSession and the given options.
func NewSharedSessionApp(t testing.TB, opts ...authkit.Option) *App {
	return NewApp(t, AppOptions{AuthKit: append([]authkit.Option{authkit.WithSharedSession()}, opts...)})
}

// Neighbour is an application of another AuthKit library that shares the session of an App.
type Neighbour struct {
	app  *App
	iron seal.Sealer
}

// Neighbour returns a neighbour of the App. It has the same cookie password.
func (a *App) Neighbour() Neighbour {
	iron, err := seal.Iron(Password)
	require.NoError(a.T, err)
	return Neighbour{a, iron}
}

// Read opens a session cookie, "wos-session=…", and returns its members.
func (n Neighbour) Read(cookie string) map[string]any {
	n.app.T.Helper()
	_, text, _ := strings.Cut(cookie, "=")
	plaintext, err := n.iron.Open(text)
	require.NoError(n.app.T, err)
	var session map[string]any
	require.NoError(n.app.T, json.Unmarshal(plaintext, &session))
	return session
}

// Write seals a session and returns its cookie, "wos-session=…".
func (n Neighbour) Write(session map[string]any) (cookie string) {
	n.app.T.Helper()
	plaintext, err := json.Marshal(session)
	require.NoError(n.app.T, err)
	text, err := n.iron.Seal(plaintext)
	require.NoError(n.app.T, err)
	return "wos-session=" + text
}

// refresh refreshes a session as the other libraries do: members that they do not know are lost.
func (n Neighbour) refresh(cookie, organization string) string {
	n.app.T.Helper()
	session := n.Read(cookie)
	client, err := workos.NewClient(n.app.Fake.ClientID(), workos.WithAPIKey(n.app.Fake.APIKey()),
		workos.WithBaseURL(n.app.Fake.URL()), workos.WithClock(n.app.Clock))
	require.NoError(n.app.T, err)
	reply, err := client.AuthenticateWithRefreshToken(n.app.T.Context(), workos.AuthenticateWithRefreshTokenParams{
		RefreshToken: session["refreshToken"].(string), OrganizationID: organization,
	})
	require.NoError(n.app.T, err)
	return n.Write(map[string]any{"accessToken": reply.AccessToken, "refreshToken": reply.RefreshToken, "user": session["user"]})
}

// sharedCookie returns the Cookie header with the shared session that a response sets.
func (r Response) sharedCookie(t testing.TB) string {
	t.Helper()
	c := r.SetCookies(t)["wos-session"]
	require.NotNil(t, c, "no session cookie was set")
	return c.Name + "=" + c.Value
}
