// Session watches: who is told when a session is signed out, refreshed or ended.

package authkit

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/authkit-go/authkit/internal/replica"
)

// sessionWatcher is told what happens to a session. Its methods are called on the
// goroutine that changed the session, so they must not wait.
type sessionWatcher interface {
	// checkSignedOut is called when the session or its user got a mark of a sign-out.
	checkSignedOut()
	// refreshed is called with a session of the same ID that was verified.
	refreshed(next *Session)
	// endedByWorkOS is called with a session of the same ID that WorkOS has ended.
	endedByWorkOS(ended *Session)
}

// sessionWatches holds the watchers of sessions and of users, by noticeKey. Without a
// watcher, a call costs one atomic load.
type sessionWatches struct {
	mu    sync.Mutex
	byKey map[string]map[sessionWatcher]struct{}
	keys  atomic.Int64 // the length of byKey
}

// noticeKey returns the key of a session or a user in maps of marks and of watchers.
func noticeKey(kind replica.NoticeKind, id string) string {
	return string(rune(kind)) + replica.Hash(id)
}

// membershipID names a user in an organization.
func membershipID(userID, organizationID string) string { return userID + " " + organizationID }

// membershipKey returns the key of a user in an organization.
func membershipKey(userID, organizationID string) string {
	return noticeKey(replica.MembershipChanged, membershipID(userID, organizationID))
}

// markKeysOf returns the keys of a session. It computes them once.
func markKeysOf(s *Session) markKeys {
	if keys := s.content().keys.Load(); keys != nil {
		return *keys
	}
	keys := markKeys(noticeKey(replica.SessionEnded, s.ID()) +
		noticeKey(replica.UserEnded, s.UserID()) +
		noticeKey(replica.UserChanged, s.UserID()) +
		membershipKey(s.UserID(), s.OrganizationID()) +
		noticeKey(replica.OrganizationChanged, s.OrganizationID()))
	s.content().keys.Store(&keys)
	return keys
}

// watchKeys returns the keys under which the end of a session is told.
func watchKeys(s *Session) []string {
	return []string{noticeKey(replica.SessionEnded, s.ID()), noticeKey(replica.UserEnded, s.UserID())}
}

// add adds a watcher. It must check for a sign-out after that: an earlier one does not
// call it.
func (s *sessionWatches) add(w sessionWatcher, keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byKey == nil {
		s.byKey = map[string]map[sessionWatcher]struct{}{}
	}
	for _, key := range keys {
		if s.byKey[key] == nil {
			s.byKey[key] = map[sessionWatcher]struct{}{}
		}
		s.byKey[key][w] = struct{}{}
	}
	s.keys.Store(int64(len(s.byKey)))
}

// remove removes a watcher.
func (s *sessionWatches) remove(w sessionWatcher, keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		if delete(s.byKey[key], w); len(s.byKey[key]) == 0 {
			delete(s.byKey, key)
		}
	}
	s.keys.Store(int64(len(s.byKey)))
}

// at returns the watchers of a key.
func (s *sessionWatches) at(key string) []sessionWatcher {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.byKey[key]))
}

// noted tells the watchers of a session or a user that it has a mark of a sign-out.
func (s *sessionWatches) noted(key string) {
	if s.keys.Load() == 0 {
		return
	}
	for _, w := range s.at(key) {
		w.checkSignedOut()
	}
}

// marked is noted for a session.
func (s *sessionWatches) marked(sessionID string) {
	if s.keys.Load() != 0 {
		s.noted(noticeKey(replica.SessionEnded, sessionID))
	}
}

// refreshed tells the watchers of a session that it was verified, perhaps with a newer
// token.
func (s *sessionWatches) refreshed(next *Session) {
	if s.keys.Load() == 0 {
		return
	}
	for _, w := range s.at(noticeKey(replica.SessionEnded, next.ID())) {
		w.refreshed(next)
	}
}

// ended tells the watchers of a session that WorkOS has ended it.
func (s *sessionWatches) ended(session *Session) {
	if s.keys.Load() == 0 {
		return
	}
	for _, w := range s.at(noticeKey(replica.SessionEnded, session.ID())) {
		w.endedByWorkOS(session)
	}
}
