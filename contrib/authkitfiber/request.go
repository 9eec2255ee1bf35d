// From the request of fasthttp to an *http.Request.

package authkitfiber

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
)

// trackedRequest is what this package knows about a request of fasthttp. It is a user value
// of that request.
type trackedRequest struct {
	// request is the request as the innermost adapted middleware has passed it on.
	request *http.Request
	cancel  context.CancelFunc
	entered bool // an adapted middleware runs
}

// trackedKey is the key of a *trackedRequest among the user values.
type trackedKey struct{}

// Close cancels the context of the request. fasthttp calls it when the request has ended:
// after the body of the response, or after the handler of a hijacked connection.
func (t *trackedRequest) Close() error {
	t.cancel()
	return nil
}

// track returns the trackedRequest of a request. The first call converts the request, and
// gives c a context that ends with the request. The error is a 400 if net/http would refuse
// the target of the request.
func track(c fiber.Ctx) (*trackedRequest, error) {
	ctx := c.RequestCtx()
	if t, ok := ctx.UserValue(trackedKey{}).(*trackedRequest); ok {
		return t, nil
	}
	bounded, cancel := context.WithCancel(c.Context())
	request, err := newRequest(bounded, ctx)
	if err != nil {
		cancel()
		return nil, fiber.ErrBadRequest // as the server of net/http
	}
	t := &trackedRequest{request: request, cancel: cancel}
	ctx.SetUserValue(trackedKey{}, t)
	c.SetContext(bounded)
	return t, nil
}

// newRequest converts a request. It copies every string, because fasthttp uses the memory
// of a request again, and authkit keeps cookies and tokens in its caches.
func newRequest(ctx context.Context, from *fasthttp.RequestCtx) (*http.Request, error) {
	h := &from.Request.Header
	target := string(h.RequestURI())
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	r := &http.Request{
		Method:        string(from.Method()),
		URL:           u,
		Proto:         string(h.Protocol()),
		Header:        http.Header{},
		Body:          http.NoBody,
		ContentLength: contentLength(h),
		Host:          u.Host, // of a target in absolute form
		RequestURI:    target,
		RemoteAddr:    from.RemoteAddr().String(),
		TLS:           from.TLSConnectionState(),
	}
	r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(r.Proto)
	for name, value := range h.All() {
		switch key := http.CanonicalHeaderKey(string(name)); key {
		case "Host":
			if r.Host == "" {
				r.Host = string(value)
			}
		case "Cookie":
			r.Header[key] = cookieLines(h, value)
		case "Transfer-Encoding":
			r.TransferEncoding = append(r.TransferEncoding, string(value))
		default:
			r.Header[key] = append(r.Header[key], string(value))
		}
	}
	if r.ContentLength != 0 {
		r.Body = &body{request: &from.Request}
	}
	return r.WithContext(ctx), nil
}

// routed returns r with the context ctx, and with the path by which fiber chooses the next
// handler, if another handler has changed it (fiber.Ctx.Path). RequestURI stays. A guard
// passes a sign-out only if both agree.
func routed(ctx context.Context, r *http.Request, c fiber.Ctx) *http.Request {
	r = r.WithContext(ctx)
	target, _, _ := strings.Cut(r.RequestURI, "?")
	path := string(c.RequestCtx().URI().PathOriginal())
	if path == target || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return r
	}
	u := *r.URL
	u.Path, u.RawPath = path, ""
	if decoded, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = decoded, path
	}
	r.URL = &u
	return r
}

// contentLength returns the length of the body, and -1 if it is chunked. fasthttp says -2
// for a request without a length, which has no body (RFC 9112, section 6.3).
func contentLength(h *fasthttp.RequestHeader) int64 {
	if length := h.ContentLength(); length >= -1 {
		return int64(length)
	}
	return 0
}

// cookieLines returns the lines of the Cookie header. joined is what fasthttp makes of them:
// one line, in which a quoted value has lost its quotes. The lines of the wire are returned
// unless another handler has changed a cookie.
func cookieLines(h *fasthttp.RequestHeader, joined []byte) []string {
	now := string(joined)
	var parsed fasthttp.RequestHeader
	var lines []string
	for line := range bytes.Lines(h.RawHeaders()) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Cookie")) {
			value = bytes.TrimSpace(value)
			lines = append(lines, string(value))
			parsed.AddBytesKV(name, value)
		}
	}
	if string(parsed.Peek("Cookie")) != now {
		return []string{now}
	}
	return lines
}

// body is the body of a request. It is not touched before it is read, so that a fiber
// handler can read it if net/http code does not.
type body struct {
	request *fasthttp.Request
	reader  io.Reader
}

func (b *body) Read(p []byte) (int, error) {
	if b.reader == nil {
		if b.request.IsBodyStream() {
			b.reader = b.request.BodyStream()
		} else {
			b.reader = bytes.NewReader(b.request.Body())
		}
	}
	return b.reader.Read(p)
}

func (b *body) Close() error { return nil }
