// Device authorization (RFC 8628): a program without a browser signs in, and the user approves on another device.

package workos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// defaultInterval is the time between polls if the server names none (RFC 8628 section 3.2).
	defaultInterval = 5 * time.Second
	// slowDown is added to the interval permanently by each "slow_down" (RFC 8628 section 3.5).
	slowDown = 5 * time.Second
	// maxBackoff limits the wait between polls that fail.
	maxBackoff = 30 * time.Second
	// maxDeviceSeconds limits the lifetime and the interval that a server sends. WorkOS sends 300 and 5.
	maxDeviceSeconds = 24 * 60 * 60
)

// DeviceAuthorization is a device sign-in that waits for the user's approval. Show UserCode and VerificationURI to the
// user and pass the value to [Client.PollDevice]. Printed, logged or encoded as JSON, it does not show the device code.
type DeviceAuthorization struct {
	// DeviceCode is exchanged for tokens after the approval. It is a secret of the program.
	DeviceCode string `json:"-"`
	// UserCode is the code that the user enters at VerificationURI.
	UserCode        string `json:"user_code"` // such as "ABCD-EFGH"
	VerificationURI string `json:"verification_uri"`
	// VerificationURIComplete is VerificationURI with the code in it, for a link or a QR code. The page asks the user
	// to compare the code, so show UserCode too. It may be empty.
	VerificationURIComplete string `json:"verification_uri_complete,omitempty"`

	ExpiresAt time.Time     `json:"expires_at"` // on the client's clock
	Interval  time.Duration `json:"-"`          // the minimum time between polls; 0 means 5 s
}

// AuthenticateWithDeviceCodeParams are the parameters of [Client.AuthenticateWithDeviceCode]. Printed, they show no
// secret.
type AuthenticateWithDeviceCodeParams struct {
	DeviceCode string `json:"-"`

	IPAddress string // of the device, for WorkOS's records; optional
	UserAgent string // of the program, for WorkOS's records; optional
	DeviceID  string // of the device, for WorkOS's records; optional
}

// AuthorizeDevice starts a device sign-in. It needs no API key and sends none.
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

// AuthenticateWithDeviceCode polls once and returns the tokens if the user has approved. It sends no secret except the
// device code. Until the user decides, the error has the code [CodeAuthorizationPending]. [Client.PollDevice] handles
// that code and all others. There is exactly one attempt, of at most 10 s. DeviceCode is required.
//
// See https://workos.com/docs/reference/authkit/cli-auth
func (c *Client) AuthenticateWithDeviceCode(ctx context.Context, p AuthenticateWithDeviceCodeParams) (*Authentication, error) {
	return c.authenticate(ctx, keyOmitted, grant{
		GrantType:  grantDeviceCode,
		DeviceCode: p.DeviceCode,
		IPAddress:  p.IPAddress,
		UserAgent:  p.UserAgent,
		DeviceID:   p.DeviceID,
	}, argument{"device_code", p.DeviceCode})
}

// PollDevice waits for the user's decision and returns the tokens. It polls at the server's interval, or less often if
// the server asks for that. After a network error, a timeout or a 5xx it waits longer and polls again. It ends with
//
//   - [*DeviceDeniedError] if the user denies the sign-in;
//   - [*DeviceExpiredError] if the code expires, according to the server or to ExpiresAt;
//   - the context's error if the context ends;
//   - any other error response unchanged.
//
// It reads the fields DeviceCode, ExpiresAt and Interval of d.
func (c *Client) PollDevice(ctx context.Context, d *DeviceAuthorization) (*Authentication, error) {
	interval := d.Interval
	if interval <= 0 {
		interval = defaultInterval
	}
	failures := 0 // consecutive
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
		case ctx.Err() != nil: // the ended context takes precedence over the response
			return nil, fmt.Errorf("workos: poll device: %w", ctx.Err())
		case code == CodeAuthorizationPending:
			failures = 0
		case code == CodeSlowDown:
			failures = 0
			interval += slowDown
		case code == CodeAccessDenied, code == CodeExpiredToken, code == CodeInvalidGrant:
			return nil, err // also with a transient status
		case IsTransient(err):
			failures++
		default:
			return nil, err
		}
		// RFC 8628 section 3.5: exponential backoff while the server does not respond.
		wait = interval
		for range min(failures, 5) {
			wait = max(interval, min(2*wait, maxBackoff))
		}
		wait = max(wait, RetryAfter(err))
	}
}

// deviceExpired waits until the code expires, because the remaining time is too short for another poll. It returns the
// [*DeviceExpiredError].
func (c *Client) deviceExpired(ctx context.Context, left time.Duration) error {
	if left > 0 {
		if err := c.sleep(ctx, left); err != nil {
			return fmt.Errorf("workos: poll device: %w", err)
		}
	}
	e := &Error{Operation: "poll device", Code: CodeExpiredToken, Message: "the sign-in was not approved in time"}
	return e.typed()
}

// deviceResponse has the lifetime and the interval in seconds.
type deviceResponse struct {
	DeviceCode              string  `json:"device_code"`
	UserCode                string  `json:"user_code"`
	VerificationURI         string  `json:"verification_uri"`
	VerificationURIComplete string  `json:"verification_uri_complete"`
	ExpiresIn               float64 `json:"expires_in"`
	Interval                float64 `json:"interval"`
}

// validate implements [validator]. RFC 8628 section 3.2 requires these four members.
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
