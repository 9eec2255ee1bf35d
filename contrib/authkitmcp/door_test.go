// Which credentials pass Handler.

package authkitmcp_test

import (
	"flag"
	"testing"

	"github.com/authkit-go/authkit/contrib/authkitmcp"
	"github.com/authkit-go/authkit/internal/behaviour"
)

var update = flag.Bool("update", false, "write docs/doors.md")

func TestEveryDoorOfMCPPassesTokensOfConnectAlone(t *testing.T) {
	behaviour.CheckDoors(t, "../../docs/doors.md", *update, func(_ *testing.T, w *behaviour.DoorWorld) []behaviour.Door {
		handler := new(behaviour.DoorHandler)
		w.Mux.Handle("/mcp", authkitmcp.Handler(w.API, handler, "posts:read"))
		return []behaviour.Door{{Column: behaviour.DoorMCP, Accepts: behaviour.ConnectToken, Metadata: true, Send: func(credential string) behaviour.DoorAnswer {
			return handler.OverHTTP(func() behaviour.Response {
				return w.Send(behaviour.Request{Method: "POST", Target: "/mcp", Header: behaviour.Bearer(credential)})
			})
		}}}
	})
}
