// The memory of permissions on resources: what WorkOS has answered, and the IDs of memberships.

package authkit

import (
	"strings"
	"time"

	"github.com/authkit-go/authkit/internal/expiring"
	"github.com/authkit-go/authkit/workos"
)

const (
	// answersPerUser and answerBytesPerUser bound the answers about one user, so that a user who invents resources pushes
	// out the user's own answers.
	answersPerUser     = 1 << 10
	answerBytesPerUser = 256 << 10
	// answeredUsers and answerBytes bound the answers about all users. Beyond that, the users leave about whom WorkOS was
	// last asked the longest time ago.
	answeredUsers = 1 << 14
	answerBytes   = 32 << 20
	// userAnswersSize estimates the bytes of the memory of a user without answers.
	userAnswersSize = 1 << 10
	// answersLifetime is more than the longest lifetime of an answer.
	answersLifetime = maxResourcePermissionTTL + questionLimit

	// membershipLimit and membershipBytes bound the IDs of memberships.
	membershipLimit = 1 << 16
	membershipBytes = 16 << 20
)

// resourceAnswer is the answer to a question: whether the user has the permission, or an error if WorkOS did not say so.
type resourceAnswer struct {
	permitted  bool
	err        error
	membership string    // the ID of the membership that WorkOS was asked about, "" for none
	until      time.Time // when the answer is forgotten
	change     uint64    // the number of the last change before the question
}

// membershipOf is the ID of a membership.
type membershipOf struct {
	id     string
	change uint64 // as in resourceAnswer
}

// resourceAnswers holds answers, by user and then by question, and the IDs of memberships. The answers of each user are
// apart, so that one user's questions evict no answer of another one while there is room for both.
type resourceAnswers struct {
	clock       Clock
	changes     *permissionChanges
	users       *expiring.Map[*expiring.Map[resourceAnswer]] // by the ID of a user
	memberships *expiring.Map[membershipOf]                  // by the result of [membershipID]
}

func newResourceAnswers(clock Clock, changes *permissionChanges) *resourceAnswers {
	size := func(answers *expiring.Map[resourceAnswer]) int { return userAnswersSize + answers.Bytes() }
	return &resourceAnswers{
		clock: clock, changes: changes,
		users: expiring.New[*expiring.Map[resourceAnswer]](clock.Now, answeredUsers).LimitBytes(answerBytes, size),
		memberships: expiring.New[membershipOf](clock.Now, membershipLimit).
			LimitBytes(membershipBytes, func(m membershipOf) int { return len(m.id) }),
	}
}

// questionKey returns the key of a question about a user. Its parts contain no control character.
func questionKey(organizationID, permission string, resource workos.Resource) string {
	return organizationID + "\x00" + permission + "\x00" + resource.ID + "\x00" + resource.TypeSlug + "\x00" + resource.ExternalID
}

// get returns the answer to a question about the user of a session, unless it has expired or is outdated.
func (m *resourceAnswers) get(s *Session, key string) (answer resourceAnswer, ok bool) {
	answers, ok := m.users.Get(s.UserID())
	if !ok {
		return answer, false
	}
	answer, ok = answers.Get(key)
	return answer, ok && !m.changes.outdates(s, answer.membership, answer.change)
}

// put stores an answer. No two calls of put may run concurrently.
func (m *resourceAnswers) put(s *Session, key string, answer resourceAnswer) {
	now := m.clock.Now()
	if !answer.until.After(now) {
		return
	}
	answers, ok := m.users.Get(s.UserID())
	if !ok {
		answers = expiring.New[resourceAnswer](m.clock.Now, answersPerUser).LimitBytes(answerBytesPerUser, resourceAnswer.size)
	}
	answers.Put(key, answer, answer.until)
	m.users.Put(strings.Clone(s.UserID()), answers, now.Add(answersLifetime)) // with its new size
}

// size estimates the bytes that an answer takes in memory.
func (a resourceAnswer) size() int {
	if a.err == nil {
		return 80 + len(a.membership)
	}
	return 144 + len(a.membership) + len(a.err.Error())
}

// membership returns the ID of the membership of a session, unless it is not known or a change outdates it.
func (m *resourceAnswers) membership(s *Session) (id string, ok bool) {
	found, ok := m.memberships.Get(membershipID(s.UserID(), s.OrganizationID()))
	return found.id, ok && !m.changes.outdates(s, "", found.change)
}

// putMembership stores the ID of the membership of a session. Without an ID, it forgets the earlier one.
func (m *resourceAnswers) putMembership(s *Session, found membershipOf) {
	key := membershipID(s.UserID(), s.OrganizationID())
	if found.id == "" {
		m.memberships.Delete(key)
		return
	}
	m.memberships.Put(key, found, m.clock.Now().Add(membershipLifetime))
}
