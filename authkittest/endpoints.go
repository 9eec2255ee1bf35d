// The router: which function answers each route.

package authkittest

import "net/http"

// endpoint is a call that an application makes with its API key.
type endpoint struct {
	route  Route
	status int // status of a successful response
	answer func(*Server, *call) (any, *apiError)
}

var endpoints = []endpoint{
	{RouteCreateMagicAuth, http.StatusCreated, (*Server).createMagicAuth},
	{RouteGetMagicAuth, http.StatusOK, (*Server).getMagicAuth},
	{RouteSendEmailVerification, http.StatusOK, (*Server).sendEmailVerification},
	{RouteConfirmEmailVerification, http.StatusOK, (*Server).confirmEmailVerification},
	{RouteGetEmailVerification, http.StatusOK, (*Server).getEmailVerification},
	{RouteCreatePasswordReset, http.StatusCreated, (*Server).createPasswordReset},
	{RouteGetPasswordReset, http.StatusOK, (*Server).getPasswordReset},
	{RouteConfirmPasswordReset, http.StatusOK, (*Server).confirmPasswordReset},

	{RouteGetUser, http.StatusOK, (*Server).getUser},
	{RouteGetUserByExternalID, http.StatusOK, (*Server).getUserByExternalID},
	{RouteListUsers, http.StatusOK, (*Server).listUsers},
	{RouteCreateUser, http.StatusCreated, (*Server).createUser},
	{RouteUpdateUser, http.StatusOK, (*Server).updateUser},
	{RouteDeleteUser, http.StatusOK, (*Server).deleteUser},
	{RouteSendEmailChange, http.StatusOK, (*Server).sendEmailChange},
	{RouteConfirmEmailChange, http.StatusOK, (*Server).confirmEmailChange},
	{RouteListIdentities, http.StatusOK, (*Server).listIdentities},
	{RouteListSessions, http.StatusOK, (*Server).listSessions},
	{RouteRevokeSession, http.StatusOK, (*Server).revokeSession},

	{RouteCreateMembership, http.StatusCreated, (*Server).createMembership},
	{RouteGetMembership, http.StatusOK, (*Server).getMembership},
	{RouteListMemberships, http.StatusOK, (*Server).listMemberships},
	{RouteUpdateMembership, http.StatusOK, (*Server).updateMembership},
	{RouteDeactivateMembership, http.StatusOK, (*Server).deactivateMembership},
	{RouteReactivateMembership, http.StatusOK, (*Server).reactivateMembership},
	{RouteDeleteMembership, http.StatusOK, (*Server).deleteMembership},

	{RouteSendInvitation, http.StatusCreated, (*Server).sendInvitation},
	{RouteGetInvitation, http.StatusOK, (*Server).getInvitation},
	{RouteGetInvitationByToken, http.StatusOK, (*Server).getInvitationByToken},
	{RouteListInvitations, http.StatusOK, (*Server).listInvitations},
	{RouteAcceptInvitation, http.StatusOK, (*Server).acceptInvitation},
	{RouteResendInvitation, http.StatusOK, (*Server).resendInvitation},
	{RouteRevokeInvitation, http.StatusOK, (*Server).revokeInvitation},

	{RouteGetOrganization, http.StatusOK, (*Server).getOrganization},
	{RouteGetOrganizationByExternalID, http.StatusOK, (*Server).getOrganizationByExternalID},
	{RouteListOrganizations, http.StatusOK, (*Server).listOrganizations},
	{RouteCreateOrganization, http.StatusCreated, (*Server).createOrganization},
	{RouteUpdateOrganization, http.StatusOK, (*Server).updateOrganization},
	{RouteDeleteOrganization, http.StatusAccepted, (*Server).deleteOrganization},
	{RouteCreateOrganizationDomain, http.StatusCreated, (*Server).createOrganizationDomain},
	{RouteGetOrganizationDomain, http.StatusOK, (*Server).getOrganizationDomain},
	{RouteVerifyOrganizationDomain, http.StatusCreated, (*Server).verifyOrganizationDomain},
	{RouteDeleteOrganizationDomain, http.StatusNoContent, (*Server).deleteOrganizationDomain},

	{RouteListRoles, http.StatusOK, (*Server).listRoles},
	{RouteGetRole, http.StatusOK, (*Server).getRole},
	{RouteCreateRole, http.StatusCreated, (*Server).createRole},
	{RouteUpdateRole, http.StatusOK, (*Server).updateRole},
	{RouteAddRolePermission, http.StatusOK, (*Server).addRolePermission},
	{RouteSetRolePermissions, http.StatusOK, (*Server).setRolePermissions},
	{RouteListOrganizationRoles, http.StatusOK, (*Server).listRoles},
	{RouteGetOrganizationRole, http.StatusOK, (*Server).getRole},
	{RouteCreateOrganizationRole, http.StatusCreated, (*Server).createRole},
	{RouteUpdateOrganizationRole, http.StatusOK, (*Server).updateRole},
	{RouteDeleteOrganizationRole, http.StatusNoContent, (*Server).deleteOrganizationRole},
	{RouteAddOrganizationRolePermission, http.StatusOK, (*Server).addRolePermission},
	{RouteSetOrganizationRolePermissions, http.StatusOK, (*Server).setRolePermissions},
	{RouteRemoveOrganizationRolePermission, http.StatusOK, (*Server).removeRolePermission},
	{RouteListPermissions, http.StatusOK, (*Server).listPermissions},
	{RouteGetPermission, http.StatusOK, (*Server).getPermission},
	{RouteCreatePermission, http.StatusCreated, (*Server).createPermission},
	{RouteUpdatePermission, http.StatusOK, (*Server).updatePermission},
	{RouteDeletePermission, http.StatusNoContent, (*Server).deletePermission},

	{RouteCheckAuthorization, http.StatusOK, (*Server).checkAuthorization},
	{RouteAssignRole, http.StatusCreated, (*Server).assignRole},
	{RouteRemoveRole, http.StatusNoContent, (*Server).removeRole},
	{RouteListRoleAssignments, http.StatusOK, (*Server).listRoleAssignments},
	{RouteRemoveRoleAssignment, http.StatusNoContent, (*Server).removeRoleAssignment},

	{RouteListFeatureFlags, http.StatusOK, (*Server).listFeatureFlags},
	{RouteListOrganizationFeatureFlags, http.StatusOK, (*Server).listOrganizationFeatureFlags},
	{RouteListUserFeatureFlags, http.StatusOK, (*Server).listUserFeatureFlags},
	{RouteGetFeatureFlag, http.StatusOK, (*Server).getFeatureFlag},
	{RouteEnableFeatureFlag, http.StatusOK, (*Server).enableFeatureFlag},
	{RouteDisableFeatureFlag, http.StatusOK, (*Server).disableFeatureFlag},
	{RouteAddFeatureFlagTarget, http.StatusNoContent, (*Server).addFeatureFlagTarget},
	{RouteRemoveFeatureFlagTarget, http.StatusNoContent, (*Server).removeFeatureFlagTarget},

	{RouteListUserAuthorizedApplications, http.StatusOK, (*Server).listUserAuthorizedApplications},
	{RouteListOrganizationAuthorizedApplications, http.StatusOK, (*Server).listOrganizationAuthorizedApplications},
	{RouteDeleteUserAuthorizedApplication, http.StatusNoContent, (*Server).deleteUserAuthorizedApplication},
	{RouteCreateRedirectURI, http.StatusCreated, (*Server).createRedirectURI},
	{RouteListRedirectURIs, http.StatusOK, (*Server).listRedirectURIs},
	{RouteDeleteRedirectURI, http.StatusNoContent, (*Server).deleteRedirectURI},
	{RouteCreateCORSOrigin, http.StatusCreated, (*Server).createCORSOrigin},
	{RouteListCORSOrigins, http.StatusOK, (*Server).listCORSOrigins},
	{RouteCreateWidgetToken, http.StatusCreated, (*Server).createWidgetToken},
	{RouteCreatePortalLink, http.StatusCreated, (*Server).createPortalLink},

	{RouteEnrollUserFactor, http.StatusCreated, (*Server).enrollUserFactor},
	{RouteListUserFactors, http.StatusOK, (*Server).listUserFactors},
	{RouteEnrollFactor, http.StatusCreated, (*Server).enrollFactor},
	{RouteGetFactor, http.StatusOK, (*Server).getFactor},
	{RouteDeleteFactor, http.StatusOK, (*Server).deleteFactor},
	{RouteChallengeFactor, http.StatusCreated, (*Server).challengeFactor},
	{RouteVerifyChallenge, http.StatusCreated, (*Server).verifyChallenge},

	{RouteCreateOrganizationAPIKey, http.StatusCreated, (*Server).createOrganizationAPIKey},
	{RouteListOrganizationAPIKeys, http.StatusOK, (*Server).listOrganizationAPIKeys},
	{RouteCreateUserAPIKey, http.StatusCreated, (*Server).createUserAPIKey},
	{RouteListUserAPIKeys, http.StatusOK, (*Server).listUserAPIKeys},
	{RouteDeleteAPIKey, http.StatusNoContent, (*Server).deleteAPIKey},
	{RouteExpireAPIKey, http.StatusOK, (*Server).expireAPIKey},
	{RouteValidateAPIKey, http.StatusOK, (*Server).validateAPIKey},

	{RouteListEvents, http.StatusOK, (*Server).listEvents},
	{RouteCreateWebhookEndpoint, http.StatusCreated, (*Server).createWebhookEndpoint},
	{RouteListWebhookEndpoints, http.StatusOK, (*Server).listWebhookEndpoints},
	{RouteUpdateWebhookEndpoint, http.StatusOK, (*Server).updateWebhookEndpoint},
	{RouteDeleteWebhookEndpoint, http.StatusNoContent, (*Server).deleteWebhookEndpoint},
}

