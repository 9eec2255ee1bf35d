// Choosing one of several organizations.

package main

import (
	"cmp"
	"context"
	"net/http"

	"github.com/authkit-go/authkit/workos"
)

// maxOrganizations is how many are offered.
const maxOrganizations = 100

// organizationScreen without organizations has a link to see them.
func organizationScreen(f flow, organizations ...workos.OrganizationChoice) screen {
	return screen{page: organizationPage, Email: f.Email, Organizations: organizations}
}

// showOrganizations asks WorkOS for them: as many as somebody may have do not fit into what a browser remembers.
func (a *application) showOrganizations(w http.ResponseWriter, r *http.Request, f flow) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	var organizations []workos.OrganizationChoice
	for m, err := range a.workos.ListOrganizationMemberships(ctx, workos.ListOrganizationMembershipsParams{
		UserID: f.UserID, Paging: workos.Paging{PageSize: maxOrganizations, Order: workos.OrderAscending},
	}) {
		if err != nil {
			a.next(w, r, organizationScreen(f), nil, err)
			return
		}
		organizations = append(organizations, workos.OrganizationChoice{ID: m.OrganizationID, Name: cmp.Or(m.OrganizationName, m.OrganizationID)})
		if len(organizations) == maxOrganizations {
			break
		}
	}
	show(w, http.StatusOK, organizationScreen(f, organizations...))
}

func (a *application) chooseOrganization(w http.ResponseWriter, r *http.Request, f flow) {
	auth, err := a.workos.AuthenticateWithOrganizationSelection(r.Context(), workos.AuthenticateWithOrganizationSelectionParams{
		PendingAuthenticationToken: f.Pending, OrganizationID: r.PostForm.Get("organization_id"), UserAgent: r.UserAgent(),
	})
	a.next(w, r, organizationScreen(f), auth, err)
}
