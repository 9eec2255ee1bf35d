// Permissions on resources: the guard and the call that ask WorkOS whether a member has one (fine-grained authorization).

package authkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/authkit-go/authkit/workos"
)

// maxResourceText bounds each text of a resource, in bytes. WorkOS's external IDs have at most 128 characters.
const maxResourceText = 512

// RequireResourcePermission returns a middleware that passes requests whose session's user has the permission on a resource:
// one project, for example, and not all projects. WorkOS decides, by the roles that the user has on the resource, on its
// parents and in the organization of the session (fine-grained authorization, https://workos.com/docs/fga). resource returns
// the resource of a request. It is called only for a request with a session:
//
//	guard := ak.RequireResourcePermission(func(r *http.Request) workos.Resource {
//		return workos.Resource{TypeSlug: "project", ExternalID: r.PathValue("project")}
//	}, "project:edit")
//	mux.Handle("POST /projects/{project}", guard(editProject))
//
// Put it around a route, and not around the router: only the router knows the values of the path.
//
// An anonymous request is answered as by [AuthKit.RequireAuth]. The answer is 403 ([ForbiddenError]) if the session is in no
// organization, and otherwise, naming the permission, if
//
//   - WorkOS says that the user does not have it;
//   - WorkOS does not know the resource, the permission or the user as a member of the organization;
//   - the resource is malformed. It must have an ID alone, or an ExternalID and a TypeSlug. Each has at most 512 bytes of
//     valid UTF-8 without control characters. WorkOS is not asked then.
//
// If WorkOS does not answer within 10 seconds, or answers 429, 5xx or that the application's API key is not accepted, the
// answer is 503 with Retry-After ([ErrUnavailable]). No failure lets a request pass. After a failure, the same is not asked
// again for 5 seconds, and after a 429 nothing for as long as WorkOS says.
//
// A session in a cookie and one of a bearer token ([WithBearerTokens]) are treated alike. So is an impersonated one: the
// answer is about the user. Combine the guard with [AuthKit.RefuseImpersonation] to refuse those. A request with an API
// key of a customer has no session.
//
// # Remembered answers
//
// A yes is remembered for 10 seconds and a no for 3, counted from the question ([WithResourcePermissionTTL]). Requests that ask
// the same at the same time share one question, which continues if the request that started it ends. The ID of the membership
// is looked up by the user and the organization, and remembered for an hour at most. If WorkOS does not know it any more,
// it is looked up again: a user who was removed and added again has a new one.
//
// What is remembered about a user is dropped when [AuthKit.Follow] or [AuthKit.Webhook] learns that the user, the membership
// or the organization has changed, and when [AuthKit.RefreshUser] is called. What is remembered about all members of an
// organization is dropped after a change of its roles (organization_role.updated and .deleted), after one of its groups was
// deleted (group.deleted) and by [AuthKit.RefreshOrganization], what is remembered about a member after a group got or lost the
// member (group.member_added, group.member_removed), and everything after a change of a role or a permission of the environment
// (role.updated, role.deleted, permission.updated, permission.deleted) and by [AuthKit.RefreshAll]. With [WithStore], that holds
// at every instance. A question that is under way then is asked again. No event reports that a role on a resource was assigned
// to a member or a group, or removed: such a change has its effect when the answer is forgotten, or after a call of
// [AuthKit.RefreshUser].
//
// The answers of the last 16,384 users are kept, in 32 MiB at most, and of each user the last 1,024, in 256 KiB at most: a user
// who invents resources pushes out the user's own answers. At a time, 64 questions are asked, 8 of them about one user, and
// 4,096 are asked or wait, 256 of them about one user. About one user, 600 questions can be asked at once and 600 more each
// minute. Beyond that, the answer is 503, for that user.
//
// RequireResourcePermission panics for a public client, which has no API key to call WorkOS with, if resource is nil, and if
// the permission is empty. See [AuthKit.RequireRole].
func (a *AuthKit) RequireResourcePermission(resource func(*http.Request) workos.Resource, permission string) func(http.Handler) http.Handler {
	const guard = "RequireResourcePermission"
	if a.public {
		panic("authkit: " + guard + " needs WithAPIKey: " + errPublicQuestion.Error())
	}
	if resource == nil {
		panic("authkit: " + guard + ": the function is nil")
	}
	mustHaveSlugs(guard, byPermission.kind, []string{permission})
	return func(next http.Handler) http.Handler {
		mustHaveHandler(next)
		return a.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if a.isOpenPath(r) {
				next.ServeHTTP(w, r)
				return
			}
			switch err := a.checkResourcePermission(r, resource, permission); {
			case err == nil:
				next.ServeHTTP(w, r)
			case errors.Is(err, ErrUnauthenticated):
				a.failUnauthenticated(w, r, a.requestAuthOf(r).challenge)
			default:
				a.fail(w, r, err, "")
			}
		}))
	}
}

// checkResourcePermission returns nil if the session of a request has the permission on the resource of the request.
func (a *AuthKit) checkResourcePermission(r *http.Request, resource func(*http.Request) workos.Resource, permission string) error {
	s, _ := FromContext(r.Context())
	if err := missingUnless(s.OrganizationID() != "", "a session in an organization"); err != nil {
		return err
	}
	permitted, err := a.hasResourcePermission(r.Context(), s, resource(r), permission)
	if err != nil || permitted {
		return err
	}
	return &ForbiddenError{Missing: byPermission.kind + " " + permission + " on this resource"}
}

var errPublicQuestion = errors.New("a public client has no API key to check permissions on resources with")

