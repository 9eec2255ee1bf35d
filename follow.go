// Follow: the instance reads the events of WorkOS and applies them.

package authkit

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/authkit-go/authkit/workos"
)

// Follow reads the events of WorkOS until ctx ends, and applies them, so that a change at
// WorkOS has its effect here within seconds and not when an access token expires. Start
// one for each process:
//
//	go ak.Follow(ctx, nil, "")
//
// These events have an effect:
//
//   - session.revoked, user.deleted: the sessions end. Their next request is anonymous.
//   - user.updated, organization_membership.updated and .deleted, organization.deleted: the
//     sessions of these people are due. That is each session whose access token was not
//     issued after the second of the event, of the user or of the user in that
//     organization. The next request of the session waits for its refresh, 10 seconds at
//     most, and has the new rights. There is one refresh for each session and event. If
//     WorkOS refuses the refresh, as it does for a removed member, the request is
//     anonymous. If WorkOS cannot be reached, answers 408, 429 or 5xx, the old token serves
//     until it expires. A bearer token has no refresh, so it is refused after a change of a
//     membership or an organization: its client gets 401 and refreshes it.
//   - api_key.revoked, api_key.updated: the remembered answer about the key is dropped.
//   - organization_membership.updated and .deleted, user.updated, organization.deleted,
//     group.deleted, .member_added and .member_removed, organization_role.updated and
//     .deleted, role.updated and .deleted, permission.updated and .deleted: the remembered
//     answers about permissions on resources are dropped that concern the user, the
//     membership, the organization or all users
//     ([AuthKit.RequireResourcePermission]).
//   - role.*, permission.*, flag.*, and all others: none on sessions, because a change of a
//     role or of a feature flag would refresh all sessions at once. A session has it when its
//     token is refreshed. To have an effect after one of these, call
//     [AuthKit.RefreshOrganization], [AuthKit.RefreshUser], [AuthKit.RefreshAll],
//     [AuthKit.EndSession] or [AuthKit.EndUser] in f.
//
// Without [WithStore], each instance follows for itself. With a store, one instance
// follows for all, and tells the others. It holds a lease of 15 seconds, or of three times
// the interval if that is longer. While the store does not answer, every instance follows
// for itself.
//
// The events are read every second ([WithEventInterval]). WorkOS shows an event in its
// list a few seconds after the change. [AuthKit.Webhook] is faster, but a delivery can be
// lost or late. Use both for the shortest time.
//
// At the start, the events of the last hour are read, or of the longest lifetime of an
// access token that was seen, if that is longer. So a process that was down misses
// nothing that matters to a session. If a longer lifetime is seen later, the events of
// that time are read too.
//
// f is called with each event of the types of package workos, and of types, if it is not
// nil. types are further types that WorkOS knows, such as "dsync.user.created". The
// effects do not wait for f. f is called for one event at a time, at least once for each,
// in the order in which they appear in WorkOS's list. If it returns an error or panics, it
// is called with the event again after 1, 2, 4 and more seconds, up to 10 minutes, at the
// next read of the list, and with the other events meanwhile. An event that has failed for
// three days is given up, which is logged at Error. While 1,024 events fail, no further
// ones are read for f. Its context ends after 30 seconds, on the clock of [WithClock], and
// with ctx. f must return then: no other call is made before, and Follow does not return.
//
// cursor says where to continue after a restart: store it with what f does, and pass it as
// after. Every event before it was handled. Some events after it come again, so f must
// distinguish events by their ID, or do nothing wrong the second time. A cursor is the ID
// of an event, or a time as in RFC 3339 while no event is old enough to be one. Without
// after, f gets the events from the start, as described above. WorkOS keeps events for 90
// days. If it does not know after any more, f gets all events of these 90 days, which is
// logged at Error. With a store, f is called by the instance with the lease, and the cursor
// is kept in the store for the next one: after is used only if the store has none.
//
// A failure to read is logged once, at Warn, or at Error if WorkOS refuses the request.
// Follow tries again after a minute at most, or after the Retry-After of WorkOS. [Stats] has
// the state. Follow returns the cause of the end of ctx. It returns an error at once, and logs
// it at Error, for a public client, which has no API key, if one of types is empty, and if
// this AuthKit follows already.
//
// See https://workos.com/docs/events/data-syncing/events-api
func (a *AuthKit) Follow(
	ctx context.Context, f func(ctx context.Context, event workos.Event, cursor string) error, after string, types ...string,
) error {
	if err := a.startFollowing(types); err != nil {
		// A go statement, which usually calls Follow, loses the error.
		a.log.LogAttrs(ctx, slog.LevelError, "authkit: Follow has returned at once", slog.Any("error", err))
		return err
	}
	defer a.events.end()
	a.events.begin()
	follower := &follower{authKit: a}
	if a.replicas != nil {
		follower.duty = a.replicas.NewDuty("events", a.eventInterval)
		defer follower.duty.Release()
	}
	var loops sync.WaitGroup
	loops.Go(func() { follower.run(ctx, follower.followEffects) })
	if f != nil {
		queue := newEventQueue(follower, f, after, types)
		loops.Go(func() { follower.run(ctx, queue.follow) })
	}
	loops.Wait()
	return context.Cause(ctx)
}

// startFollowing notes that this AuthKit follows the events, or returns why it cannot.
func (a *AuthKit) startFollowing(types []string) error {
	switch {
	case a.public:
		return errors.New("authkit: Follow: a public client has no API key to read events with")
	case slices.Contains(types, ""):
		return errors.New("authkit: Follow: a type of event is empty")
	case !a.events.following.CompareAndSwap(false, true):
		return errors.New("authkit: Follow: this AuthKit follows the events already")
	}
	return nil
}
