// The router: which function answers each route.

package authkittest

import (
	"context"
	"net/http"
	"sync"
)

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
	{RouteSendRadarSMSChallenge, http.StatusCreated, (*Server).sendRadarSMSChallenge},
	{RouteGetRadarChallenge, http.StatusOK, (*Server).getRadarChallenge},
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

	{RouteListGroups, http.StatusOK, (*Server).listGroups},
	{RouteGetGroup, http.StatusOK, (*Server).getGroup},
	{RouteCreateGroup, http.StatusCreated, (*Server).createGroup},
	{RouteUpdateGroup, http.StatusOK, (*Server).updateGroup},
	{RouteDeleteGroup, http.StatusNoContent, (*Server).deleteGroup},
	{RouteListGroupMembers, http.StatusOK, (*Server).listGroupMembers},
	{RouteAddGroupMember, http.StatusOK, (*Server).addGroupMember},
	{RouteRemoveGroupMember, http.StatusNoContent, (*Server).removeGroupMember},
	{RouteListMembershipGroups, http.StatusOK, (*Server).listMembershipGroups},

	{RouteSendInvitation, http.StatusCreated, (*Server).sendInvitation},
	{RouteGetInvitation, http.StatusOK, (*Server).getInvitation},
	{RouteGetInvitationByToken, http.StatusOK, (*Server).getInvitationByToken},
	{RouteListInvitations, http.StatusOK, (*Server).listInvitations},
	{RouteAcceptInvitation, http.StatusOK, (*Server).acceptInvitation},
	{RouteResendInvitation, http.StatusOK, (*Server).resendInvitation},
	{RouteRevokeInvitation, http.StatusOK, (*Server).revokeInvitation},

	{RouteListWaitlists, http.StatusOK, (*Server).listWaitlists},
	{RouteGetWaitlist, http.StatusOK, (*Server).getWaitlist},
	{RouteListWaitlistEntries, http.StatusOK, (*Server).listWaitlistEntries},
	{RouteCreateWaitlistEntry, http.StatusCreated, (*Server).createWaitlistEntry},
	{RouteApproveWaitlistEntry, http.StatusOK, (*Server).approveWaitlistEntry},
	{RouteDenyWaitlistEntry, http.StatusOK, (*Server).denyWaitlistEntry},
	{RouteDeleteWaitlistEntry, http.StatusNoContent, (*Server).deleteWaitlistEntry},

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
	{RouteListEffectivePermissions, http.StatusOK, (*Server).listEffectivePermissions},
	{RouteListEffectivePermissionsByExternalID, http.StatusOK, (*Server).listEffectivePermissions},
	{RouteListMembershipResources, http.StatusOK, (*Server).listMembershipResources},
	{RouteListResourceMembers, http.StatusOK, (*Server).listResourceMembers},
	{RouteListResourceMembersByExternalID, http.StatusOK, (*Server).listResourceMembers},
	{RouteAssignRole, http.StatusCreated, (*Server).assignRole},
	{RouteRemoveRole, http.StatusNoContent, (*Server).removeRole},
	{RouteListRoleAssignments, http.StatusOK, (*Server).listRoleAssignments},
	{RouteRemoveRoleAssignment, http.StatusNoContent, (*Server).removeRoleAssignment},
	{RouteListResourceRoleAssignments, http.StatusOK, (*Server).listResourceRoleAssignments},
	{RouteListResourceRoleAssignmentsByExternalID, http.StatusOK, (*Server).listResourceRoleAssignments},

	{RouteListResources, http.StatusOK, (*Server).listResources},
	{RouteGetResource, http.StatusOK, (*Server).getResource},
	{RouteGetResourceByExternalID, http.StatusOK, (*Server).getResource},
	{RouteCreateResource, http.StatusCreated, (*Server).createResource},
	{RouteUpdateResource, http.StatusOK, (*Server).updateResource},
	{RouteUpdateResourceByExternalID, http.StatusOK, (*Server).updateResource},
	{RouteDeleteResource, http.StatusNoContent, (*Server).deleteResource},
	{RouteDeleteResourceByExternalID, http.StatusNoContent, (*Server).deleteResource},

	{RouteListGroupRoleAssignments, http.StatusOK, (*Server).listGroupRoles},
	{RouteGetGroupRoleAssignment, http.StatusOK, (*Server).getGroupRole},
	{RouteAssignGroupRole, http.StatusCreated, (*Server).assignGroupRole},
	{RouteSetGroupRoles, http.StatusOK, (*Server).setGroupRoles},
	{RouteRemoveGroupRole, http.StatusNoContent, (*Server).removeGroupRole},
	{RouteRemoveGroupRoleAssignment, http.StatusNoContent, (*Server).removeGroupRoleAssignment},

	{RouteListFeatureFlags, http.StatusOK, (*Server).listFeatureFlags},
	{RouteListOrganizationFeatureFlags, http.StatusOK, (*Server).listOrganizationFeatureFlags},
	{RouteListUserFeatureFlags, http.StatusOK, (*Server).listUserFeatureFlags},
	{RouteGetFeatureFlag, http.StatusOK, (*Server).getFeatureFlag},
	{RouteEnableFeatureFlag, http.StatusOK, (*Server).enableFeatureFlag},
	{RouteDisableFeatureFlag, http.StatusOK, (*Server).disableFeatureFlag},
	{RouteAddFeatureFlagTarget, http.StatusNoContent, (*Server).addFeatureFlagTarget},
	{RouteRemoveFeatureFlagTarget, http.StatusNoContent, (*Server).removeFeatureFlagTarget},
	{RouteListFeatureFlagRules, http.StatusOK, (*Server).listFeatureFlagRules},

	{RouteCompleteExternalAuth, http.StatusOK, (*Server).completeExternalAuth},
	{RouteListUserAuthorizedApplications, http.StatusOK, (*Server).listUserAuthorizedApplications},
	{RouteListOrganizationAuthorizedApplications, http.StatusOK, (*Server).listOrganizationAuthorizedApplications},
	{RouteDeleteUserAuthorizedApplication, http.StatusNoContent, (*Server).deleteUserAuthorizedApplication},
	{RouteListDataProviders, http.StatusOK, (*Server).listDataProviders},
	{RouteGetConnectedAccount, http.StatusOK, (*Server).getConnectedAccount},
	{RouteImportConnectedAccount, http.StatusCreated, (*Server).importConnectedAccount},
	{RouteUpdateConnectedAccount, http.StatusOK, (*Server).updateConnectedAccount},
	{RouteDeleteConnectedAccount, http.StatusNoContent, (*Server).deleteConnectedAccount},
	{RouteAuthorizeConnectedAccount, http.StatusOK, (*Server).authorizeConnectedAccount},
	{RouteGetConnectedAccountToken, http.StatusOK, (*Server).getConnectedAccountToken},
	{RouteCreateRedirectURI, http.StatusCreated, (*Server).createRedirectURI},
	{RouteListRedirectURIs, http.StatusOK, (*Server).listRedirectURIs},
	{RouteDeleteRedirectURI, http.StatusNoContent, (*Server).deleteRedirectURI},
	{RouteCreateCORSOrigin, http.StatusCreated, (*Server).createCORSOrigin},
	{RouteListCORSOrigins, http.StatusOK, (*Server).listCORSOrigins},
	{RouteGetJWTTemplate, http.StatusOK, (*Server).getJWTTemplate},
	{RouteUpdateJWTTemplate, http.StatusOK, (*Server).updateJWTTemplate},
	{RouteCreateWidgetToken, http.StatusCreated, (*Server).createWidgetToken},
	{RouteCreateWidgetsAPIToken, http.StatusCreated, (*Server).createWidgetsAPIToken},
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

	{RouteCreateAuditLogEvent, http.StatusOK, (*Server).createAuditLogEvent},
	{RouteGetAuditLogConfiguration, http.StatusOK, (*Server).getAuditLogConfiguration},
	{RouteListEvents, http.StatusOK, (*Server).listEvents},
	{RouteCreateWebhookEndpoint, http.StatusCreated, (*Server).createWebhookEndpoint},
	{RouteListWebhookEndpoints, http.StatusOK, (*Server).listWebhookEndpoints},
	{RouteUpdateWebhookEndpoint, http.StatusOK, (*Server).updateWebhookEndpoint},
	{RouteDeleteWebhookEndpoint, http.StatusNoContent, (*Server).deleteWebhookEndpoint},
}