// handler returns the handler of all requests. Calls of the API go through handleCall, which counts them and applies faults.
// Requests for pages do not.
func (f *Server) handler() http.Handler {
	front, mux := http.NewServeMux(), http.NewServeMux()
	api := func(route Route, h http.HandlerFunc) {
		f.traffic.add(route)
		in := mux
		if route == RouteGetUserByExternalID || route == RouteGetOrganizationByExternalID { // conflicts with users/{id}/sessions
			in = front
		}
		in.HandleFunc(string(route), func(w http.ResponseWriter, r *http.Request) { f.handleCall(w, r, h, route) })
	}
	api(RouteAuthorize, f.browse(f.authorize))
	api(RouteAuthorizeDevice, f.withRateLimit(RouteAuthorizeDevice, f.authorizeDevice))
	api(RouteLogout, f.browse(f.logout))
	api(RouteJWKS, f.jwks)
	api(RouteDiscovery, f.discovery)
	for _, e := range endpoints {
		api(e.route, f.withRateLimit(e.route, f.serveEndpoint(e)))
	}

	f.traffic.add(RouteAuthenticate)
	for grantType := range grants {
		f.traffic.add(grantRoute(grantType))
	}
	mux.HandleFunc(string(RouteAuthenticate), f.authenticate)

	f.registerPages(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusNotFound, &apiError{Message: "Not Found"})
	})
	front.Handle("/", mux)

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.serving.TryRLock() {
			panic(http.ErrAbortHandler) // the fake is closed
		}
		defer f.serving.RUnlock()
		w.Header().Set("X-Request-ID", newID("req"))
		front.ServeHTTP(w, r)
	})
}
