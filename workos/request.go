// One attempt of a call: request and response are JSON, with a time limit and a size limit.

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

// maxResponse limits the size of a response, in bytes. A user takes a few kilobytes, a full page of users a few
// hundred.
const maxResponse = 1 << 20

// call describes a request to the API.
type call struct {
	method   string
	path     string   // with a {name} for each ID, such as "/user_management/users/{user_id}"
	ids      []string // the IDs, in the order of their names in path
	target   string   // path with the IDs filled in; set by do
	query    url.Values
	note     string     // distinguishes calls of the same path in error texts
	body     any        // sent as JSON; nil for none
	required []argument // arguments that must not be empty, besides the IDs in the path
	invalid  error      // what is wrong with another argument; nil for nothing
	secrets  []string   // values that no error may show, besides the API key
	key      keyUse

	idempotencyKey string // sent as the header Idempotency-Key

	idempotent bool // safe to repeat, although it is not a GET
	mayBeEmpty bool // a response with status 204 is a success without a result
}

// argument is an argument of a call, with its name in the API.
type argument struct{ name, value string }

// keyUse says whether a call sends the API key. Most calls manage an environment and require it.
type keyUse int

const (
	keyRequired keyUse = iota
	keyOptional        // a public client makes the call without a key
	keyOmitted         // the call needs no credentials, so the key is not sent
)

// operation names a call in errors. It contains no ID, query or body.
func (call call) operation() string {
	if call.note == "" {
		return call.method + " " + call.path
	}
	return call.method + " " + call.path + " (" + call.note + ")"
}

func (call call) sanitize(text string) string { return sanitize(text, call.secrets) }

// validator is a response that checks whether it has the members that the call needs.
type validator interface{ validate() error }

// fetch makes a call and decodes the response into a T.
func fetch[T any](ctx context.Context, c *Client, call call) (*T, error) {
	response := new(T)
	if err := c.do(ctx, call, response); err != nil {
		return nil, err
	}
	return response, nil
}

// requireID checks that a resource has an ID.
func requireID(id string) error {
	if id == "" {
		return errors.New("missing id")
	}
	return nil
}

// checkCall reports a call that cannot succeed, before a request is made.
func (c *Client) checkCall(call call) error {
	if call.key == keyRequired && c.apiKey == "" {
		return fmt.Errorf("workos: %s: an API key is required: add WithAPIKey", call.operation())
	}
	for _, a := range call.required {
		if a.value == "" {
			return call.argumentError(a.name, "is empty")
		}
	}
	return call.invalid
}

// address returns the path with the IDs filled in. Each ID is escaped and stays one path segment. Empty IDs and dot
// segments (RFC 3986 section 5.2.4) would name another resource. Escaping does not prevent the removal of dot segments,
// so both are errors.
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

// argumentError returns the error for an invalid argument. It does not show the argument's value.
func (call call) argumentError(name, fault string) error {
	return fmt.Errorf("workos: %s: the %s %s", call.operation(), strings.ReplaceAll(name, "_", " "), fault)
}

// attempt makes one attempt of a call.
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
	if resp.StatusCode < 300 && (out == nil || call.mayBeEmpty && resp.StatusCode == http.StatusNoContent) {
		return nil // the call succeeded; its body is not needed
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
		return call.overlongResponse(resp)
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
	// Without a key of the caller there is no Idempotency-Key: the API ignores it on the other calls, and with it net/http would
	// retry a POST by itself.
	if call.idempotencyKey != "" {
		req.Header.Set("Idempotency-Key", call.idempotencyKey)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", UserAgent())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.apiKey != "" && call.key != keyOmitted {
		req.Header.Set("Authorization", "Bearer "+c.apiKey)
	}
	return req, nil
}

// networkError returns the error for a response that did not arrive, or that did not arrive in full (resp is not nil).
// An ended context replaces the error of net/http, because the caller must be able to recognize it.
func (call call) networkError(caller, bounded context.Context, resp *http.Response, err error) error {
	var withURL *url.Error
	switch {
	case caller.Err() != nil:
		err = caller.Err()
	case bounded.Err() != nil:
		err = context.Cause(bounded)
	case errors.As(err, &withURL):
		err = withURL.Err // without the URL, because its query may be confidential
	}
	return call.transportError(resp, err, false)
}

// unusableResponse returns the error for a response that arrived in full but cannot be used. It does not quote the
// body, which may contain new tokens.
func (call call) unusableResponse(resp *http.Response, fault string) *TransportError {
	text := fmt.Sprintf("unusable response (status %d, content type %q): %s", resp.StatusCode, resp.Header.Get("Content-Type"), fault)
	return call.transportError(resp, errors.New(call.sanitize(text)), true)
}

// overlongResponse returns the error for a response of more than maxResponse bytes.
func (call call) overlongResponse(resp *http.Response) error {
	err := call.unusableResponse(resp, fmt.Sprintf("longer than %d bytes", maxResponse))
	err.overlong = true
	return err
}

func (call call) transportError(resp *http.Response, cause error, unusable bool) *TransportError {
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

// describeRedirect names the target of a redirect without its path and query, which may contain secrets.
func describeRedirect(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "redirect without a usable Location"
	}
	return "redirect to " + to.Scheme + "://" + to.Host + ", which is not followed"
}

// describeDecodeError says what is wrong with a JSON text without quoting it.
func describeDecodeError(err error) string {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return "not JSON: " + syntax.Error()
	case errors.As(err, &mistyped):
		kind, _, _ := strings.Cut(mistyped.Value, " ") // the rest is the number itself
		return fmt.Sprintf("member %q has the unexpected type %s", mistyped.Field, kind)
	default:
		return "a member cannot be decoded"
	}
}
