// Permissions on resources: the guard and the call that ask WorkOS, and what they remember.

package behaviour

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// projectOf returns the project that the query of a request names, or project 1.
func projectOf(r *http.Request) workos.Resource {
	id := r.URL.Query().Get("project")
	if id == "" {
		id = "1"
	}
	return workos.Resource{TypeSlug: "project", ExternalID: id}
}

// ResourceApp is an application whose path /project needs the permission posts:write on the project of the request. /has
// answers what HasResourcePermission returns for it.
type ResourceApp struct{ *App }

// NewResourceApp starts such an application.
func NewResourceApp(t testing.TB, opts ...authkit.Option) ResourceApp {
	a := ResourceApp{NewApp(t, AppOptions{AuthKit: opts, Routes: resourceRoutes})}
	addProjects(a.Fake)
	return a
}

// addProjects adds the projects that these tests use to org_acme at WorkOS.
func addProjects(fake *authkittest.Server) {
	for _, id := range []string{"1", "2", "3", "4", "5", "known"} {
		fake.AddResource(authkittest.Resource{OrganizationID: "org_acme", TypeSlug: "project", ExternalID: id})
	}
}

func resourceRoutes(a *App, mux *http.ServeMux) {
	pass := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "reached by "+r.Method) })
	mux.Handle("/project", a.RequireResourcePermission(projectOf, "posts:write")(pass))
	mux.HandleFunc("/has", func(w http.ResponseWriter, r *http.Request) {
		has, err := a.HasResourcePermission(r.Context(), projectOf(r), "posts:write")
		if err != nil {
			a.Fail(w, r, err)
			return
		}
		fmt.Fprint(w, has)
	})
	mux.HandleFunc("/membership-id", func(w http.ResponseWriter, r *http.Request) {
		id, err := a.OrganizationMembershipID(r.Context())
		if err != nil {
			a.Fail(w, r, err)
			return
		}
		fmt.Fprint(w, id)
	})
}

// project sends a request of a script for /project.
func (a ResourceApp) project(cookie, query string) Response {
	a.T.Helper()
	return a.Send(Request{Target: "/project?" + query, Cookie: cookie, Header: Scripted()})
}

// checks returns how many questions WorkOS was asked.
func (a ResourceApp) checks() int { return a.Fake.Calls(authkittest.RouteCheckAuthorization) }

// lookups returns how many memberships were looked up.
func (a ResourceApp) lookups() int { return a.Fake.Calls(authkittest.RouteListMemberships) }

// permit sets kim's permissions in org_acme at WorkOS.
func (a ResourceApp) permit(permissions ...string) {
	a.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Memberships[0].Permissions = permissions })
}

func TestAPermissionOnAResourceIsAskedOnceAndRemembered(t *testing.T) {
	a := NewResourceApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	for range 3 {
		resp := a.project(cookie, "")
		assert.Equal(t, "reached by GET", resp.Body)
		assert.Equal(t, "private, no-store", resp.Header.Get("Cache-Control"))
		assert.Equal(t, "true", a.Send(Request{Target: "/has", Cookie: cookie}).Body, "the call shares the memory of the guard")
	}
	assert.Equal(t, 1, a.checks())
	assert.Equal(t, 1, a.lookups())
	for _, method := range []string{http.MethodHead, http.MethodPost, http.MethodDelete} {
		resp := a.Send(Request{Method: method, Target: "/project", Cookie: cookie, Header: Scripted()})
		assert.Equal(t, http.StatusOK, resp.Status, method)
	}
	assert.Equal(t, http.StatusOK, a.project(cookie, "project=2").Status)
	assert.Equal(t, 2, a.checks(), "another resource is another question")
	assert.Equal(t, 1, a.lookups(), "the membership is known")
}