// HasResourcePermission reports whether the user of the session in ctx has the permission on the resource, as
// [AuthKit.RequireResourcePermission] does, with the same memory. ctx is the context of a request behind the middleware or
// a guard, or one of [NewContext]. It is for handlers that know the resource only later, and for those that list resources:
//
//	for _, project := range projects {
//		resource := workos.Resource{TypeSlug: "project", ExternalID: project.ID}
//		editable, err := ak.HasResourcePermission(r.Context(), resource, "project:edit")
//		if err != nil {
//			ak.Fail(w, r, err)
//			return
//		}
//		show(w, project, editable)
//	}
//
// Each question that is not remembered is a call of WorkOS. It may be called from several goroutines for one request: eight
// questions about one user are asked at a time.
//
// It is false without an error in all cases in which the guard answers 403. The error matches [ErrUnauthenticated] if ctx has
// no session, or if the session has ended, and [ErrUnavailable] if the session could not be checked, or if WorkOS does not
// answer. Any other error is a mistake of the caller: the permission is empty, or the AuthKit is a public client.
func (a *AuthKit) HasResourcePermission(ctx context.Context, resource workos.Resource, permission string) (bool, error) {
	const method = "authkit: HasResourcePermission: "
	switch {
	case a.public:
		return false, fmt.Errorf(method+"%w", errPublicQuestion)
	case strings.TrimSpace(permission) == "":
		return false, errors.New(method + "the permission is empty")
	}
	session, err := a.sessionInContext(ctx)
	if err != nil {
		return false, err
	}
	return a.hasResourcePermission(ctx, session, resource, permission)
}

// sessionInContext returns the session of a context, or the reason why it has no session.
func (a *AuthKit) sessionInContext(ctx context.Context) (*Session, error) {
	auth := requestAuthFrom(ctx)
	switch {
	case auth == nil, !auth.trustedBy(a):
	case auth.session != nil:
		return auth.session, nil
	case auth.err != nil:
		return nil, auth.err
	}
	return nil, fmt.Errorf("%w: the context has no session", ErrUnauthenticated)
}

// OrganizationMembershipID returns the ID of the membership ("om_…") that the user of the session in ctx has in the organization of
// the session. The calls of package workos about resources take it, such as AssignRole and
// ListOrganizationMembershipResources:
//
//	id, err := ak.OrganizationMembershipID(r.Context())
//	if err != nil {
//		ak.Fail(w, r, err)
//		return
//	}
//	project := workos.Resource{TypeSlug: "project", ExternalID: r.PathValue("project")}
//	_, err = ak.Client().AssignRole(r.Context(), id, "project-editor", project)
//
// ctx is as for [AuthKit.HasResourcePermission]. The ID is looked up at WorkOS once, and remembered for an hour at most, together
// with [AuthKit.RequireResourcePermission]. [AuthKit.RefreshUser] and the changes that the guard names drop it. A user who was
// removed and added again has a new one.
//
// The error matches [ErrForbidden] if the session is in no organization, or if its user is not an active member,
// [ErrUnauthenticated] if ctx has no session, or if the session has ended, and [ErrUnavailable] if the session could not be checked,
// or if WorkOS does not answer. Any other error says that the AuthKit is a public client.
func (a *AuthKit) OrganizationMembershipID(ctx context.Context) (string, error) {
	if a.public {
		return "", errors.New("authkit: OrganizationMembershipID: a public client has no API key to look up a membership with")
	}
	s, err := a.sessionInContext(ctx)
	switch {
	case err != nil:
		return "", err
	case a.isSignedOut(s):
		return "", errEndedBeforeAnswer
	case s.OrganizationID() == "":
		return "", &ForbiddenError{Missing: "a session in an organization"}
	}
	id, err := a.resources.membershipID(ctx, s)
	switch {
	case a.isSignedOut(s): // during the call
		return "", errEndedBeforeAnswer
	case err != nil:
		return "", unavailable(err, workos.RetryAfter(err))
	case id == "":
		return "", &ForbiddenError{Missing: "an active membership of the organization"}
	}
	return id, nil
}

// hasResourcePermission reports whether the user of a session has a permission on a resource. The session may end before the
// call and while WorkOS is asked.
func (a *AuthKit) hasResourcePermission(ctx context.Context, s *Session, resource workos.Resource, permission string) (permitted bool, err error) {
	if a.isSignedOut(s) {
		return false, errEndedBeforeAnswer
	}
	if s.UserID() == "" || s.OrganizationID() == "" || !isResource(resource) || !isResourceText(permission) {
		return false, nil
	}
	permitted, err = a.resources.ask(ctx, s, permission, resource)
	switch {
	case hasLeft(ctx, err): // no client waits for the answer
	case err != nil:
		a.resources.counters.add(OutcomeFailed)
	case permitted:
		a.resources.counters.add(OutcomeOK)
	default:
		a.resources.counters.add(OutcomeDenied)
	}
	if a.isSignedOut(s) {
		return false, errEndedBeforeAnswer
	}
	return permitted, err
}

var errEndedBeforeAnswer = fmt.Errorf("%w: the session was signed out", ErrUnauthenticated)

// isResource reports whether WorkOS can be asked about a resource. Otherwise it could take it for another one, or the key of its
// answer could be that of another one.
func isResource(resource workos.Resource) bool {
	byID := resource == workos.Resource{ID: resource.ID}
	byExternalID := resource.ID == "" && resource.ExternalID != "" && resource.TypeSlug != ""
	return resource != workos.Resource{} && (byID || byExternalID) &&
		isResourceText(resource.ID) && isResourceText(resource.ExternalID) && isResourceText(resource.TypeSlug)
}

func isResourceText(text string) bool {
	return len(text) <= maxResourceText && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
