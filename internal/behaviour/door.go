// Doors: the places that accept credentials. Every kind of wrong credential is sent to every door.

package behaviour

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/internal/testkey"
	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/resource"
)

// Kinds are kinds of credentials. Each is a bit.
type Kinds int

// The kinds of credentials.
const (
	SessionToken Kinds = 1 << iota // an access token of a session
	ConnectToken                   // an access token of WorkOS Connect
	CustomerKey                    // an API key of a customer
)

// Door is a place that accepts credentials. Its handler requires the permission or the scope posts:read, if it can require one.
type Door struct {
	Column    string // in docs/doors.md; one of doorColumns
	Accepts   Kinds
	Refreshes bool // it refreshes a session before the access token expires
	Metadata  bool // the challenge of a 401 has the address of the API's metadata, and that of a missing scope
	// Send sends a credential and returns the answer.
	Send func(credential string) DoorAnswer
}

// DoorAnswer is the answer of a door.
type DoorAnswer struct {
	Passed bool   // the handler ran
	Text   string // what the client sees: the status and the error of the challenge

	Challenge string // the WWW-Authenticate of HTTP
}

// DoorHandler counts its calls.
type DoorHandler struct{ calls atomic.Int64 }

// Call counts a call.
func (h *DoorHandler) Call() { h.calls.Add(1) }

func (h *DoorHandler) ServeHTTP(http.ResponseWriter, *http.Request) { h.Call() }

// Passed reports whether send has called the handler.
func (h *DoorHandler) Passed(send func()) bool {
	before := h.calls.Load()
	send()
	return h.calls.Load() > before
}

// OverHTTP returns the answer of a door of net/http to a request, which send sends.
func (h *DoorHandler) OverHTTP(send func() Response) DoorAnswer {
	var resp Response
	passed := h.Passed(func() { resp = send() })
	text := strconv.Itoa(resp.Status)
	challenge := resp.Header.Get("WWW-Authenticate")
	if _, code, found := strings.Cut(challenge, `error="`); found {
		code, _, _ = strings.Cut(code, `"`)
		text += " " + code
	}
	return DoorAnswer{passed, text, challenge}
}

// DoorWorld is an application and an API with their issuers.
type DoorWorld struct {
	*App
	API *resource.Server // accepts tokens for APIURL

	loose                        bool // as in doorSetUp
	sessionIssuer, connectIssuer string
	keys                         map[Kinds]doorKey // that sign the tokens
}

// APIURL is the resource of the API of a DoorWorld.
const APIURL = "https://api.acme.test"

// doorKey is a signing key.
type doorKey struct {
	id      string
	private *testkey.Key
}

// doorSetUp says how a DoorWorld is set up.
type doorSetUp struct {
	name string
	// oneIssuer is the case of a custom domain: session tokens and tokens of Connect have one issuer and one key.
	oneIssuer bool
	// loose checks no audience of session tokens, and the API also accepts tokens for the whole environment.
	loose bool
}

var doorSetUps = []doorSetUp{
	{name: "two issuers"},
	{name: "one issuer and one key", oneIssuer: true},
	{name: "one issuer and one key, without an audience of the application", oneIssuer: true, loose: true},
}

// newDoorWorld starts an application and an API.
func newDoorWorld(t *testing.T, s doorSetUp) *DoorWorld {
	t.Helper()
	clock := authkittest.NewFakeClock(Start)
	fake := newFake(t, clock)
	w := &DoorWorld{loose: s.loose, sessionIssuer: fake.Issuer(), connectIssuer: "https://acme.authkit.test"}
	w.keys = map[Kinds]doorKey{SessionToken: {knownID, knownKey()}, ConnectToken: {"key_connect", connectKey()}}
	if s.oneIssuer {
		w.sessionIssuer, w.connectIssuer = fake.URL(), fake.URL()
		w.keys[ConnectToken] = w.keys[SessionToken]
	}
	opts := []authkit.Option{authkit.WithBearerTokens(), authkit.WithSharedSession()}
	forAPI := []resource.Option{resource.WithLogger(slog.New(slog.DiscardHandler)), resource.WithClock(clock), resource.WithJWKSURL(fake.URL() + "/oauth2/jwks")}
	if s.loose {
		forAPI = append(forAPI, resource.WithAudiences(fake.ClientID()))
	} else {
		opts = append(opts, authkit.WithAudiences(fake.ClientID()))
	}
	w.App = NewInstance(t, fake, clock, AppOptions{AuthKit: opts})
	w.addKnownToJWKS()
	key := w.keys[ConnectToken]
	fake.InjectFault(authkittest.RouteOAuthJWKS, authkittest.Fault{Body: marshal(object{"keys": []object{jwk(key.id, key.private)}})})
	var err error
	w.API, err = resource.New(w.connectIssuer, APIURL, forAPI...)
	require.NoError(t, err)
	return w
}

