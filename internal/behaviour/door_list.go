// docs/doors.md: the table of the answers of all doors.

package behaviour

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The columns of docs/doors.md.
const (
	DoorResource    = "`resource`"
	DoorMCP         = "MCP"
	DoorCookie      = "cookie"
	DoorPlainCookie = "unsealed cookie"
	DoorBearer      = "bearer"
	DoorAPIKey      = "API key"
	DoorAccept      = "`Accept`"
	DoorGRPCSession = "gRPC, sessions"
	DoorGRPCConnect = "gRPC, Connect"
	DoorGRPCBoth    = "gRPC, both"
)

var doorColumns = []string{DoorResource, DoorMCP, DoorCookie, DoorPlainCookie, DoorBearer, DoorAPIKey, DoorAccept, DoorGRPCConnect, DoorGRPCSession, DoorGRPCBoth}

const doorIntroduction = `# Which credential passes where

This page is for engineers and auditors who want to know what a wrong credential gets.

Each row is a credential, and each column is a place that accepts credentials. The tests send every credential to every place. A cell
says what the client gets: the status, and the ` + "`error`" + ` of the challenge in ` + "`WWW-Authenticate`" + `. *Passes* means that the handler ran. In all
other cells, it did not run.

| column | place | accepts |
|---|---|---|
| ` + DoorResource + ` | ` + "`resource.Server.Require`" + ` | tokens of WorkOS Connect |
| ` + DoorMCP + ` | ` + "`authkitmcp.Handler`" + ` | tokens of WorkOS Connect |
| ` + DoorCookie + ` | a guard, with a sealed session cookie that contains the token | session tokens |
| ` + DoorPlainCookie + ` | the same with ` + "`WithSharedSession`" + ` and a cookie without a seal | session tokens |
| ` + DoorBearer + ` | the same guard with ` + "`WithBearerTokens`" + ` and the Authorization header | session tokens |
| ` + DoorAPIKey + ` | ` + "`RequireAPIKey`" + ` | API keys of customers |
| ` + DoorAccept + ` | ` + "`Accept`" + ` with sessions, API keys and tokens of Connect, in the Authorization header | all three |
| ` + DoorGRPCConnect + ` | ` + "`authkitgrpc`" + ` with Resource, unary calls and streams | tokens of WorkOS Connect |
| ` + DoorGRPCSession + ` | ` + "`authkitgrpc`" + ` with Sessions, unary calls and streams | session tokens |
| ` + DoorGRPCBoth + ` | ` + "`authkitgrpc`" + ` with Sessions and Resource, unary calls and streams | both |

Each place requires the scope or the permission ` + "`posts:read`" + `. A row that changes a valid token is tested with a session token and with a
token of Connect, and both are sent to every place. The cell has the answer to the kind that the place accepts. The two valid tokens
are as similar as they can be: both have a scope, permissions and ` + "`sid`" + `.

The tests run three times. The answers are the same, except where a note says so:

1. The issuers and the keys are different. Session tokens must have the audience of the application, if they have one
   (` + "`authkit.WithAudiences`" + `).
2. The issuer and the key are the same, as it can be with a custom domain.
3. As 2, without ` + "`authkit.WithAudiences`" + `, and the API also accepts tokens for the whole environment
   (` + "`resource.WithAudiences`" + `). A row with ¹ then passes where session tokens are accepted, and one with ² where tokens of Connect are. In no
   set-up does a token of one kind pass where only the other kind is accepted.

A session in a sealed cookie is refreshed when its token has expired. WorkOS refuses the refresh tokens of these cookies, so the
answer is then 401, also within the 60 s in which other places still accept the token.

The tests write this list: ` + "`go test ./internal/behaviour -run EveryDoor -update`" + `, and ` + "`go test -run EveryDoor -update`" + ` in
` + "`contrib/authkitmcp`" + ` and ` + "`contrib/authkitgrpc`" + `. The rules are those of RFC 6750, RFC 8725, RFC 9068 and RFC 9728.
`

// doorCell is a cell of docs/doors.md. Its row is the group and the name.
type doorCell struct{ row, column string }

// title returns the name of a row with its note.
func (row doorRow) title() string {
	switch row.loose {
	case SessionToken:
		return row.name + " ¹"
	case ConnectToken:
		return row.name + " ²"
	default:
		return row.name
	}
}

// doorList returns docs/doors.md.
func doorList(cells map[doorCell]string) string {
	var list strings.Builder
	list.WriteString(doorIntroduction)
	group := ""
	for _, row := range doorRows {
		if row.group != group {
			group = row.group
			list.WriteString("\n## " + group + "\n\n| credential | " + strings.Join(doorColumns, " | ") + " |\n|---" + strings.Repeat("|---", len(doorColumns)) + "|\n")
		}
		list.WriteString("| " + row.title() + " |")
		for _, column := range doorColumns {
			list.WriteString(" " + cells[doorCell{group + row.name, column}] + " |")
		}
		list.WriteString("\n")
	}
	return list.String()
}

// readDoorList returns the cells of docs/doors.md. Cells of unknown rows are not in the next list.
func readDoorList(list string) map[doorCell]string {
	cells := map[doorCell]string{}
	group := ""
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			group = heading
		}
		values := strings.Split(strings.Trim(line, "|"), " | ")
		if len(values) != 1+len(doorColumns) {
			continue
		}
		name := strings.TrimRight(strings.TrimSpace(values[0]), " ¹²")
		for i, column := range doorColumns {
			cells[doorCell{group + name, column}] = strings.TrimSpace(values[1+i])
		}
	}
	return cells
}

// checkDoorList compares the cells with docs/doors.md, or writes them. The other cells stay.
func checkDoorList(t *testing.T, document string, update bool, cells map[doorCell]string) {
	t.Helper()
	written, err := os.ReadFile(document)
	if !update || !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	all := readDoorList(string(written))
	for cell, text := range cells {
		require.True(t, slices.Contains(doorColumns, cell.column), cell.column)
		all[cell] = text
	}
	list := doorList(all)
	if update {
		require.NoError(t, os.WriteFile(document, []byte(list), 0o644))
		return
	}
	assert.Equal(t, list, string(written), "run this test with -update")
	for _, row := range doorRows {
		for _, column := range doorColumns {
			assert.NotEmpty(t, all[doorCell{row.group + row.name, column}], "%s, %s: run the test of this column with -update", row.name, column)
		}
	}
}