func TestAnAnswerAboutAResourceIsForgottenAfterItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		opts    []authkit.Option
		yes, no time.Duration
	}{
		"by default": {nil, 10 * time.Second, 3 * time.Second},
		"as set":     {[]authkit.Option{authkit.WithResourcePermissionTTL(time.Minute, 20*time.Second)}, time.Minute, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewResourceApp(t, c.opts...)
			cookie := a.SignedIn(Kim).CookieHeader()
			require.Equal(t, http.StatusOK, a.project(cookie, "").Status)
			a.permit("posts:read")
			a.Clock.Advance(c.yes - time.Millisecond)
			assert.Equal(t, http.StatusOK, a.project(cookie, "").Status, "the answer is remembered")
			a.Clock.Advance(time.Millisecond)
			resp := a.project(cookie, "")
			assert.Equal(t, http.StatusForbidden, resp.Status)
			assert.Equal(t, "permission posts:write on this resource", resp.Problem(t)["missing"])

			a.permit("posts:write")
			a.Clock.Advance(c.no - time.Millisecond)
			assert.Equal(t, http.StatusForbidden, a.project(cookie, "").Status)
			assert.Equal(t, "false", a.Send(Request{Target: "/has", Cookie: cookie}).Body)
			a.Clock.Advance(time.Millisecond)
			assert.Equal(t, http.StatusOK, a.project(cookie, "").Status)
			assert.Equal(t, 3, a.checks())
		})
	}
}

func TestWithoutATimeWorkOSIsAskedForEachRequest(t *testing.T) {
	a := NewResourceApp(t, authkit.WithResourcePermissionTTL(0, 0))
	cookie := a.SignedIn(Kim).CookieHeader()
	for i := range 3 {
		require.Equal(t, http.StatusOK, a.project(cookie, "").Status)
		assert.Equal(t, i+1, a.checks())
	}
	a.permit()
	assert.Equal(t, http.StatusForbidden, a.project(cookie, "").Status)
	a.permit("posts:write")
	assert.Equal(t, http.StatusOK, a.project(cookie, "").Status)
}

func TestAMalformedResourcePassesNoRequestAndCausesNoCall(t *testing.T) {
	long := strings.Repeat("x", 513)
	a := NewResourceApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	session := a.sessionOf(cookie)
	for name, resource := range map[string]workos.Resource{
		"zero":                    {},
		"without a type":          {ExternalID: "1"},
		"without an external ID":  {TypeSlug: "project"},
		"with two names":          {ID: "resource_1", ExternalID: "1", TypeSlug: "project"},
		"with an ID and a type":   {ID: "resource_1", TypeSlug: "project"},
		"with a long ID":          {ID: long},
		"with a long external ID": {ExternalID: long, TypeSlug: "project"},
		"with a control":          {ExternalID: "1\x00", TypeSlug: "project"},
		"with a line break":       {ID: "resource_1\n"},
		"not UTF-8":               {ID: "resource_\xff"},
	} {
		t.Run(name, func(t *testing.T) {
			guard := a.RequireResourcePermission(func(*http.Request) workos.Resource { return resource }, "posts:write")
			a.Server.Config.Handler = guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "reached") }))
			resp := a.Send(Request{Target: "/", Cookie: cookie, Header: Scripted()})
			assert.Equal(t, http.StatusForbidden, resp.Status)
			assert.Equal(t, "permission posts:write on this resource", resp.Problem(t)["missing"])
			has, err := a.HasResourcePermission(authkit.NewContext(t.Context(), session), resource, "posts:write")
			assert.NoError(t, err)
			assert.False(t, has)
			assert.Zero(t, a.checks()+a.lookups())
		})
	}
}

// The function of the application may look the resource up in a database, so an anonymous request must not reach it.
func TestTheResourceOfARequestWithoutASessionIsNotAskedFor(t *testing.T) {
	a := NewResourceApp(t)
	calls := 0
	guard := a.RequireResourcePermission(func(r *http.Request) workos.Resource { calls++; return projectOf(r) }, "posts:write")
	handler := guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "reached") }))
	a.Mux.Handle("/counted", handler)
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/counted", Header: Scripted()}).Status)
	assert.Equal(t, http.StatusSeeOther, a.Send(Request{Target: "/counted", Header: Navigation()}).Status)

	resp := a.Send(Request{Target: "/counted", Cookie: a.SignedIn(lee).CookieHeader(), Header: Scripted()})
	assert.Equal(t, http.StatusForbidden, resp.Status)
	assert.Equal(t, "a session in an organization", resp.Problem(t)["missing"])
	cookie := a.SignedIn(Kim).CookieHeader()
	jar := a.SignedIn(Kim).CookieHeader()
	a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: jar, Header: Navigation()})
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/counted", Cookie: jar, Header: Scripted()}).Status, "the session has ended")
	assert.Zero(t, calls)
	assert.Zero(t, a.checks()+a.lookups())
	assert.Equal(t, "reached", a.Send(Request{Target: "/counted", Cookie: cookie}).Body)
	assert.Equal(t, 1, calls)
}

