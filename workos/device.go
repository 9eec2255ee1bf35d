// Device authorization (RFC 8628): sign-in for a program without a browser, on a device that has one.

package workos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// defaultInterval is the pause between polls where the server names none (RFC 8628 section 3.2).
	defaultInterval = 5 * time.Second
	// slowDown is what each "slow_down" adds to the pause, for good (RFC 8628 section 3.5).
	slowDown = 5 * time.Second
	// maxBackoff bounds the pause that a silent server adds.
	maxBackoff = 30 * time.Second
	// maxDeviceSeconds bounds what a server may say of lifetime and interval. WorkOS says 300 and 5.
	maxDeviceSeconds = 24 * 60 * 60
)

// DeviceAuthorization is a sign-in that waits for a person: show UserCode and VerificationURI, and hand it to
// [Client.PollDevice]. Printed, logged or encoded as JSON, it does not show the device code.
type DeviceAuthorization struct {
	// DeviceCode gets the tokens once the person has approved. It is the program's own secret.
	DeviceCode string `json:"-"`
	// UserCode is what the person types in at VerificationURI.
	UserCode        string `json:"user_code"` // such as "ABCD-EFGH"
	VerificationURI string `json:"verification_uri"`
	// VerificationURIComplete is VerificationURI with the code in it, for a link or a QR code. The page asks the person
	// to compare the code, so show it beside. It may be empty.
	VerificationURIComplete string `json:"verification_uri_complete,omitempty"`

	ExpiresAt time.Time     `json:"expires_at"` // by the client's clock
	Interval  time.Duration `json:"-"`          // the least pause between polls; 0 stands for 5 s
}

// AuthenticateWithDeviceCodeParams is what [Client.AuthenticateWithDeviceCode] redeems. Printed, it shows no secret.
type AuthenticateWithDeviceCodeParams struct {
	DeviceCode string `json:"-"`

	IPAddress string // of the device, for WorkOS's own records; optional
	UserAgent string // of the program, likewise
}

// AuthorizeDevice begins a sign-in on another device. It needs no API key and sends none.
//
// See https://workos.com/docs/reference/authkit/cli-auth/device-authorization
func (c *Client) AuthorizeDevice(ctx context.Context) (*DeviceAuthorization, error) {
	response, err := fetch[deviceResponse](ctx, c, call{
		method: http.MethodPost,
		path:   "/user_management/authorize/device",
		body: struct {
			ClientID string `json:"client_id"`
		}{c.clientID},
		key: keyOmitted,
	})
	if err != nil {
		return nil, err
	}
	return response.authorization(c.clock.Now()), nil
}

// AuthenticateWithDeviceCode asks once whether the person has approved, and gets the tokens if so. It sends no secret
// besides the device code. While nobody has decided yet the error's code is [CodeAuthorizationPending];
// [Client.PollDevice] knows what to make of it and of all the others. There is one attempt, of 10 s at most. DeviceCode
// is required.
//
// See https://workos.com/docs/reference/authkit/cli-auth
func (c *Client) AuthenticateWithDeviceCode(ctx context.Context, p AuthenticateWithDeviceCodeParams) (*Authentication, error) {
	return c.authenticate(ctx, keyOmitted, grant{
		GrantType:  grantDeviceCode,
		DeviceCode: p.DeviceCode,
		IPAddress:  p.IPAddress,
		UserAgent:  p.UserAgent,
	}, argument{"device_code", p.DeviceCode})
}