// connectKey is the signing key of tokens of Connect, if they have one of their own.
var connectKey = sync.OnceValue(func() *testkey.Key { return testkey.New(102) })

// claimsOf returns the claims of a valid token of kim. They are as similar as the two kinds can be: a JWT template can add claims.
func (w *DoorWorld) claimsOf(kind Kinds) object {
	now := w.Clock.Now().Unix()
	claims := object{"iss": w.sessionIssuer, "sub": "user_kim", "sid": "session_1", "client_id": w.Fake.ClientID(), "org_id": "org_acme",
		"permissions": []string{"posts:read"}, "scope": "posts:read", "jti": "jti_1", "auth_time": now, "iat": now, "exp": now + 300}
	if kind == ConnectToken {
		claims["iss"], claims["aud"], claims["client_id"], claims["sid"] = w.connectIssuer, APIURL, "client_assistant", "app_consent_1"
	}
	return claims
}

// token returns a token of kim with the changes of f.
func (w *DoorWorld) token(kind Kinds, f forgery) string {
	key := w.keys[kind]
	return f.of(w.claimsOf(kind), key.id, key.private)
}

// everyDoorOfSetUps is which of the doors get a row in the set-ups after the first one: all, or every third one, and in the next set-up
// others. A row whose answer depends on the set-up is sent to all.
var everyDoorOfSetUps = testrun.Length(3, 1)

// CheckDoors sends every row of docs/doors.md to all doors in the first set-up, and to as many as everyDoorOfSetUps says in the others.
// It checks which pass, and compares the answers with the columns of these doors in the document, or writes them with
// update. open returns the doors of an application.
func CheckDoors(t *testing.T, document string, update bool, open func(*testing.T, *DoorWorld) []Door) {
	cells := map[doorCell]string{}
	for i, s := range doorSetUps {
		t.Run(s.name, func(t *testing.T) {
			w := newDoorWorld(t, s)
			doors := open(t, w)
			for r, row := range doorRows {
				for column, d := range doors {
					if i > 0 && row.loose == 0 && (r+column+i)%everyDoorOfSetUps != 0 {
						continue
					}
					text := row.check(t, w, d)
					cell := doorCell{row.group + row.name, d.Column}
					if i == 0 {
						cells[cell] = text
					} else if row.loose == 0 || !s.loose {
						assert.Equal(t, cells[cell], text, "%s, %s: another answer than with %s", d.Column, row.name, doorSetUps[0].name)
					}
				}
			}
		})
	}
	checkDoorList(t, document, update, cells)
}

// keyCoolDown is longer than the time in which a second unknown key of a cookie causes no fetch of the keys. Without such a pause,
// the answer would depend on the credential before. All pauses of a test together are shorter than the time after which the keys
// are fetched in the background, because the clock must stand still during a fetch.
const keyCoolDown = 31 * time.Second

// check sends the credentials of a row to a door, checks whether they pass, and returns the answers to show.
func (row doorRow) check(t *testing.T, w *DoorWorld, d Door) string {
	accepted := row.passes
	if w.loose {
		accepted |= row.loose
	}
	send := func(kind Kinds, credential func() string) string {
		if row.pause && d.Refreshes {
			w.Clock.Advance(keyCoolDown)
		}
		answer := d.Send(credential())
		if passes := accepted&kind&d.Accepts != 0; !passes || !row.stale || !d.Refreshes {
			assert.Equal(t, passes, answer.Passed, "%s: %s: %s", d.Column, row.name, answer.Text)
		}
		if answer.Passed {
			return "**passes**"
		}
		if d.Metadata && (d.Accepts == ConnectToken || strings.HasPrefix(answer.Text, "401")) { // RFC 9728 section 5.1
			assert.Contains(t, answer.Challenge, `resource_metadata="`+APIURL+`/.well-known/oauth-protected-resource"`, "%s: %s", d.Column, row.name)
		}
		return answer.Text
	}
	if row.credential != nil {
		return send(row.passes|row.loose, func() string { return row.credential(w) })
	}
	var own, other []string
	for _, kind := range []Kinds{SessionToken, ConnectToken} {
		if row.only != 0 && row.only != kind {
			continue
		}
		text := send(kind, func() string { return w.token(kind, row.forge(w, w.keys[kind])) })
		if d.Accepts&kind != 0 {
			own = append(own, text)
		} else {
			other = append(other, text)
		}
	}
	if len(own) == 0 {
		own = other
	}
	if own = slices.Compact(own); len(own) == 1 {
		return own[0]
	}
	return "session: " + own[0] + ", Connect: " + own[1]
}
