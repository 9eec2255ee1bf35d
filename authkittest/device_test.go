// Device authorization.

package authkittest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

func (a *app) startDevice() object {
	a.Helper()
	got := a.read(http.PostForm(a.URL()+userManagement+"/authorize/device", url.Values{"client_id": {a.ClientID()}}))
	require.Equal(a, http.StatusOK, got.status)
	return got.body
}

// poll moves the clock by one polling interval and polls.
func (a *app) poll(device object) apiResponse {
	a.Helper()
	a.clock.Advance(5 * time.Second)
	return a.ask(device)
}

func (a *app) ask(device object) apiResponse {
	a.Helper()
	return a.grant(grantDevice, map[string]string{"device_code": device["device_code"].(string), "client_secret": ""})
}

func TestADeviceIsApprovedInTheBrowser(t *testing.T) {
	a := newApp(t)
	device := a.startDevice()
	userCode := device["user_code"].(string)
	assert.Regexp(t, `^[B-Z]{4}-[B-Z]{4}$`, userCode)
	assert.Equal(t, a.URL()+"/device", device["verification_uri"])
	assert.Equal(t, a.URL()+"/device?user_code="+userCode, device["verification_uri_complete"])
	assert.EqualValues(t, 300, device["expires_in"])
	assert.EqualValues(t, 5, device["interval"])
	assertRefused(t, a.poll(device), http.StatusBadRequest, "authorization_pending")

	b := newBrowser(t)
	a.get(b, device["verification_uri"].(string))
	page := a.press(b, "Continue", url.Values{"user_code": {"nonsense"}})
	assert.Equal(t, http.StatusUnprocessableEntity, page.StatusCode)
	page = a.press(b, "Continue", url.Values{"user_code": {strings.ToLower(strings.ReplaceAll(userCode, "-", ""))}})
	assert.Contains(t, page.Body, "asks you to sign in")
	a.press(b, "Chiara", nil)
	page = a.press(b, "Pine Street", nil)
	for _, shown := range []string{userCode, "chiara@example.com", "Pine Street Studio"} {
		assert.Contains(t, page.Body, shown)
	}
	assertRefused(t, a.poll(device), http.StatusBadRequest, "authorization_pending")
	page = a.press(b, "Approve", nil)
	assert.Contains(t, page.Body, "signed in")
	assert.Equal(t, authkittest.DeviceApproved, a.Devices()[0].Status)

	got := a.poll(device)
	require.Equal(t, http.StatusOK, got.status)
	assert.Equal(t, a.Organizations()[1].ID, got.text("organization_id"))
	assert.Equal(t, http.StatusOK, a.refresh(got.text("refresh_token"), "client_secret", "").status, "a public client started the session")
	assertRefused(t, a.poll(device), http.StatusBadRequest, "invalid_grant")
}

func TestADeviceIsDeniedInTheBrowser(t *testing.T) {
	for _, signedIn := range []bool{false, true} {
		a := newApp(t)
		b, _ := a.authorize(nil)
		if signedIn {
			a.press(b, "Ada", nil)
		}
		device := a.startDevice()
		a.get(b, device["verification_uri_complete"].(string))
		page := a.press(b, "Continue", nil)
		button := "Cancel"
		if signedIn {
			assert.Contains(t, page.Body, "Sign in this device?")
			button = "Deny"
		}
		page = a.press(b, button, nil)
		assert.Contains(t, page.Body, "denied")
		assertRefused(t, a.poll(device), http.StatusBadRequest, "access_denied")
	}
}

func TestADeviceIsApprovedAndDeniedByTheTest(t *testing.T) {
	a := newApp(t)
	first, second := a.startDevice(), a.startDevice()
	a.ApproveDevice(first["user_code"].(string), ada)
	a.DenyDevice(second["user_code"].(string))
	assert.Equal(t, http.StatusOK, a.poll(first).status)
	assertRefused(t, a.ask(second), http.StatusBadRequest, "access_denied")
	assert.Panics(t, func() { a.DenyDevice(first["user_code"].(string)) }, "the device is no longer pending")
	assert.Panics(t, func() { a.ApproveDevice("NONE-NONE", ada) })
}

func TestADeviceThatPollsTooOftenGetsSlowDown(t *testing.T) {
	a := newApp(t)
	device := a.startDevice()
	assertRefused(t, a.ask(device), http.StatusBadRequest, "authorization_pending")
	assertRefused(t, a.ask(device), http.StatusBadRequest, "slow_down")
	assertRefused(t, a.poll(device), http.StatusBadRequest, "slow_down")
	a.clock.Advance(15 * time.Second)
	assertRefused(t, a.ask(device), http.StatusBadRequest, "authorization_pending")
	a.SlowDownDevices(2)
	for range 2 {
		a.clock.Advance(time.Minute)
		assertRefused(t, a.ask(device), http.StatusBadRequest, "slow_down")
	}
	a.clock.Advance(25 * time.Second)
	assertRefused(t, a.ask(device), http.StatusBadRequest, "authorization_pending")
	a.ApproveDevice(device["user_code"].(string), ada)
	assert.Equal(t, http.StatusOK, a.ask(device).status, "slow_down is only for pending devices")
}

func TestADeviceCodeExpires(t *testing.T) {
	a := newApp(t)
	device := a.startDevice()
	b := newBrowser(t)
	a.get(b, device["verification_uri_complete"].(string))
	a.press(b, "Continue", nil)
	a.press(b, "Ada", nil)
	a.clock.Advance(300 * time.Second)
	assert.Contains(t, a.press(b, "Approve", nil).Body, "Too late")
	assertRefused(t, a.ask(device), http.StatusBadRequest, "expired_token")
	a.get(b, device["verification_uri_complete"].(string))
	assert.Equal(t, http.StatusUnprocessableEntity, a.press(b, "Continue", nil).StatusCode)
}

func TestInvalidDeviceRequestsAreRefused(t *testing.T) {
	a := newApp(t)
	post := func(body string) apiResponse {
		return a.read(http.Post(a.URL()+userManagement+"/authorize/device", "application/json", strings.NewReader(body)))
	}
	assertRefused(t, post(`{}`), http.StatusBadRequest, "invalid_request")
	assertRefused(t, post(`[]`), http.StatusBadRequest, "invalid_request")
	assertRefused(t, post(`{"client_id":"client_other"}`), http.StatusBadRequest, "invalid_client")
	assert.Equal(t, http.StatusOK, post(`{"client_id":"`+a.ClientID()+`"}`).status)
	assertRefused(t, a.grant(grantDevice, map[string]string{"device_code": "none"}), http.StatusBadRequest, "invalid_grant")
	assertRefused(t, a.grant(grantDevice, nil), http.StatusBadRequest, "invalid_request")

	device := a.startDevice()
	b := newBrowser(t)
	a.get(b, device["verification_uri_complete"].(string))
	page := a.press(b, "Continue", nil)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		page, err := b.Fetch(method, page.URL.String()+"/device")
		require.NoError(t, err)
		assert.NotContains(t, page.Body, "Approve", "no user has signed in")
	}
	assertRefused(t, a.poll(device), http.StatusBadRequest, "authorization_pending")
}
