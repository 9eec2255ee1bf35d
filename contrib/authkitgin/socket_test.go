// A WebSocket on gin.

package authkitgin_test

import (
	"github.com/coder/websocket"
	"github.com/gin-gonic/gin"
)

// echo answers each text message of a WebSocket with the user's email address and the message.
func echo(c *gin.Context) {
	conn, err := websocket.Accept(c.Writer, c.Request, nil)
	if err != nil {
		return // Accept has answered
	}
	defer conn.CloseNow()
	for ctx := c.Request.Context(); ; {
		kind, message, err := conn.Read(ctx)
		if err != nil {
			return
		}
		if conn.Write(ctx, kind, []byte(visitor(c)+": "+string(message))) != nil {
			return
		}
	}
}
