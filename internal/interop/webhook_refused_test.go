// Webhooks that are not accepted everywhere: what Go and the library of WorkOS for Node.js answer to the same one.

package interop_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

const plainEvent = `{"object":"event","id":"event_01A","event":"user.updated","created_at":"2026-05-04T10:00:00.000Z",` +
	`"data":{"object":"user","id":"user_01A","email":"yuki@example.com","first_name":"Yuki"}}`

// signedAt returns the header of a body that is signed some time after now.
func signedAt(after time.Duration, body string) string {
	timestamp := strconv.FormatInt(time.Now().Add(after).UnixMilli(), 10)
	return "t=" + timestamp + ", v1=" + signature(timestamp, body, endpointSecret)
}

// signedAs returns a header from a format with TIME, SIGNATURE of the body, and OTHER, a signature of another secret.
func signedAs(format, timestamp, body string) string {
	return strings.NewReplacer("TIME", timestamp, "SIGNATURE", signature(timestamp, body, endpointSecret),
		"OTHER", signature(timestamp, body, "another")).Replace(format)
}

// outcomes are the webhooks, with the error of ParseWebhook (nil: it accepts) and the text of the error in Node ("": it accepts).
// why explains each difference between the two. body is the plain event where it is empty. The times leave half a minute for a slow
// machine.
func outcomes() map[string]outcome {
	now, seconds := strconv.FormatInt(time.Now().UnixMilli(), 10), strconv.FormatInt(time.Now().Unix(), 10)
	const (
		noMatch    = "Signature hash does not match"
		tooOld     = "Timestamp outside the tolerance zone"
		incomplete = "Signature or timestamp missing"
		anyError   = " " // the signature, read as a time, is too old or not a number
	)
	forged := workos.ErrWebhookSignature
	large := plainEvent + strings.Repeat(" ", workos.MaxWebhookBody)
	notUTF8 := strings.Replace(plainEvent, "Yuki", "Y\xff", 1)
	return map[string]outcome{
		"authentic":                       {header: signedAt(0, plainEvent)},
		"150 seconds old":                 {header: signedAt(-150*time.Second, plainEvent)},
		"150 seconds ahead":               {header: signedAt(150*time.Second, plainEvent)},
		"without a space":                 {header: signedAs("t=TIME,v1=SIGNATURE", now, plainEvent)},
		"of a new and the old secret":     {header: signedAs("t=TIME, v1=SIGNATURE, v1=OTHER", now, plainEvent)},
		"with a later scheme":             {header: signedAs("t=TIME, v1=SIGNATURE, v2=abc", now, plainEvent)},
		"of a type that is unknown":       signed(strings.Replace(plainEvent, "user.updated", "acme.happened", 1), nil, ""),
		"with a zero byte in a text":      signed(strings.Replace(plainEvent, "Yuki", `\u0000`, 1), nil, ""),
		"with spaces around the JSON":     signed("\r\n "+plainEvent+"\t\n", nil, ""),
		"with a changed body":             {header: signedAt(0, plainEvent), body: strings.Replace(plainEvent, "Yuki", "Yuka", 1), ours: forged, theirs: noMatch},
		"with a body encoded again":       {header: signedAt(0, plainEvent), body: strings.ReplaceAll(plainEvent, `,"`, `, "`), ours: forged, theirs: noMatch},
		"with an added line feed":         {header: signedAt(0, plainEvent), body: plainEvent + "\n", ours: forged, theirs: noMatch},
		"with a removed body":             {header: signedAt(0, plainEvent), body: " ", ours: forged, theirs: noMatch},
		"of another secret":               {header: signedByGo(plainEvent, "another"), ours: forged, theirs: noMatch},
		"of the empty secret":             {header: signedByGo(plainEvent, ""), ours: forged, theirs: noMatch},
		"with a changed time":             {header: strings.Replace(signedAs("t=TIME, v1=SIGNATURE", now, plainEvent), "t="+now, "t="+now+"0", 1), ours: forged, theirs: noMatch},
		"with half of a signature":        {header: signedAt(0, plainEvent)[:50], ours: forged, theirs: noMatch},
		"with an empty signature":         {header: signedAs("t=TIME, v1=", now, plainEvent), ours: forged, theirs: "No signature hash"},
		"without a signature":             {header: signedAs("t=TIME", now, plainEvent), ours: forged, theirs: incomplete},
		"without a time":                  {header: signedAs("v1=SIGNATURE", now, plainEvent), ours: forged, theirs: incomplete},
		"with an empty header":            {header: "", ours: forged, theirs: incomplete},
		"signed over another time":        {header: "t=" + now + ", v1=" + signature(seconds, plainEvent, endpointSecret), ours: forged, theirs: noMatch},
		"210 seconds old":                 {header: signedAt(-210*time.Second, plainEvent), ours: workos.ErrWebhookTimestamp, theirs: tooOld},
		"of the year 1970":                {header: signedAs("t=TIME, v1=SIGNATURE", "1", plainEvent), ours: workos.ErrWebhookTimestamp, theirs: tooOld},
		"with seconds":                    {header: signedAs("t=TIME, v1=SIGNATURE", seconds, plainEvent), ours: workos.ErrWebhookTimestamp, theirs: tooOld},
		"old and of another secret":       {header: signedAs("t=TIME, v1=OTHER", "1700000000000", plainEvent), ours: forged, theirs: tooOld},
		"with a body that is not JSON":    signed("event_01A", workos.ErrWebhookBody, "JSON"),
		"with a byte order mark":          signed("\ufeff"+plainEvent, workos.ErrWebhookBody, "JSON"),
		"with two JSON values":            signed(plainEvent+plainEvent, workos.ErrWebhookBody, "JSON"),
		"with half of the JSON":           signed(plainEvent[:80], workos.ErrWebhookBody, "JSON"),
		"with null instead of an event":   signed("null", workos.ErrWebhookBody, "null"),
		"with a line feed in a JSON text": signed(strings.Replace(plainEvent, "Yuki", "Yu\nki", 1), workos.ErrWebhookBody, "JSON"),

		"240 seconds ahead": {header: signedAt(240*time.Second, plainEvent), ours: workos.ErrWebhookTimestamp,
			why: "Node has no limit for the future, so a signature of a wrong clock can be repeated for a long time"},
		"with a time that is not a number": {header: signedAs("t=TIME, v1=SIGNATURE", "now", plainEvent), ours: forged,
			why: "Node compares NaN with the limit, which is false"},
		"with a number and a unit": {header: signedAs("t=TIME, v1=SIGNATURE", now+"ms", plainEvent), ours: forged,
			why: "parseInt reads the digits at the start"},
		"with a signature of another scheme": {header: signedAs("t=TIME, v0=SIGNATURE", now, plainEvent), ours: forged,
			why: "Node reads no names: the first value is the time, the second one is the signature"},
		"with the time second": {header: signedAs("v1=SIGNATURE, t=TIME", now, plainEvent), theirs: anyError,
			why: "Node reads no names"},
		"with a scheme before v1": {header: signedAs("t=TIME, v0=abc, v1=SIGNATURE", now, plainEvent), theirs: noMatch,
			why: "Node reads no names"},
		"of the old and a new secret": {header: signedAs("t=TIME, v1=OTHER, v1=SIGNATURE", now, plainEvent), theirs: noMatch,
			why: "Node reads one signature, and Go all: so the order does not matter while a secret is replaced"},
		"with two times": {header: signedAs("t=TIME, v1=SIGNATURE, t=1", now, plainEvent), ours: forged,
			why: "Node reads the first one; Go accepts no header that two programs can read differently"},
		"with capital hexadecimal digits": {header: signedAs("t=TIME, v1=", now, plainEvent) + strings.ToUpper(signature(now, plainEvent, endpointSecret)), theirs: noMatch,
			why: "Node compares the texts, and Go the bytes, which are the same"},
		"of more than 1 MiB": {header: signedAt(0, large), body: large, ours: workos.ErrWebhookTooLarge,
			why: "Node leaves the limit to the server before it"},
		"with a byte that is not UTF-8": {header: signedAt(0, notUTF8), body: notUTF8, theirs: noMatch,
			why: "Node signs the body after it has replaced the byte by U+FFFD. WorkOS sends UTF-8"},
		"with such a byte, signed by Node": {header: signedAt(0, strings.ToValidUTF8(notUTF8, "\ufffd")), body: notUTF8, ours: forged,
			why: "Go verifies the body as it was received"},
		"without an event ID": signed(strings.Replace(plainEvent, "event_01A", "", 1), workos.ErrWebhookBody, "").because(
			"without its ID, an event cannot be distinguished from its duplicates"),
		"without a type":            signed(`{"object":"event","id":"event_01A","data":{}}`, workos.ErrWebhookBody, "").because("Node returns an event without a type"),
		"with an array":             signed(`[]`, workos.ErrWebhookBody, "").because("Node returns an event without an ID"),
		"with an ID as a number":    signed(strings.Replace(plainEvent, `"event_01A"`, `1`, 1), workos.ErrWebhookBody, "").because("Node checks no types"),
		"with no data":              signed(`{"object":"event","id":"event_01A","event":"user.updated"}`, nil, "undefined").because("Go reports it in Event.Payload, so that the event is not delivered again"),
		"with data of another form": signed(strings.Replace(plainEvent, `"yuki@example.com"`, `[]`, 1), nil, ""),
	}
}