// aliases are second paths of routes. Their calls count as calls of the route.
var aliases = map[Route]string{
	// As the SDK for Node.js asks for them, in its versions 10.14 and 11. The OpenAPI description 0.61 does not have this path.
	RouteListEffectivePermissions: "GET /authorization/resources/{resource_id}/organization_memberships/{id}/permissions",
}

// endpointMuxes are the muxes of the endpoints: a request that the first does not know goes to the second, and from there to the
// routes that InjectFault has added. All fakes of a process share them, because to register 170 patterns takes longer than a
// request. The fake is in the context of the request.
var endpointMuxes = sync.OnceValue(func() []*http.ServeMux {
	front, mux := http.NewServeMux(), http.NewServeMux()
	for _, e := range endpoints {
		in := mux
		if e.route == RouteGetUserByExternalID || e.route == RouteGetOrganizationByExternalID { // conflicts with users/{id}/sessions
			in = front
		}
		handle := func(w http.ResponseWriter, r *http.Request) {
			f := serverOf(r)
			f.handleCall(w, r, f.withRateLimit(e.route, f.serveEndpoint(e)), e.route)
		}
		in.HandleFunc(string(e.route), handle)
		if alias := aliases[e.route]; alias != "" {
			in.HandleFunc(alias, handle)
		}
	}
	front.Handle("/", mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { serverOf(r).otherRoutes.ServeHTTP(w, r) })
	return []*http.ServeMux{front, mux}
})