func TestARememberedPermissionIsNotUsedForASessionThatHasEnded(t *testing.T) {
	a := NewResourceApp(t)
	one, two := a.SignedIn(Kim).CookieHeader(), a.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, a.project(one, "").Status)
	ended := a.sessionOf(one)
	require.Equal(t, http.StatusSeeOther, a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: one, Header: Navigation()}).Status)
	assert.Equal(t, http.StatusUnauthorized, a.project(one, "").Status)
	for _, id := range []string{"1", "2"} {
		_, err := a.HasResourcePermission(authkit.NewContext(t.Context(), ended), workos.Resource{TypeSlug: "project", ExternalID: id}, "posts:write")
		assert.ErrorIs(t, err, authkit.ErrUnauthenticated, "a handler that still has the session")
	}
	assert.Equal(t, 1, a.checks(), "WorkOS is not asked for it")
	assert.Equal(t, http.StatusOK, a.project(two, "").Status)
}

func TestASessionThatEndsWhileWorkOSIsAskedDoesNotPass(t *testing.T) {
	a := NewResourceApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.InjectFault(authkittest.RouteCheckAuthorization, authkittest.Fault{Hang: true, Times: 1})
	answer := a.SendAsync(Request{Target: "/project", Cookie: cookie, Header: Scripted()})
	a.Fake.AwaitCalls(t, authkittest.RouteCheckAuthorization, 1)
	require.Equal(t, http.StatusSeeOther, a.Send(Request{Method: http.MethodPost, Target: "/logout", Cookie: cookie, Header: Navigation()}).Status)
	a.Fake.ClearFault(authkittest.RouteCheckAuthorization)
	assert.Equal(t, http.StatusUnauthorized, (<-answer).Status)
}

func TestHasResourcePermissionReportsWhyThereIsNoAnswer(t *testing.T) {
	a := NewResourceApp(t)
	project := workos.Resource{TypeSlug: "project", ExternalID: "1"}
	assert.Equal(t, http.StatusUnauthorized, a.Send(Request{Target: "/has", Header: Scripted()}).Status)
	_, err := a.HasResourcePermission(context.Background(), project, "posts:write")
	assert.ErrorIs(t, err, authkit.ErrUnauthenticated)
	kim := authkit.NewContext(t.Context(), a.sessionOf(a.SignedIn(Kim).CookieHeader()))
	_, err = a.HasResourcePermission(kim, project, " ")
	assert.EqualError(t, err, "authkit: HasResourcePermission: the permission is empty")
	assert.Equal(t, "false", a.Send(Request{Target: "/has", Cookie: a.SignedIn(lee).CookieHeader()}).Body, "a session in no organization")

	key := a.Fake.AddAPIKey(authkittest.APIKey{Name: "full", OrganizationID: "org_acme"})
	a.Mux.Handle("/key", a.RequireAPIKey()(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := a.HasResourcePermission(r.Context(), project, "posts:write")
		assert.ErrorIs(t, err, authkit.ErrUnauthenticated)
		io.WriteString(w, "asked")
	})))
	assert.Equal(t, "asked", a.Send(Request{Target: "/key", Header: Bearer(key)}).Body)

	a.Fake.InjectFault(authkittest.RouteJWKS, authkittest.Fault{Status: 500})
	other := NewInstance(t, a.Fake, a.Clock, AppOptions{Routes: resourceRoutes})
	resp := other.Send(Request{Target: "/has", Cookie: a.SignedIn(Kim).CookieHeader(), Header: Scripted()})
	assert.Equal(t, http.StatusServiceUnavailable, resp.Status, "the session cannot be checked")
	assert.Zero(t, a.checks())
}

