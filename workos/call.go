// Call: the operations of the API that have no method yet.

package workos

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// QueryAndBody is the input of a [Client.Call] that has both query parameters and a body.
type QueryAndBody struct {
	Query url.Values
	Body  any // encoded as JSON, as the in of Call is
}

// Call makes a call that has no method in this package. It has the base URL, the API key, the time limits, the retries
// (only GET) and the errors of the other calls. A public client cannot use it.
//
// The path is written as in the API reference, with a {name} for each ID, and ids are the values of these names, in
// their order:
//
//	var group struct{ Name string }
//	err := client.Call(ctx, http.MethodGet, "/organizations/{id}/groups/{group_id}", nil, &group, organizationID, "group_01A")
//
// An ID is escaped and stays one segment of the path, whatever it contains. It is an error if it is empty, "." or "..".
// Do not join IDs to the path: an ID with a slash in it would then name another resource, and errors show the path. The
// path itself has no scheme, no host, no query, no fragment, no escapes, no empty segments and no dot segments.
//
// The type of in determines what is sent:
//
//   - nil: neither query parameters nor a body;
//   - [url.Values]: query parameters;
//   - [QueryAndBody]: both;
//   - every other type: a body, which is the JSON of an object or of a list. A struct, a map and a [json.RawMessage] are such.
//
// The method is GET, POST, PUT, PATCH or DELETE. A GET has no body.
//
// The response is decoded into out, as [json.Unmarshal] does. A *json.RawMessage gets the JSON text itself. If out is nil,
// the body of the response is ignored. A response with status 204 has no body, and leaves out unchanged. Every other
// response of a success that is not JSON is a [*TransportError]. After an error, do not use what out points to.
//
// Call reads one page of a list: decode the member list_metadata too, and pass its after as the query parameter after of the
// next call, until it is null. The second example shows it.
//
// In a test, authkittest.Server.InjectFault answers a route that the fake does not have.
//
// An argument that cannot be sent is an error without a request. Error texts show the path as it was given, and mask the
// IDs, the query parameters and all texts and numbers of the body that have four bytes or more. What out gets is not masked
// when the application prints it.
func (c *Client) Call(ctx context.Context, method, path string, in, out any, ids ...string) error {
	call := call{method: method, path: path, ids: ids, mayBeEmpty: true}
	for _, check := range []func() error{
		func() error { return checkMethod(method) },
		func() error { return checkPath(path, len(ids)) },
		func() error { return call.setInput(in) },
		func() error { return checkOutput(out) },
	} {
		if err := check(); err != nil {
			return fmt.Errorf("workos: Call: %w", err)
		}
	}
	return c.do(ctx, call, out)
}

func checkMethod(method string) error {
	methods := []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}
	if !slices.Contains(methods, method) {
		return errors.New("the method is not one of " + strings.Join(methods, ", "))
	}
	return nil
}

// isPlaceholderSegment reports whether a segment of a path is a name in braces, which is replaced by an ID.
func isPlaceholderSegment(segment string) bool {
	name, opened := strings.CutPrefix(segment, "{")
	name, closed := strings.CutSuffix(name, "}")
	return opened && closed && name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 || !isWordByte(byte(r)) })
}

// isLiteralSegment reports whether a segment has only the unreserved characters of RFC 3986, section 2.3.
func isLiteralSegment(segment string) bool {
	return !strings.ContainsFunc(segment, func(r rune) bool {
		return r >= 0x80 || !isWordByte(byte(r)) && strings.IndexByte("-.~", byte(r)) < 0
	})
}

// checkPath refuses a path that net/url, a proxy or the server could read as another one. The errors do not quote it,
// because it may contain an ID.
func checkPath(path string, ids int) error {
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return errors.New(`the path does not begin with "/"; the host is that of the client`)
	}
	names := 0
	for segment := range strings.SplitSeq(rest, "/") {
		switch {
		case segment == "":
			return errors.New("the path has an empty segment")
		case segment == "." || segment == "..":
			return errors.New("the path has a dot segment")
		case isPlaceholderSegment(segment):
			names++
		case strings.ContainsAny(segment, "?#"):
			return errors.New("the path has a query or a fragment; pass url.Values as in")
		case !isLiteralSegment(segment):
			return errors.New("a segment of the path has characters other than letters, digits and -._~; write {name} for an ID and pass the ID")
		}
	}
	if names != ids {
		return fmt.Errorf("the path has %d names in braces, but there are %d IDs", names, ids)
	}
	return nil
}

// setInput sets the query, the body and the values that no error shows.
func (call *call) setInput(in any) error {
	body := in
	switch in := in.(type) {
	case url.Values:
		call.query, body = in, nil
	case QueryAndBody:
		call.query, body = in.Query, in.Body
	case *url.Values, *QueryAndBody:
		return fmt.Errorf("in is a pointer to a %s; pass the value", reflect.TypeOf(in).Elem())
	}
	call.hide(call.ids...)
	for name := range call.query {
		call.hide(call.query[name]...)
	}
	if body == nil {
		return nil
	}
	switch body.(type) {
	case url.Values, *url.Values, QueryAndBody, *QueryAndBody:
		return errors.New("the body has query parameters")
	case io.Reader:
		return errors.New("in is an io.Reader; pass a value that is encoded as JSON, or a json.RawMessage")
	}
	if call.method == http.MethodGet {
		return errors.New("a GET has no body; pass url.Values as in")
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("in cannot be encoded as JSON: %w", err)
	}
	if !bytes.HasPrefix(encoded, []byte("{")) && !bytes.HasPrefix(encoded, []byte("[")) {
		return errors.New("in is neither a JSON object nor a list; pass a struct, a map or a json.RawMessage")
	}
	call.body = json.RawMessage(encoded)
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var sent any
	if err := decoder.Decode(&sent); err != nil {
		return fmt.Errorf("in cannot be encoded as JSON: %w", err)
	}
	call.hideJSON(sent)
	return nil
}

// hideJSON hides the texts and numbers of a JSON value.
func (call *call) hideJSON(value any) {
	switch value := value.(type) {
	case map[string]any:
		for _, member := range value {
			call.hideJSON(member)
		}
	case []any:
		for _, element := range value {
			call.hideJSON(element)
		}
	case json.Number:
		call.hide(value.String())
	case string:
		call.hide(value)
	}
}

// hide masks values in errors. Call does not know which values are secrets, so it masks all of them. The shortest ones
// would make every message unreadable, and are too short for a secret.
func (call *call) hide(values ...string) {
	for _, value := range values {
		if len(value) >= 4 {
			call.secrets = append(call.secrets, value)
		}
	}
}

func checkOutput(out any) error {
	if v := reflect.ValueOf(out); out != nil && (v.Kind() != reflect.Pointer || v.IsNil()) {
		return errors.New("out is neither nil nor a pointer to a value")
	}
	return nil
}