// ownHandlers are handlers of one fake, by pattern. Every fake has the same patterns.
type ownHandlers map[string]http.HandlerFunc

// HandleFunc adds a handler, like the method of http.ServeMux.
func (h ownHandlers) HandleFunc(pattern string, handler http.HandlerFunc) { h[pattern] = handler }

// ownMux is the mux of the ownHandlers of all fakes of a process. The fake is in the context of the request.
var ownMux struct {
	once sync.Once
	http.ServeMux
}

// mux returns ownMux.
func (h ownHandlers) mux() *http.ServeMux {
	ownMux.once.Do(func() {
		for pattern := range h {
			ownMux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { serverOf(r).own[pattern](w, r) })
		}
		ownMux.Handle("/", endpointMuxes()[0])
	})
	return &ownMux.ServeMux
}

// serverKey is the key of the fake in the context of a request to a mux that fakes share.
type serverKey struct{}

func serverOf(r *http.Request) *Server { return r.Context().Value(serverKey{}).(*Server) }

// handler returns the handler of all requests. Calls of the API go through handleCall, which counts them and applies faults.
// Requests for pages do not.
func (f *Server) handler() http.Handler {
	f.own = ownHandlers{}
	api := func(route Route, h http.HandlerFunc) {
		f.traffic.add(route)
		f.own.HandleFunc(string(route), func(w http.ResponseWriter, r *http.Request) { f.handleCall(w, r, h, route) })
	}
	api(RouteAuthorize, f.browse(f.authorize))
	api(RouteAuthorizeDevice, f.withRateLimit(RouteAuthorizeDevice, f.authorizeDevice))
	api(RouteLogout, f.browse(f.logout))
	api(RouteJWKS, f.jwks)
	api(RouteDiscovery, f.discovery)

	f.traffic.add(RouteAuthenticate)
	for grantType := range grants {
		f.traffic.add(grantRoute(grantType))
	}
	f.own.HandleFunc(string(RouteAuthenticate), f.authenticate)

	f.registerOAuth()
	f.registerPages()
	for _, e := range endpoints {
		f.traffic.add(e.route)
	}
	f.otherRoutes.HandleFunc("/", serveNotFound)
	f.routes = append([]*http.ServeMux{f.own.mux()}, endpointMuxes()...)
	var served http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		own := r.WithContext(context.WithValue(r.Context(), serverKey{}, f))
		defer func() { r.Pattern = own.Pattern }() // a middleware finds it in its own request
		f.routes[0].ServeHTTP(w, own)
	})
	if f.settings.middleware != nil {
		served = f.settings.middleware(served)
	}

	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.serving.TryRLock() {
			panic(http.ErrAbortHandler) // the fake is closed
		}
		defer f.serving.RUnlock()
		w.Header().Set("X-Request-ID", newID("req"))
		w.Header().Set("Date", f.clock.Now().UTC().Format(http.TimeFormat)) // the server would take that of the system
		served.ServeHTTP(w, r)
	})
}
