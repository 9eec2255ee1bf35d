// The page on which a person lets a device sign in.

package authkittest

import (
	"cmp"
	"net/http"
)

// devicePage asks for the code that the device shows. One that came in the link is shown for comparison and not taken
// for granted: whoever sent the link may not be the person's own device (RFC 8628 section 5.4).
func (f *Server) devicePage(r *http.Request) outcome {
	return showPage(http.StatusOK, "device", f.deviceView(r.URL.Query().Get("user_code")))
}

func (f *Server) deviceView(userCode string) view {
	return view{App: cmp.Or(f.settings.appName, "the device"), UserCode: userCode}
}

// chooseDevice goes on from the code to signing in.
func (f *Server) chooseDevice(r *http.Request) outcome {
	typed := r.PostForm.Get("user_code")
	d := f.deviceByUserCode(typed)
	if d == nil {
		v := f.deviceView(typed)
		v.Problem = "No device shows this code now. Check it, or start again on the device."
		return showPage(http.StatusUnprocessableEntity, "device", v)
	}
	a := &authorization{id: newID("authorization"), device: d, expiresAt: d.ExpiresAt}
	f.authorizations[a.id] = a
	if who, remembered := f.remembered(r); remembered {
		a.who = who
		return f.proceed(a)
	}
	return redirect(http.StatusSeeOther, a.path())
}

// confirmPage asks whoever has signed in whether the device may do so too.
func (f *Server) confirmPage(_ *http.Request, a *authorization) outcome {
	if a.device == nil || a.who.personID == "" {
		return redirect(http.StatusSeeOther, a.path())
	}
	v := f.view(a)
	v.Email = f.accountByID(a.who.personID).Email
	v.UserCode = a.device.UserCode
	o, _ := f.organization(a.who.organizationID)
	v.Organization = o.Name
	return showPage(http.StatusOK, "device-confirm", v)
}

// approveDevice is the end of it.
func (f *Server) approveDevice(_ *http.Request, a *authorization) outcome {
	if a.device == nil || a.who.personID == "" {
		return redirect(http.StatusSeeOther, a.path())
	}
	delete(f.authorizations, a.id)
	if f.deviceByUserCode(a.device.UserCode) != a.device {
		return notice(http.StatusConflict, "Too late", "The device no longer waits for an answer. Start again on the device.")
	}
	a.device.Status, a.device.who = DeviceApproved, f.satisfied(a.who)
	return notice(http.StatusOK, "The device is signed in", "You can close this page and go back to it.")
}

func (f *Server) denyDevice(a *authorization) outcome {
	if f.deviceByUserCode(a.device.UserCode) == a.device {
		a.device.Status = DeviceDenied
	}
	return notice(http.StatusOK, "The device was denied", "It was not signed in. You can close this page.")
}