func TestAPublicClientAsksForNoPermissionOnAResource(t *testing.T) {
	a := NewResourceApp(t)
	public := NewInstance(t, a.Fake, a.Clock, AppOptions{AuthKit: []authkit.Option{authkit.WithPublicClient()}})
	assert.PanicsWithValue(t, "authkit: RequireResourcePermission needs WithAPIKey: a public client has no API key to check permissions on resources with",
		func() { public.RequireResourcePermission(projectOf, "posts:write") })
	kim := authkit.NewContext(t.Context(), a.sessionOf(a.SignedIn(Kim).CookieHeader()))
	has, err := public.HasResourcePermission(kim, workos.Resource{ID: "resource_1"}, "posts:write")
	assert.Error(t, err)
	assert.False(t, has)
	assert.Zero(t, a.checks())
}

func TestABearerTokenIsAskedForLikeACookie(t *testing.T) {
	a := NewResourceApp(t, bearerOptions()...)
	for range 2 {
		assert.Equal(t, http.StatusOK, a.Send(Request{Target: "/project", Header: Bearer(a.nativeToken(nil))}).Status)
	}
	assert.Equal(t, 1, a.checks())
	a.permit()
	a.Clock.Advance(10 * time.Second)
	assert.Equal(t, http.StatusForbidden, a.Send(Request{Target: "/project", Header: Bearer(a.nativeToken(nil))}).Status)
}