// PollDevice waits until the person has decided, and returns the tokens. It asks at the server's interval, less often
// when the server says so, and goes on through network errors, timeouts and 5xx, with growing pauses. It ends with
//
//   - [*DeviceDeniedError] when the person says no;
//   - [*DeviceExpiredError] when the code expires, by the server's word or by ExpiresAt;
//   - the context's error when that ends;
//   - any other refusal as it comes.
//
// Of d it reads DeviceCode, ExpiresAt and Interval.
func (c *Client) PollDevice(ctx context.Context, d *DeviceAuthorization) (*Authentication, error) {
	interval := d.Interval
	if interval <= 0 {
		interval = defaultInterval
	}
	failures := 0 // in a row
	wait := interval
	for {
		if left := d.ExpiresAt.Sub(c.clock.Now()); wait >= left {
			return nil, c.deviceExpired(ctx, left)
		}
		if err := c.sleep(ctx, wait); err != nil {
			return nil, fmt.Errorf("workos: poll device: %w", err)
		}
		auth, err := c.AuthenticateWithDeviceCode(ctx, AuthenticateWithDeviceCodeParams{DeviceCode: d.DeviceCode})
		switch code := ErrorCode(err); {
		case err == nil:
			return auth, nil
		case ctx.Err() != nil: // whatever was answered before the caller gave up
			return nil, fmt.Errorf("workos: poll device: %w", ctx.Err())
		case code == CodeAuthorizationPending:
			failures = 0
		case code == CodeSlowDown:
			failures = 0
			interval += slowDown
		case code == CodeAccessDenied, code == CodeExpiredToken, code == CodeInvalidGrant:
			return nil, err // whatever the status
		case IsTransient(err):
			failures++
		default:
			return nil, err
		}
		// RFC 8628 section 3.5: back off exponentially from a server that does not answer.
		wait = interval
		for range min(failures, 5) {
			wait = max(interval, min(2*wait, maxBackoff))
		}
		wait = max(wait, RetryAfter(err))
	}
}

// deviceExpired sits out what is left of a code's life, too short for another poll, and tells that it is over.
func (c *Client) deviceExpired(ctx context.Context, left time.Duration) error {
	if left > 0 {
		if err := c.sleep(ctx, left); err != nil {
			return fmt.Errorf("workos: poll device: %w", err)
		}
	}
	e := &Error{Operation: "poll device", Code: CodeExpiredToken, Message: "the sign-in was not approved in time"}
	return e.typed()
}

// deviceReply has the lifetimes in seconds.
type deviceResponse struct {
	DeviceCode              string  `json:"device_code"`
	UserCode                string  `json:"user_code"`
	VerificationURI         string  `json:"verification_uri"`
	VerificationURIComplete string  `json:"verification_uri_complete"`
	ExpiresIn               float64 `json:"expires_in"`
	Interval                float64 `json:"interval"`
}

// check implements [checker]. RFC 8628 section 3.2 requires all four.
func (r *deviceResponse) validate() error {
	switch {
	case r.DeviceCode == "":
		return errors.New("missing device_code")
	case r.UserCode == "":
		return errors.New("missing user_code")
	case r.VerificationURI == "":
		return errors.New("missing verification_uri")
	case r.ExpiresIn <= 0:
		return errors.New("missing expires_in")
	}
	return nil
}

func (r *deviceResponse) authorization(now time.Time) *DeviceAuthorization {
	seconds := func(n float64) time.Duration {
		return time.Duration(min(n, maxDeviceSeconds) * float64(time.Second))
	}
	d := &DeviceAuthorization{
		DeviceCode:              r.DeviceCode,
		UserCode:                r.UserCode,
		VerificationURI:         r.VerificationURI,
		VerificationURIComplete: r.VerificationURIComplete,
		ExpiresAt:               now.Add(seconds(r.ExpiresIn)),
		Interval:                defaultInterval,
	}
	if r.Interval > 0 {
		d.Interval = seconds(r.Interval)
	}
	return d
}

// Format implements [fmt.Formatter]. It masks the device code.
func (d DeviceAuthorization) Format(s fmt.State, verb rune) {
	type plain DeviceAuthorization
	d.DeviceCode = mask(d.DeviceCode)
	format(s, verb, plain(d))
}

// Format implements [fmt.Formatter]. It masks the device code.
func (p AuthenticateWithDeviceCodeParams) Format(s fmt.State, verb rune) {
	type plain AuthenticateWithDeviceCodeParams
	p.DeviceCode = mask(p.DeviceCode)
	format(s, verb, plain(p))
}
