// RefreshUser, RefreshOrganization and RefreshAll: sessions that an application makes due.

package authkit

import (
	"context"
	"errors"
	"fmt"

	"github.com/authkit-go/authkit/internal/replica"
)

// RefreshUser makes all sessions of a user due: at this instance, and at every instance
// that shares the store ([WithStore]). The next request of each waits for its refresh and
// has the rights and the profile that WorkOS then knows, as [AuthKit.Follow] describes. Use
// it after a change that no event reports, or to have its effect before the event comes.
// The time of the call is compared with the time at which WorkOS has issued an access
// token: if the clock of WorkOS is some seconds ahead, a token of these last seconds is not
// due. A session that was refreshed for an earlier change is due again, also if both changes
// have the same time. Bearer tokens are not affected. What is remembered about the user's permissions on
// resources is dropped ([AuthKit.RequireResourcePermission]).
//
// An error says that the other instances were not told yet. They are told when the store
// answers.
func (a *AuthKit) RefreshUser(ctx context.Context, userID string) error {
	if userID == "" {
		return errors.New("authkit: RefreshUser: the user ID is empty")
	}
	return a.makeDue(ctx, "RefreshUser", replica.UserChanged, userID)
}

// RefreshOrganization is [AuthKit.RefreshUser] for all sessions in an organization. Bearer
// tokens of the organization are refused until their clients have refreshed them. Use it
// after a change of the roles of the organization (the events organization_role.*) or of a
// feature flag of the organization, if its users must have the new permissions at once:
//
//	err := ak.Follow(ctx, func(ctx context.Context, e workos.Event, cursor string) error {
//		if e.Type != workos.EventOrganizationRoleUpdated {
//			return nil
//		}
//		var role workos.RoleDefinition
//		if err := e.Decode(&role); err != nil {
//			return err
//		}
//		return ak.RefreshOrganization(ctx, role.OrganizationID)
//	}, "")
func (a *AuthKit) RefreshOrganization(ctx context.Context, organizationID string) error {
	if organizationID == "" {
		return errors.New("authkit: RefreshOrganization: the organization ID is empty")
	}
	return a.makeDue(ctx, "RefreshOrganization", replica.OrganizationChanged, organizationID)
}

// RefreshAll is [AuthKit.RefreshOrganization] for all sessions: after a change of a role or
// a permission of the whole environment (the events role.* and permission.*). Each session
// makes one call of WorkOS at its next request, and WorkOS limits these calls: 500 in 10
// seconds. A session whose refresh is refused for that reason is served with its old token
// until that expires.
func (a *AuthKit) RefreshAll(ctx context.Context) error {
	return a.makeDue(ctx, "RefreshAll", replica.RightsChanged, "")
}

// makeDue makes the sessions due whose access token was issued up to now. A time that is much
// later would refuse the new tokens of clients with bearer tokens, and would hide the events
// until then.
func (a *AuthKit) makeDue(ctx context.Context, method string, kind replica.NoticeKind, id string) error {
	at := a.due.timeOfCall(noticeKey(kind, id))
	n := noticeOf(kind, id, at, at.Add(a.effectTime()))
	a.handleNotice(n)
	if a.replicas == nil {
		return nil
	}
	if err := a.announce(ctx, n); err != nil {
		return fmt.Errorf("authkit: %s: other instances were not told yet: %w", method, unavailable(err, 0))
	}
	return nil
}
