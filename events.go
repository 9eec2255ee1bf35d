// Events: what an event of WorkOS changes here, and at all instances that share a store.

package authkit

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/workos"
)

// effectTypes are the types of events that have an effect here.
var effectTypes = []string{
	workos.EventSessionRevoked,
	workos.EventUserDeleted,
	workos.EventUserUpdated,
	workos.EventOrganizationMembershipUpdated,
	workos.EventOrganizationMembershipDeleted,
	workos.EventOrganizationDeleted,
	workos.EventGroupDeleted,
	workos.EventGroupMemberAdded,
	workos.EventGroupMemberRemoved,
	workos.EventRoleUpdated,
	workos.EventRoleDeleted,
	workos.EventOrganizationRoleUpdated,
	workos.EventOrganizationRoleDeleted,
	workos.EventPermissionUpdated,
	workos.EventPermissionDeleted,
	workos.EventAPIKeyRevoked,
	workos.EventAPIKeyUpdated,
}

// effect is what an event changes: the kind of its notice, and what that is about.
type effect struct {
	kind replica.NoticeKind // 0 for an event without an effect
	id   string
}

// effectOf returns the effect of an event. An error says that its data are not as WorkOS
// documents them.
func effectOf(e workos.Event) (effect, error) {
	var found effect
	if !slices.Contains(effectTypes, e.Type) {
		return found, nil // its data may be of any shape
	}
	payload, err := e.Payload()
	if err != nil {
		return found, err
	}
	switch data := payload.(type) {
	case *workos.Session:
		if e.Type == workos.EventSessionRevoked {
			found = effect{replica.SessionEnded, data.ID}
		}
	case *workos.User:
		switch e.Type {
		case workos.EventUserDeleted:
			found = effect{replica.UserEnded, data.ID}
		case workos.EventUserUpdated:
			found = effect{replica.UserChanged, data.ID}
		}
	case *workos.OrganizationMembership:
		if e.Type == workos.EventOrganizationMembershipUpdated || e.Type == workos.EventOrganizationMembershipDeleted {
			if data.UserID == "" || data.OrganizationID == "" {
				return found, errors.New("the membership names no user or no organization")
			}
			found = effect{replica.MembershipChanged, membershipID(data.UserID, data.OrganizationID)}
		}
	case *workos.Organization:
		if e.Type == workos.EventOrganizationDeleted {
			found = effect{replica.OrganizationChanged, data.ID}
		}
	case *workos.Group:
		if data.OrganizationID == "" {
			return found, errors.New("the group names no organization")
		}
		found = effect{replica.PermissionsChanged, data.OrganizationID}
	case *workos.GroupMember:
		found = effect{replica.PermissionsChanged, data.OrganizationMembershipID} // the event names no user
	case *workos.RoleDefinition:
		found = effect{replica.PermissionsChanged, ""} // a role of the environment: of all organizations
		if e.Type == workos.EventOrganizationRoleUpdated || e.Type == workos.EventOrganizationRoleDeleted {
			if data.OrganizationID == "" {
				return effect{}, errors.New("the role names no organization")
			}
			found.id = data.OrganizationID
		}
	case *workos.Permission:
		found = effect{replica.PermissionsChanged, ""}
	case *workos.APIKey:
		if e.Type == workos.EventAPIKeyRevoked || e.Type == workos.EventAPIKeyUpdated {
			found = effect{replica.APIKeyChanged, data.ID}
		}
	}
	return found, nil
}

// applyEvent applies the effect of an event here, and tells the other instances. The
// error says that they were not told yet. They are told when the store answers.
//
// The times of the notice depend on the event alone, unless its time is missing or in the
// future. So the notices of instances that learn of the same event are equal, and one of
// them is appended to the log.
func (a *AuthKit) applyEvent(ctx context.Context, e workos.Event) error {
	found, err := effectOf(e)
	if err != nil {
		a.log.LogAttrs(ctx, slog.LevelWarn, "authkit: an event of WorkOS has no effect, its data are not readable",
			slog.Any("event", e), slog.Any("error", err))
		return nil
	}
	if found.kind == 0 {
		return nil
	}
	now := a.clock.Now()
	at := e.CreatedAt
	switch newest := now.Add(clockSkew); {
	case at.IsZero():
		at = now
	case at.After(newest): // otherwise it would hide all changes until then
		at = newest
	}
	until := at.Add(a.effectTime())
	switch found.kind {
	case replica.SessionEnded, replica.UserEnded:
		at = at.Add(endSkew) // the time of a sign-in is on our clock
	case replica.APIKeyChanged:
		until = later(until, at.Add(a.apiKeys.cache.grace))
	}
	n := replica.Notice{Kind: found.kind, Hash: replica.Hash(found.id), At: roundUp(at), Until: roundUp(until)}
	if !n.Until.After(now) {
		return nil // no access token is so old
	}
	begin := a.observers.begin()
	a.handleNotice(n)
	a.log.LogAttrs(ctx, slog.LevelDebug, "authkit: an event of WorkOS was applied", slog.Any("event", e))
	if a.replicas != nil {
		err = a.announce(ctx, n)
	}
	a.observeEvent(ctx, begin, err)
	return err
}

// observeEvent reports an event that was applied, or with an error, that the other instances were not told of it, or that
// the list of events could not be read.
func (a *AuthKit) observeEvent(ctx context.Context, begin time.Time, err error) {
	seen := Observation{Kind: ObservedEvent, Outcome: OutcomeOK, Err: err, Begin: begin}
	if err != nil {
		seen.Outcome = OutcomeFailed
	}
	a.observers.observe(ctx, seen)
}

// effectTime is how long an event has an effect: the longest lifetime of an access token,
// the skew of the clock that verifies it, and that of the clock that dates the event.
func (a *AuthKit) effectTime() time.Duration { return a.lifetimes.longest() + 2*clockSkew }