// outcome is a webhook and what both answer.
type outcome struct {
	header, body string
	ours         error
	theirs, why  string
}

// signed returns the outcome of a body with an authentic signature.
func signed(body string, ours error, theirs string) outcome {
	return outcome{header: signedAt(0, body), body: body, ours: ours, theirs: theirs}
}

func (o outcome) because(why string) outcome {
	o.why = why
	return o
}

// statusOf returns the status of the handler Webhook for an error of ParseWebhook.
func statusOf(err error) int {
	switch {
	case err == nil:
		return http.StatusNoContent
	case errors.Is(err, workos.ErrWebhookBody):
		return http.StatusBadRequest
	case errors.Is(err, workos.ErrWebhookTooLarge):
		return http.StatusRequestEntityTooLarge
	default:
		return http.StatusUnauthorized
	}
}

func TestNodeAndGoAcceptTheSameWebhooksWithNamedExceptions(t *testing.T) {
	app := webhookApp(t, func(context.Context, workos.Event) error { return nil })
	var names []string
	var operations []operation
	all := outcomes()
	for name, o := range all {
		if o.body == "" {
			o.body = plainEvent
		}
		all[name], names = o, append(names, name)
		operations = append(operations, operation{"do": "webhook", "header": o.header, "secret": endpointSecret,
			"bytes": base64.StdEncoding.EncodeToString([]byte(o.body))})
	}
	for i, result := range inNode(t, operations...) {
		t.Run(names[i], func(t *testing.T) {
			o := all[names[i]]
			_, err := workos.ParseWebhook(http.Header{"Workos-Signature": {o.header}}, []byte(o.body), time.Now(), endpointSecret)
			if o.ours == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, o.ours)
			}
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, app.URL+"/webhooks/workos", bytes.NewReader([]byte(o.body)))
			require.NoError(t, err)
			request.Header.Set("WorkOS-Signature", o.header)
			response, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			response.Body.Close()
			assert.Equal(t, statusOf(o.ours), response.StatusCode)

			var theirs struct{ Error string }
			_ = json.Unmarshal(result, &theirs) // an event has no member of this name
			if o.theirs == "" {
				assert.Empty(t, theirs.Error)
			} else {
				assert.Contains(t, theirs.Error, o.theirs)
			}
			assert.Equal(t, (o.ours == nil) == (o.theirs == ""), o.why == "", "every difference is explained, and nothing else")
		})
	}
}

