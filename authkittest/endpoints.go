// What answers each route.

package authkittest

import "net/http"

// endpoint is a call that an application makes with its API key.
type endpoint struct {
	route  Route
	status int // of a call that succeeds
	answer func(*AuthKit, *call) (any, *refusal)
}

var endpoints = []endpoint{
	{RouteCreateMagicAuth, http.StatusCreated, (*AuthKit).createMagicAuth},
	{RouteGetMagicAuth, http.StatusOK, (*AuthKit).getMagicAuth},
	{RouteSendEmailVerification, http.StatusOK, (*AuthKit).sendEmailVerification},
	{RouteConfirmEmailVerification, http.StatusOK, (*AuthKit).confirmEmailVerification},
	{RouteGetEmailVerification, http.StatusOK, (*AuthKit).getEmailVerification},
	{RouteCreatePasswordReset, http.StatusCreated, (*AuthKit).createPasswordReset},
	{RouteGetPasswordReset, http.StatusOK, (*AuthKit).getPasswordReset},
	{RouteConfirmPasswordReset, http.StatusOK, (*AuthKit).confirmPasswordReset},

	{RouteGetUser, http.StatusOK, (*AuthKit).getUser},
	{RouteGetUserByExternalID, http.StatusOK, (*AuthKit).getUserByExternalID},
	{RouteListUsers, http.StatusOK, (*AuthKit).listUsers},
	{RouteCreateUser, http.StatusCreated, (*AuthKit).createUser},
	{RouteUpdateUser, http.StatusOK, (*AuthKit).updateUser},
	{RouteDeleteUser, http.StatusOK, (*AuthKit).deleteUser},
	{RouteListIdentities, http.StatusOK, (*AuthKit).listIdentities},
	{RouteListSessions, http.StatusOK, (*AuthKit).listSessions},
	{RouteRevokeSession, http.StatusOK, (*AuthKit).revokeSession},

	{RouteCreateMembership, http.StatusCreated, (*AuthKit).createMembership},
	{RouteGetMembership, http.StatusOK, (*AuthKit).getMembership},
	{RouteListMemberships, http.StatusOK, (*AuthKit).listMemberships},
	{RouteUpdateMembership, http.StatusOK, (*AuthKit).updateMembership},
	{RouteDeactivateMembership, http.StatusOK, (*AuthKit).deactivateMembership},
	{RouteReactivateMembership, http.StatusOK, (*AuthKit).reactivateMembership},
	{RouteDeleteMembership, http.StatusOK, (*AuthKit).deleteMembership},

	{RouteEnrollUserFactor, http.StatusCreated, (*AuthKit).enrollUserFactor},
	{RouteListUserFactors, http.StatusOK, (*AuthKit).listUserFactors},
	{RouteEnrollFactor, http.StatusCreated, (*AuthKit).enrollFactor},
	{RouteGetFactor, http.StatusOK, (*AuthKit).getFactor},
	{RouteDeleteFactor, http.StatusOK, (*AuthKit).deleteFactor},
	{RouteChallengeFactor, http.StatusCreated, (*AuthKit).challengeFactor},
	{RouteVerifyChallenge, http.StatusCreated, (*AuthKit).verifyChallenge},

	{RouteCreateOrganizationAPIKey, http.StatusCreated, (*AuthKit).createOrganizationAPIKey},
	{RouteListOrganizationAPIKeys, http.StatusOK, (*AuthKit).listOrganizationAPIKeys},
	{RouteCreateUserAPIKey, http.StatusCreated, (*AuthKit).createUserAPIKey},
	{RouteListUserAPIKeys, http.StatusOK, (*AuthKit).listUserAPIKeys},
	{RouteDeleteAPIKey, http.StatusNoContent, (*AuthKit).deleteAPIKey},
	{RouteExpireAPIKey, http.StatusOK, (*AuthKit).expireAPIKey},
	{RouteValidateAPIKey, http.StatusOK, (*AuthKit).validateAPIKey},
}

// handler routes every request. The API answers through admit, where calls are counted and faults strike; the pages
// that a person sees do not.
func (f *AuthKit) handler() http.Handler {
	front, mux := http.NewServeMux(), http.NewServeMux()
	api := func(route Route, h http.HandlerFunc) {
		f.traffic.add(route)
		in := mux
		if route == RouteGetUserByExternalID { // of users/{id}/sessions and its like neither is more specific
			in = front
		}
		in.HandleFunc(string(route), func(w http.ResponseWriter, r *http.Request) { f.admit(w, r, h, route) })
	}
	api(RouteAuthorize, f.browse(f.authorize))
	api(RouteAuthorizeDevice, f.authorizeDevice)
	api(RouteLogout, f.browse(f.logout))
	api(RouteJWKS, f.jwks)
	api(RouteDiscovery, f.discovery)
	for _, e := range endpoints {
		api(e.route, f.serve(e))
	}

	f.traffic.add(RouteAuthenticate)
	for grantType := range grants {
		f.traffic.add(grantRoute(grantType))
	}
	mux.HandleFunc(string(RouteAuthenticate), f.authenticate)

	f.pages(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusNotFound, &refusal{Message: "Not Found"})
	})
	front.Handle("/", mux)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.serving.TryRLock() {
			panic(http.ErrAbortHandler) // the fake is being closed
		}
		defer f.serving.RUnlock()
		w.Header().Set("X-Request-ID", newID("req"))
		front.ServeHTTP(w, r)
	})
}
