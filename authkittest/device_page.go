// The page on which a user approves or denies a device.

package authkittest

import (
	"cmp"
	"net/http"
)

// devicePage asks for the code that the device shows. A code from the link is only filled in, and the user must confirm it:
// an attacker may have sent the link (RFC 8628 section 5.4).
func (f *Server) devicePage(r *http.Request) pageResponse {
	return showPage(http.StatusOK, "device", f.deviceView(r.URL.Query().Get("user_code")))
}

func (f *Server) deviceView(userCode string) view {
	return view{App: cmp.Or(f.settings.appName, "the device"), UserCode: userCode}
}

// chooseDevice continues with the sign-in if the user code is valid.
func (f *Server) chooseDevice(r *http.Request) pageResponse {
	typed := r.PostForm.Get("user_code")
	d := f.deviceByUserCode(typed)
	if d == nil {
		v := f.deviceView(typed)
		v.Problem = "No device shows this code now. Check it, or start again on the device."
		return showPage(http.StatusUnprocessableEntity, "device", v)
	}
	a := &authorization{id: newID("authorization"), device: d, expiresAt: d.ExpiresAt}
	f.authorizations[a.id] = a
	if result, found := f.browserSession(r); found {
		a.result = result
		return f.continueSignIn(a)
	}
	return redirect(http.StatusSeeOther, a.path())
}

// confirmPage asks the signed-in user to approve the device.
func (f *Server) confirmPage(_ *http.Request, a *authorization) pageResponse {
	if a.device == nil || a.result.userID == "" {
		return redirect(http.StatusSeeOther, a.path())
	}
	v := f.view(a)
	v.Email = f.accountByID(a.result.userID).Email
	v.UserCode = a.device.UserCode
	o, _ := f.organization(a.result.organizationID)
	v.Organization = o.Name
	return showPage(http.StatusOK, "device-confirm", v)
}

// approveDevice approves the device for the signed-in user.
func (f *Server) approveDevice(_ *http.Request, a *authorization) pageResponse {
	if a.device == nil || a.result.userID == "" {
		return redirect(http.StatusSeeOther, a.path())
	}
	delete(f.authorizations, a.id)
	if f.deviceByUserCode(a.device.UserCode) != a.device {
		return notice(http.StatusConflict, "Too late", "The device no longer waits for an answer. Start again on the device.")
	}
	a.device.Status, a.device.result = DeviceApproved, f.withRequirementsMet(a.result)
	return notice(http.StatusOK, "The device is signed in", "You can close this page and go back to it.")
}

func (f *Server) denyDevice(a *authorization) pageResponse {
	if f.deviceByUserCode(a.device.UserCode) == a.device {
		a.device.Status = DeviceDenied
	}
	return notice(http.StatusOK, "The device was denied", "It was not signed in. You can close this page.")
}
