// Organization selection: a user with several organizations chooses one.

package main

import (
	"cmp"
	"context"
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

// maxOrganizations limits how many organizations the page shows.
const maxOrganizations = 100

// organizationScreen shows the organizations, or a link to them if there are none.
func organizationScreen(pending pendingSignIn, organizations ...workos.OrganizationChoice) screen {
	return screen{page: organizationPage, Email: pending.Email, Organizations: organizations}
}

// showOrganizations lists the user's organizations. It fetches them from WorkOS, since they may not fit into a cookie.
func (a *application) showOrganizations(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	ctx, cancel := context.WithTimeout(r.Context(), callTimeout)
	defer cancel()
	var organizations []workos.OrganizationChoice
	for m, err := range a.workos.ListOrganizationMemberships(ctx, workos.ListOrganizationMembershipsParams{
		UserID: pending.UserID, Paging: workos.Paging{PageSize: maxOrganizations, Order: workos.OrderAscending},
	}) {
		if err != nil {
			a.handleResult(w, r, organizationScreen(pending), nil, err)
			return
		}
		organizations = append(organizations, workos.OrganizationChoice{ID: m.OrganizationID, Name: cmp.Or(m.OrganizationName, m.OrganizationID)})
		if len(organizations) == maxOrganizations {
			break
		}
	}
	show(w, http.StatusOK, organizationScreen(pending, organizations...))
}

func (a *application) submitOrganization(w http.ResponseWriter, r *http.Request, pending pendingSignIn) {
	auth, err := a.workos.AuthenticateWithOrganizationSelection(r.Context(), workos.AuthenticateWithOrganizationSelectionParams{
		PendingAuthenticationToken: pending.Token, OrganizationID: r.PostForm.Get("organization_id"), UserAgent: r.UserAgent(),
	})
	a.handleResult(w, r, organizationScreen(pending), auth, err)
}
