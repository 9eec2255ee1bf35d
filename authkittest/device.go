// Device authorization (RFC 8628): a program without a browser signs in through the browser of another device.

package authkittest

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	deviceLifetime = 300 * time.Second
	deviceInterval = 5 * time.Second // minimum time between polls; each slow_down adds the same again
)

// Values of Device.Status.
const (
	DevicePending  = "pending"
	DeviceApproved = "approved"
	DeviceDenied   = "denied"
)

// Device is a device authorization request: a program that waits until a user approves its user code.
type Device struct {
	UserCode  string // such as "BCDF-GHJK"
	Status    string // DevicePending, DeviceApproved or DeviceDenied
	ExpiresAt time.Time
}

type device struct {
	Device
	code     string
	interval time.Duration
	polledAt time.Time    // zero before the first poll
	result   signInResult // set when the device is approved
	redeemed bool
}

// Devices returns the device authorization requests, oldest first. A request is removed a day after it expires.
func (f *Server) Devices() []Device {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune()
	var devices []Device
	for _, d := range f.devices {
		devices = append(devices, d.Device)
	}
	return devices
}

// ApproveDevice approves a device like the user with this email address on the device page. The session belongs to the
// user's first organization, if there is one. ApproveDevice panics if the user does not exist, or if no device with this
// user code is pending.
func (f *Server) ApproveDevice(userCode, email string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	user := f.mustAccount(email)
	result := signInResult{userID: user.ID, method: user.AuthenticationMethod, authTime: f.clock.Now()}
	if memberships := user.activeMemberships(); len(memberships) > 0 {
		result.organizationID = memberships[0].OrganizationID
	}
	d := f.mustDevice(userCode)
	f.emitSignIn(result)
	d.Status, d.result = DeviceApproved, f.withRequirementsMet(result)
}

// DenyDevice denies a device. It panics if no device with this user code is pending.
func (f *Server) DenyDevice(userCode string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mustDevice(userCode).Status = DeviceDenied
}

// SlowDownDevices makes the next n polls of all devices together answer slow_down. Without it, only a poll before the end of
// the polling interval answers slow_down.
func (f *Server) SlowDownDevices(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.slowDowns = n
}

// deviceByUserCode returns the pending device with this user code. It ignores case, hyphens and spaces.
func (f *Server) deviceByUserCode(typed string) *device {
	plain := func(code string) string { return strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(code)) }
	for _, d := range f.devices {
		if plain(d.UserCode) == plain(typed) && d.Status == DevicePending && f.clock.Now().Before(d.ExpiresAt) {
			return d
		}
	}
	return nil
}

func (f *Server) mustDevice(userCode string) *device {
	d := f.deviceByUserCode(userCode)
	if d == nil {
		panic(fmt.Sprintf("authkittest: no pending device with the user code %q", userCode))
	}
	return d
}

// authorizeDevice answers RouteAuthorizeDevice.
func (f *Server) authorizeDevice(w http.ResponseWriter, r *http.Request) {
	p, apiErr := readParameters(r)
	if apiErr == nil {
		apiErr = p.require("client_id")
	}
	if apiErr == nil && p["client_id"] != f.clientID {
		apiErr = oauthError("invalid_client", "Invalid client ID.")
	}
	if apiErr != nil {
		apiErr.write(w)
		return
	}
	d := f.addDevice()
	write(w, http.StatusOK, map[string]any{
		"device_code":               d.code,
		"user_code":                 d.UserCode,
		"verification_uri":          f.base + "/device",
		"verification_uri_complete": withQuery(f.base+"/device", url.Values{"user_code": {d.UserCode}}),
		"expires_in":                int(deviceLifetime / time.Second),
		"interval":                  int(deviceInterval / time.Second),
	})
}

func (f *Server) addDevice() device {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune()
	d := &device{
		Device:   Device{UserCode: newUserCode(), Status: DevicePending, ExpiresAt: f.clock.Now().Add(deviceLifetime)},
		code:     rand.Text(),
		interval: deviceInterval,
	}
	f.devices = append(f.devices, d)
	return *d
}

// newUserCode uses the alphabet of RFC 8628 section 6.1, which has no vowels, so that no words appear.
func newUserCode() string {
	const alphabet = "BCDFGHJKLMNPQRSTVWXZ"
	code := make([]byte, 8)
	for i := range code {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(fmt.Sprintf("authkittest: %v", err))
		}
		code[i] = alphabet[n.Int64()]
	}
	return string(code[:4]) + "-" + string(code[4:])
}

// deviceGrant answers RouteDeviceToken, a poll (RFC 8628 section 3.5).
func (f *Server) deviceGrant(p parameters) (*authentication, *apiError) {
	if apiErr := p.require("device_code"); apiErr != nil {
		return nil, apiErr
	}
	var d *device
	for _, candidate := range f.devices {
		if candidate.code == p["device_code"] {
			d = candidate
		}
	}
	now := f.clock.Now()
	switch {
	case d == nil, d.redeemed:
		return nil, oauthError("invalid_grant", "The device code is invalid or has been used.")
	case !now.Before(d.ExpiresAt):
		return nil, oauthError("expired_token", "The device code has expired.")
	}
	early := !d.polledAt.IsZero() && now.Sub(d.polledAt) < d.interval
	d.polledAt = now
	switch {
	case f.slowDowns > 0, early && d.Status == DevicePending:
		f.slowDowns = max(f.slowDowns-1, 0)
		d.interval += deviceInterval
		return nil, oauthError("slow_down", "The device polls too often. The interval is five seconds longer from now on.")
	case d.Status == DeviceDenied:
		return nil, oauthError("access_denied", "The user denied the request.")
	case d.Status == DevicePending:
		return nil, oauthError("authorization_pending", "The user has not answered yet.")
	}
	d.redeemed = true
	_, confidential := p["client_secret"] // grant has checked its value
	result := d.result
	result.ipAddress, result.userAgent = p["ip_address"], p["user_agent"]
	return f.startSession(result, confidential)
}