func TestAFailureOfWorkOSPassesNoRequest(t *testing.T) {
	for name, c := range map[string]struct {
		route authkittest.Route
		fault authkittest.Fault
	}{
		"the check fails":          {authkittest.RouteCheckAuthorization, authkittest.Fault{Status: 500}},
		"the check is reset":       {authkittest.RouteCheckAuthorization, authkittest.Fault{Reset: true}},
		"the check is not JSON":    {authkittest.RouteCheckAuthorization, authkittest.Fault{Body: "<html>"}},
		"the check has no answer":  {authkittest.RouteCheckAuthorization, authkittest.Fault{Body: "{}"}},
		"the check is refused":     {authkittest.RouteCheckAuthorization, authkittest.Fault{Status: 401, Body: `{"message":"x"}`}},
		"the check is forbidden":   {authkittest.RouteCheckAuthorization, authkittest.Fault{Status: 403, Body: `{"message":"x"}`}},
		"the look-up is refused":   {authkittest.RouteListMemberships, authkittest.Fault{Status: 401, Body: `{"message":"x"}`}},
		"the look-up is forbidden": {authkittest.RouteListMemberships, authkittest.Fault{Status: 403, Body: `{"message":"x"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			a := NewResourceApp(t)
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Fake.InjectFault(c.route, c.fault)
			for range 2 {
				resp := a.project(cookie, "")
				assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
				assert.Equal(t, "5", resp.Header.Get("Retry-After"))
				assert.Equal(t, "unavailable", resp.Problem(t)["code"])
			}
			assert.Equal(t, 1, a.Fake.Calls(c.route), "the failure is remembered")
			a.Fake.ClearFault(c.route)
			a.Clock.Advance(5 * time.Second)
			assert.Equal(t, http.StatusOK, a.project(cookie, "").Status)
		})
	}
}

func TestAnAnswerThatDoesNotComeEndsAfterTenSeconds(t *testing.T) {
	for _, route := range []authkittest.Route{authkittest.RouteCheckAuthorization, authkittest.RouteListMemberships} {
		t.Run(string(route), func(t *testing.T) {
			a := NewResourceApp(t)
			cookie := a.SignedIn(Kim).CookieHeader()
			a.Fake.InjectFault(route, authkittest.Fault{Hang: true})
			answer := a.SendAsync(Request{Target: "/project", Cookie: cookie, Header: Scripted()})
			a.Fake.AwaitCalls(t, route, 1)
			a.Clock.Advance(10 * time.Second)
			resp := <-answer
			assert.Equal(t, http.StatusServiceUnavailable, resp.Status)
			assert.Equal(t, "5", resp.Header.Get("Retry-After"))
			a.Fake.ClearFault(route)
			a.Clock.Advance(5 * time.Second)
			assert.Equal(t, http.StatusOK, a.project(cookie, "").Status)
		})
	}
}

func TestA429StopsAllQuestionsForItsTime(t *testing.T) {
	a := NewResourceApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, a.project(cookie, "project=known").Status)
	a.Fake.InjectFault(authkittest.RouteCheckAuthorization, authkittest.Fault{
		Status: 429, Body: `{"message":"x"}`, Header: http.Header{"Retry-After": {"8"}}, Times: 1,
	})
	assert.Equal(t, "8", a.project(cookie, "").Header.Get("Retry-After"))
	assert.Equal(t, "8", a.project(cookie, "project=2").Header.Get("Retry-After"), "another question is not asked")
	assert.Equal(t, http.StatusOK, a.project(cookie, "project=known").Status, "a remembered answer is used")
	assert.Equal(t, 2, a.checks())
	a.Clock.Advance(8 * time.Second)
	assert.Equal(t, http.StatusOK, a.project(cookie, "project=2").Status)
}

func TestAResourceThatWorkOSRefusesIsForbidden(t *testing.T) {
	for _, status := range []int{400, 404, 422} {
		a := NewResourceApp(t)
		cookie := a.SignedIn(Kim).CookieHeader()
		a.Fake.InjectFault(authkittest.RouteCheckAuthorization, authkittest.Fault{Status: status, Body: `{"message":"x"}`})
		for range 2 {
			assert.Equal(t, http.StatusForbidden, a.project(cookie, "").Status, status)
		}
		assert.Equal(t, 1, a.checks(), status)
		assert.Contains(t, a.Logs.String(), "authkit: WorkOS does not know the resource, the permission or the member")
		assert.NotContains(t, a.Logs.String(), "level=WARN")
	}
}

func TestAMembershipThatWasRemovedAndAddedAgainIsLookedUpAgain(t *testing.T) {
	a := NewResourceApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	require.Equal(t, http.StatusOK, a.project(cookie, "").Status)
	replace := func(id string) {
		a.Fake.UpdateUser(Kim, func(u *authkittest.User) {
			m := u.Memberships[0]
			m.ID = id
			u.Memberships = []authkittest.Membership{m}
		})
	}
	replace("om_again")
	assert.Equal(t, http.StatusOK, a.project(cookie, "project=2").Status)
	assert.Equal(t, 2, a.lookups())
	assert.Equal(t, http.StatusOK, a.project(cookie, "project=3").Status)
	assert.Equal(t, 2, a.lookups(), "the new ID is remembered")
	assert.Equal(t, 4, a.checks())

	a.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Memberships = nil })
	assert.Equal(t, http.StatusForbidden, a.project(cookie, "project=4").Status, "the member was removed")
	assert.Equal(t, http.StatusForbidden, a.project(cookie, "project=5").Status)
	assert.Equal(t, 5, a.checks(), "without a membership there is nothing to ask")
}

func TestAnInactiveMembershipGrantsNothing(t *testing.T) {
	a := NewResourceApp(t)
	cookie := a.SignedIn(Kim).CookieHeader()
	a.Fake.UpdateUser(Kim, func(u *authkittest.User) { u.Memberships[0].Status = authkittest.MembershipInactive })
	assert.Equal(t, http.StatusForbidden, a.project(cookie, "").Status)
	assert.Zero(t, a.checks())
}

// WorkOS would have to confuse two users. Then this package must not do it too.
func TestAMembershipOfAnotherUserOrOrganizationIsNotUsed(t *testing.T) {
	for name, m := range map[string]string{
		"another user":         `"user_id":"user_lee","organization_id":"org_acme","status":"active"`,
		"another organization": `"user_id":"user_kim","organization_id":"org_other","status":"active"`,
		"a pending membership": `"user_id":"user_kim","organization_id":"org_acme","status":"pending"`,
	} {
		a := NewResourceApp(t)
		cookie := a.SignedIn(Kim).CookieHeader()
		a.Fake.InjectFault(authkittest.RouteListMemberships, authkittest.Fault{
			Body: `{"data":[{"id":"om_1",` + m + `}],"list_metadata":{"before":null,"after":null}}`,
		})
		assert.Equal(t, http.StatusForbidden, a.project(cookie, "").Status, name)
		assert.Zero(t, a.checks(), name)
	}
}
