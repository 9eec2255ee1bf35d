// The doors of net/http: which credentials pass.

package behaviour

import (
	"flag"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/authkit-go/authkit"
)

var update = flag.Bool("update", false, "write docs/doors.md")

// RFC 6750, RFC 8725, RFC 9068 and RFC 9728.
func TestEveryDoorOfHTTPPassesItsOwnKindOfCredentialAlone(t *testing.T) {
	t.Parallel()
	CheckDoors(t, "../../docs/doors.md", *update, func(_ *testing.T, w *DoorWorld) []Door {
		handler := new(DoorHandler)
		w.Mux.Handle("/door/resource", w.API.Require("posts:read")(handler))
		w.Mux.Handle("/door/session", w.RequirePermission("posts:read")(handler))
		w.Mux.Handle("/door/key", w.RequireAPIKey("posts:read")(handler))
		w.Mux.Handle("/door/any", w.Accept(authkit.Sessions("posts:read"), authkit.APIKeys("posts:read"), authkit.ResourceTokens(w.API, "posts:read"))(handler))
		bearer := func(path string) func(string) DoorAnswer {
			return func(credential string) DoorAnswer {
				return handler.OverHTTP(func() Response { return w.Send(Request{Target: path, Header: Bearer(credential)}) })
			}
		}
		var cookies atomic.Int64 // each cookie has a refresh token of its own
		cookie := func(of func(token, refreshToken string) string) func(string) DoorAnswer {
			return func(credential string) DoorAnswer {
				cookie := of(credential, fmt.Sprint("refresh-token-", cookies.Add(1)))
				return handler.OverHTTP(func() Response { return w.Send(Request{Target: "/door/session", Header: Scripted(), Cookie: cookie}) })
			}
		}
		return []Door{
			{Column: DoorResource, Accepts: ConnectToken, Metadata: true, Send: bearer("/door/resource")},
			{Column: DoorBearer, Accepts: SessionToken, Send: bearer("/door/session")},
			{Column: DoorAPIKey, Accepts: CustomerKey, Send: bearer("/door/key")},
			{Column: DoorAccept, Accepts: SessionToken | ConnectToken | CustomerKey, Metadata: true, Send: bearer("/door/any")},
			{Column: DoorCookie, Accepts: SessionToken, Refreshes: true, Send: cookie(func(token, refreshToken string) string {
				return w.sealed(token, object{"refreshToken": refreshToken})
			})},
			{Column: DoorPlainCookie, Accepts: SessionToken, Refreshes: true, Send: cookie(func(token, refreshToken string) string {
				return unsealedCookie(token, refreshToken, nil)
			})},
		}
	})
}
