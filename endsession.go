// EndSession and EndUser: the end of sessions by their IDs, without a request of
// their browser.

package authkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/workos"
)

const (
	// endSkew is added to the time of an end by ID. Sign-ins up to then are ended,
	// because the clock of the instance that signed the user in may be ahead.
	endSkew = clockSkew
	// endedFor is how long a session is refused that was ended by its ID. Its tokens
	// are not known, so this is more than the longest lifetime of an access token.
	endedFor = 24 * time.Hour
)

// EndSession ends a session by its ID: at this instance, at every instance that
// shares the store ([WithStore]), and at WorkOS (sessions/revoke). Use it for a "sign
// out this device" button, or after an event of your own. A user who signs in again
// is not affected.
//
// An error says what was not done. If WorkOS or the store could not be reached, the
// session is refused here nevertheless, and the other instances are told when the
// store answers again. Call EndSession again then: it does no harm. A session that
// WorkOS does not know any more is not an error. A public client has no API key to
// end a session at WorkOS with, so it always gets an error.
func (a *AuthKit) EndSession(ctx context.Context, sessionID string) error {
	if sessionID == "" {
		return errors.New("authkit: EndSession: the session ID is empty")
	}
	told := a.markEnded(ctx, replica.SessionEnded, sessionID)
	if err := a.revokeNow(ctx, sessionID); err != nil {
		return fmt.Errorf("authkit: EndSession: %w", errors.Join(told, err))
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "authkit: session ended by its ID")
	if told != nil {
		return fmt.Errorf("authkit: EndSession: %w", told)
	}
	return nil
}

// EndUser ends all sessions of a user, as [AuthKit.EndSession] does for one: here, at
// every instance that shares the store, and at WorkOS. Use it after a change of
// password, or when an account is closed. Sign-ins after the call are not affected.
//
// If it returns an error, some sessions may not have ended at WorkOS. They are
// refused here nevertheless, for 24 hours. Call EndUser again.
//
// A browser may still be signed in at AuthKit's own pages. Its next sign-in may then
// ask for no password. LoginParams.Prompt "login" and [AuthKit.RequireRecentAuth] ask
// for one.
func (a *AuthKit) EndUser(ctx context.Context, userID string) error {
	if userID == "" {
		return errors.New("authkit: EndUser: the user ID is empty")
	}
	failures := []error{a.markEnded(ctx, replica.UserEnded, userID)}
	if a.public {
		failures = append(failures, errPublicClient)
	} else {
		for session, err := range a.client.ListSessions(ctx, userID, workos.Paging{}) {
			if err != nil {
				failures = append(failures, fmt.Errorf("list the sessions of the user: %w", err))
				break
			}
			if session.Status == "active" {
				failures = append(failures, a.revokeNow(ctx, session.ID))
			}
		}
	}
	if err := errors.Join(failures...); err != nil {
		return fmt.Errorf("authkit: EndUser: %w", err)
	}
	a.log.LogAttrs(ctx, slog.LevelInfo, "authkit: all sessions of a user ended", slog.String("user_id", userID))
	return nil
}

var errPublicClient = errors.New("a public client has no API key to end a session at WorkOS with")

// markEnded refuses the sign-ins of a session or a user up to now, here and at every
// other instance. The error says that the other instances were not told yet.
func (a *AuthKit) markEnded(ctx context.Context, kind replica.NoticeKind, id string) error {
	now := a.clock.Now()
	at, until := roundUp(now.Add(endSkew)), now.Add(endedFor)
	a.signedOut.note(noticeKey(kind, id), at, until)
	if a.replicas == nil {
		return nil
	}
	if err := a.announce(ctx, noticeOf(kind, id, at, until)); err != nil {
		return fmt.Errorf("other instances were not told yet: %w", unavailable(err, 0))
	}
	return nil
}

// revokeNow ends a session at WorkOS. A session that WorkOS does not know is ended.
func (a *AuthKit) revokeNow(ctx context.Context, sessionID string) error {
	if a.public {
		return errPublicClient
	}
	err := a.client.RevokeSession(ctx, sessionID)
	var refusal *workos.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal) && !workos.IsTransient(err) &&
		refusal.StatusCode != http.StatusUnauthorized && refusal.StatusCode != http.StatusForbidden:
		return nil // as in revocations.finish: WorkOS has no such session
	}
	return fmt.Errorf("end the session at WorkOS: %w", err)
}
