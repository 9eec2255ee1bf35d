// The decisions of the protocol, as pure functions of what a record contains.
//
// The rules, by their numbers in the tests:
//
//  1. A token is presented to WorkOS only by the instance that holds its lease, or
//     if the store cannot be asked.
//  2. A success replaces every record except another success and a superseded mark.
//     A failure replaces only its own lease. A success that is published late and
//     finds a superseded mark supersedes its successor too.
//  3. A refusal is not believed at once, whoever holds the lease: another instance
//     may have exchanged the token while it could not reach the store. The instance
//     asks the others in the log. An instance that knows the successor puts it back.
//     One that has superseded the token, or has cleared its cookie, puts a mark back.
//     One that calls WorkOS with the token now puts its lease there. After
//     QuestionTime without an answer, and only with its own lease, the refusal is
//     believed. If the lease or the log was lost meanwhile, the question is asked
//     again.
//  4. Before a response sets or clears a session cookie, the records are followed
//     from its token, and the successors that the instance knows. If they end at a
//     superseded mark or a spent mark, the response does neither. A response clears
//     only by putting a superseded mark in the place of the end, so that no later one
//     clears. Publications of the session that wait are tried before. A sign-out and
//     a sign-in put a superseded mark at the end of the chain before they are
//     answered.
//  5. A sign-out is announced with the sign-in time of its session, because the
//     clocks of two instances may differ. A sign-in to a session that is known as
//     signed out is dated after the notice, and is announced, so that no instance
//     revokes the session for the earlier sign-out.

package replica

import "time"

// Kind is what a record says about its refresh token.
type Kind byte

const (
	// None: there is no record. The token was not exchanged, as far as the store
	// knows.
	None Kind = iota
	// Lease: an instance exchanges the token now.
	Lease
	// Success: the token was exchanged. The record contains the successor.
	Success
	// Spent: the token was exchanged so long ago that no session is served from it.
	// The record leads a sign-out to the successor.
	Spent
	// Ended: WorkOS has ended the session.
	Ended
	// Superseded: the session was signed out, or another session took its browser.
	Superseded
	// Pause: an exchange failed, and none is tried for some time.
	Pause
)

const (
	// LeaseTime is how long a lease lasts without an extension.
	LeaseTime = 4 * time.Second
	// LeaseLimit is how long a lease is extended.
	LeaseLimit = 15 * time.Second
	// ExtendEvery is the time between two extensions of a lease.
	ExtendEvery = time.Second
	// WaitLimit is how long an instance waits for the outcome of another one.
	WaitLimit = 12 * time.Second
	// QuestionTime is how long the other instances have to answer a question about a
	// refusal.
	QuestionTime = 5 * time.Second

	// SuccessTime is how long a success is kept. In its last SpentTime it is a spent
	// mark.
	SuccessTime = 25 * time.Hour
	// DeliveredTime is how long a success is kept after the browser has presented
	// the successor: for the replay window of WorkOS, and then as a spent mark.
	DeliveredTime = SpentTime + 30*time.Second
	// SpentTime is how long a success is a spent mark, at the end of its life.
	SpentTime = time.Hour
	// EndedTime is how long the end of a session is kept.
	EndedTime = time.Minute
	// SupersededTime is how long a superseded mark is kept.
	SupersededTime = 24 * time.Hour
)

// ClaimStep is what an instance does after it has tried to claim a token.
type ClaimStep int

const (
	Exchange  ClaimStep = iota // call WorkOS
	Wait                       // read the record again, after a pause
	UseResult                  // use the success in the record
	UseEnd                     // the session has ended
	UsePause                   // fail as the exchange has failed that made the pause
	Withhold                   // treat the request as anonymous, and keep the cookie
)

// AfterClaim returns the step after a claim. found is what the record contains now,
// and own reports whether it is this instance's own lease.
func AfterClaim(found Kind, own bool) ClaimStep {
	switch found {
	case Lease:
		if own {
			return Exchange
		}
		return Wait
	case Success:
		return UseResult
	case Ended:
		return UseEnd
	case Pause:
		return UsePause
	case Spent, Superseded:
		return Withhold
	}
	return Wait // the record has expired since: claim again
}

// PublishStep is what an instance does with the outcome of its exchange.
type PublishStep int

const (
	Replace     PublishStep = iota // put the outcome in the place of the record
	TakeOther                      // use the success in the record instead
	SetNothing                     // the session was superseded: set no cookie
	LeaveRecord                    // leave the record as it is
)

// PublishSuccess returns what to do with a success. found is what the record
// contains.
func PublishSuccess(found Kind) PublishStep {
	switch found {
	case Success:
		return TakeOther
	case Spent, Superseded:
		return SetNothing
	}
	return Replace
}

// PublishFailure returns what to do with a failure. own reports whether the record
// is this instance's own lease.
func PublishFailure(found Kind, own bool) PublishStep {
	if found == Lease && own {
		return Replace
	}
	return LeaveRecord
}

// ExtendStep is what the holder of a lease does when it extends the lease.
type ExtendStep int

const (
	Extended   ExtendStep = iota // the lease lasts for LeaseTime again
	ClaimAgain                   // the lease has expired, and no other was taken
	StopExtend                   // another record took its place
)

// Extend returns the result of an extension. found is what the record contains
// after it.
func Extend(found Kind, own bool) ExtendStep {
	switch {
	case found == Lease && own:
		return Extended
	case found == None:
		return ClaimAgain
	}
	return StopExtend
}

// ResponseStep is what a response does that is about to set or clear a session
// cookie.
type ResponseStep int

const (
	Send         ResponseStep = iota // do it
	SendNewer                        // look at the record of the successor first
	SendNoCookie                     // neither set nor clear
)

// BeforeResponse returns what a response does if the record of its token contains
// found.
func BeforeResponse(found Kind) ResponseStep {
	switch found {
	case Success:
		return SendNewer
	case Spent, Superseded:
		return SendNoCookie
	}
	return Send
}

// SupersedeStep is what a sign-out or a sign-in does with the record of a token.
type SupersedeStep int

const (
	Mark          SupersedeStep = iota // put a superseded mark in the place of the record
	MarkNext                           // mark the successor
	AlreadyMarked                      // there is a mark already
)

// Supersede returns what a sign-out or a sign-in does with a record.
func Supersede(found Kind) SupersedeStep {
	switch found {
	case Success, Spent:
		return MarkNext
	case Superseded:
		return AlreadyMarked
	}
	return Mark
}

// AnswerQuestion reports whether an instance that knows the successor of a token
// puts it back in the place of the record, after another instance asked.
func AnswerQuestion(found Kind) bool {
	switch found {
	case Success, Spent, Superseded:
		return false
	}
	return true
}

// BelieveRefusal reports whether a refusal is believed: QuestionTime has passed, and
// the record contains found. If the record has expired, the instance must claim the
// token again first: the record may have been the lease of another instance.
func BelieveRefusal(found Kind, own bool) bool {
	return found == Lease && own || found == Ended
}

// MayClear reports whether a response may clear the cookie of an ended session. found
// is what the record of its token contains. The response puts a superseded mark in
// the place of the end, in one step, and clears the cookie only if that succeeds. So
// one response clears it, and no response clears it after the next sign-in.
func MayClear(found Kind) bool { return found == Ended }
