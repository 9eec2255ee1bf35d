// One attempt at a call: JSON out, JSON back, within a time and a size.

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
	"strings"
	"time"
)

const (
	// UserAgent names this library in every request to WorkOS.
	UserAgent = "authkit-go/0.1.0"

	// maxReply bounds a reply, in bytes. A user is a few kilobytes, a full page of them a few hundred.
	maxResponse = 1 << 20
)

// call describes a request to the API.
type call struct {
	method   string
	path     string   // with a {name} for each ID, such as "/user_management/users/{user_id}"
	ids      []string // what comes in place of those, in their order
	target   string   // the path with them; do fills it in
	query    url.Values
	note     string     // tells apart, in errors, calls of the same path
	body     any        // sent as JSON; nil for none
	required []argument // what must not be empty, besides the IDs in the path
	secrets  []string   // what no error may show, besides the API key
	key      keyUse

	idempotent bool // not a GET, and yet harmless to make twice
}

// argument is what a caller gives for a call, under the name that the API has for it.
type argument struct{ name, value string }

// keyUse is what a call does with the API key. Most calls manage an environment and are nothing without it.
type keyUse int

const (
	keyRequired keyUse = iota
	keyOptional        // a public client makes the call too, without one
	keyOmitted         // the call is open to everybody, so the key stays at home
)

// operation names a call in errors: never its IDs, query or body.
func (call call) operation() string {
	if call.note == "" {
		return call.method + " " + call.path
	}
	return call.method + " " + call.path + " (" + call.note + ")"
}

func (call call) sanitize(text string) string { return sanitize(text, call.secrets) }

// checker is a reply that can tell whether it has the members that the call was made for.
type validator interface{ validate() error }

// fetch makes a call whose reply is a T.
func fetch[T any](ctx context.Context, c *Client, call call) (*T, error) {
	response := new(T)
	if err := c.do(ctx, call, response); err != nil {
		return nil, err
	}
	return response, nil
}

// identified is the check of a resource: without its ID it is none.
func requireID(id string) error {
	if id == "" {
		return errors.New("missing id")
	}
	return nil
}

// check refuses a call that cannot succeed, before anything is sent.
func (c *Client) checkCall(call call) error {
	if call.key == keyRequired && c.apiKey == "" {
		return fmt.Errorf("workos: %s: an API key is required: add WithAPIKey", call.operation())
	}
	for _, a := range call.required {
		if a.value == "" {
			return call.argumentError(a.name, "is empty")
		}
	}
	return nil
}

// address is the path with the IDs in it. Whatever an ID is, it stays one segment: an empty one would name another
// resource, and so would a dot segment (RFC 3986 section 5.2.4), which no escape keeps from being removed on the way.
func (call call) address() (string, error) {
	address := call.path
	for _, id := range call.ids {
		before, rest, _ := strings.Cut(address, "{")
		name, after, _ := strings.Cut(rest, "}")
		switch id {
		case "":
			return "", call.argumentError(name, "is empty")
		case ".", "..":
			return "", call.argumentError(name, "is not an ID")
		}
		address = before + url.PathEscape(id) + after
	}
	return address, nil
}

// unfit is the error of an argument with which a call cannot be made. It does not show the argument.
func (call call) argumentError(name, fault string) error {
	return fmt.Errorf("workos: %s: the %s %s", call.operation(), strings.ReplaceAll(name, "_", " "), fault)
}

// attempt makes a call once.
func (c *Client) attempt(ctx context.Context, call call, limit time.Duration, out any) error {
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := c.clock.AfterFunc(limit, func() {
		cancel(fmt.Errorf("no response within %s: %w", limit, context.DeadlineExceeded))
	})
	defer stop()

	req, err := c.request(bounded, call)
	if err != nil {
		return fmt.Errorf("workos: %s: %w", call.operation(), err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return call.networkError(ctx, bounded, nil, err)
	}
	defer resp.Body.Close()
	if out == nil && resp.StatusCode < 300 {
		return nil // it is done, however its response may end
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return call.networkError(ctx, bounded, resp, err)
	}

	switch {
	case resp.StatusCode >= 400:
		return c.newError(call, resp, body).typed()
	case resp.StatusCode >= 300:
		return call.unusableResponse(resp, describeRedirect(resp))
	case len(body) > maxResponse:
		return call.unusableResponse(resp, fmt.Sprintf("longer than %d bytes", maxResponse))
	}
	if err := json.Unmarshal(body, out); err != nil {
		return call.unusableResponse(resp, describeDecodeError(err))
	}
	if response, ok := out.(validator); ok {
		if err := response.validate(); err != nil {
			return call.unusableResponse(resp, err.Error())
		}
	}
	return nil
}

func (c *Client) request(ctx context.Context, call call) (*http.Request, error) {
	var body io.Reader
	if call.body != nil {
		encoded, err := json.Marshal(call.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, call.method, c.url(call.target, call.query), body)
	if err != nil {
		return nil, err
	}
	// No Idempotency-Key: the API ignores it on these calls, and by it net/http would take a POST for one that it may
	// send again of its own accord.
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", UserAgent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.apiKey != "" && call.key != keyOmitted {
		req.Header.Set("Authorization", "Bearer "+c.apiKey)
	}
	return req, nil
}

// failure is the error of a reply that did not arrive, or (resp is not nil) not in full. Whose time ran out matters
// more than how net/http puts it.
func (call call) networkError(caller, bounded context.Context, resp *http.Response, err error) error {
	var withURL *url.Error
	switch {
	case caller.Err() != nil:
		err = caller.Err()
	case bounded.Err() != nil:
		err = context.Cause(bounded)
	case errors.As(err, &withURL):
		err = withURL.Err // without the URL, whose query is nobody's business
	}
	return call.transportError(resp, err, false)
}

// unreadable is the error of a reply that arrived in full but is not one that the call can use. It does not quote the
// reply, which may hold new tokens.
func (call call) unusableResponse(resp *http.Response, fault string) error {
	text := fmt.Sprintf("unusable response (status %d, content type %q): %s", resp.StatusCode, resp.Header.Get("Content-Type"), fault)
	return call.transportError(resp, errors.New(call.sanitize(text)), true)
}

func (call call) transportError(resp *http.Response, cause error, unusable bool) error {
	e := &TransportError{
		Operation: call.operation(),
		reason:    call.sanitize(cause.Error()),
		cause:     cause,
		unusable:  unusable,
	}
	if resp != nil {
		e.StatusCode = resp.StatusCode
		e.RequestID = call.sanitize(resp.Header.Get("X-Request-ID"))
	}
	return e
}

// redirectFault names where a reply points, as far as that is no secret.
func describeRedirect(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "redirect without a usable Location"
	}
	return "redirect to " + to.Scheme + "://" + to.Host + ", which is not followed"
}

// decodingFault says what was wrong with JSON without quoting it.
func describeDecodeError(err error) string {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return "not JSON: " + syntax.Error()
	case errors.As(err, &mistyped):
		kind, _, _ := strings.Cut(mistyped.Value, " ") // what follows is the number itself
		return fmt.Sprintf("member %q has the unexpected type %s", mistyped.Field, kind)
	default:
		return "a member cannot be decoded"
	}
}