// Both accept these events, and read a value differently.
func TestNodeAndGoReadTheSameValuesWithNamedExceptions(t *testing.T) {
	for name, test := range map[string]struct{ sent, node, ours, why string }{
		"half of a surrogate pair": {`"\ud83d"`, `"\ud83d"`, `"\ufffd"`, "JavaScript texts have halves, and Go texts have not. WorkOS's texts are UTF-8"},
		"both halves":              {`"\ud83d\ude80"`, `"🚀"`, `"🚀"`, ""},
		"a large number":           {`9007199254740993`, `9007199254740992`, `9007199254740993`, "a JavaScript number is a float64; json.RawMessage keeps the digits"},
		"the last of two members":  {`1,"value":2`, `2`, `2`, ""},
		"a member in capitals":     {`1,"VALUE":2`, `1`, `2`, "encoding/json reads names without regard to case, and WorkOS sends no name twice"},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"object":"event","id":"event_01A","event":"acme.happened","data":{"value":` + test.sent + `}}`
			event, err := workos.ParseWebhook(http.Header{"Workos-Signature": {signedAt(0, body)}}, []byte(body), time.Now(), endpointSecret)
			require.NoError(t, err)
			var ours struct{ Value json.RawMessage }
			require.NoError(t, event.Decode(&ours))
			var node struct{ Data map[string]json.RawMessage }
			require.NoError(t, json.Unmarshal(inNode(t, operation{"do": "webhook", "header": signedAt(0, body), "body": body, "secret": endpointSecret})[0], &node))
			assert.Equal(t, test.node, string(node.Data["value"]))
			if strings.HasPrefix(test.ours, `"`) {
				assert.JSONEq(t, test.ours, string(ours.Value))
			} else {
				assert.Equal(t, test.ours, string(ours.Value))
			}
			assert.Equal(t, test.node == test.ours, test.why == "", "every difference is explained, and nothing else")
		})
	}
}
