// Package replicamodel is a model of the protocol of package replica, and a checker
// that explores all interleavings of its steps.
//
// The model has two or three instances, one store, one WorkOS and one browser. Each
// decision of an instance is a function of package replica, so the model and the
// code cannot differ in it. The checker explores the states breadth-first. If a
// state breaks an invariant, it prints the shortest trace to it, one sentence for
// each step.
//
// # Invariants
//
//   - Presented once: a refresh token that WorkOS has accepted is not presented
//     again. Exceptions: the store was bypassed, a lease expired because its holder
//     crashed or stalled, the store lost the record, or the reply of WorkOS was lost.
//   - Stays signed in: no response clears the cookie of a session that has not ended,
//     and no request with the newest cookie of such a session is anonymous. While no
//     exchange runs, the records and the instances lead from the cookie of the
//     browser to the token that WorkOS accepts.
//   - Stays signed out: after a sign-out or a sign-in of another person is answered,
//     no response sets the old session. An instance that has read the notice does not
//     serve it. Exceptions: the records did not lead to the end of the chain, because
//     the store was bypassed or has lost a record, or the instance cannot reach the
//     store. Then the session ends at an instance when it reads the notice.
//   - Not older: no response sets a session that is older than the one of the
//     browser, or that belongs to another person.
//   - Every request ends: there is no state in which a request waits, or a success is
//     not published, and nothing can happen. A request that waits for another
//     instance can always end, because it fails after replica.WaitLimit.
//   - One success: no rule replaces a success by another one. A test of the functions
//     checks it.
//
// # Time
//
// The model has no clock. What time does is a step that can happen at any moment,
// unless the real times exclude it. These are the assumptions:
//
//  1. A lease does not expire while its holder extends it. It expires if the holder
//     has crashed, cannot reach the store, or stalls (a fault with a budget).
//  2. A question times out after all instances with a link to the store have read
//     it and have put back the notices that the log has lost, and after the asker has
//     read the log. The log is read within two seconds, notices are put back within
//     one, and QuestionTime is five.
//  3. While an instance cannot reach the store and knows the successor, exchanges the
//     token, or knows a sign-out that the log lacks, the question does not time out.
//     This is an assumption about the length of an outage, which no rule can replace.
//     The option LongOutage removes it, and a test shows the trace.
//  4. A success becomes a spent mark after its successor was presented, and after the
//     browser, all requests and all responses with the old token are gone. The time
//     is 30 s.
//  5. With a replay window, each presentation of a spent token is within the window.
//  6. A walk along a chain of successes is one step. A success changes nothing until
//     its last link is read or marked, and never becomes another success.
//  7. Superseded marks do not expire. They are kept for a day.
//  8. A response can be overtaken by others after its last look at the store. The
//     invariants hold for the moment of that look.
//
// What the assumptions exclude can sign a person out or bring a session back. These
// are the cases of SECURITY.md: the store was bypassed, or has lost what no live
// instance knows.
//
// # Faults
//
// Each has a budget: a reply of the store that is lost, an outage of the store for
// one instance, a flush, a stall, a crash, a transient failure of WorkOS, and a reply
// of WorkOS that is lost. A crash loses the memory and the requests of an instance.
// If a crash or a flush destroys the last copy of a successor, the session is lost,
// and the model does not check any more that it stays signed in.
//
// # Rule 5
//
// The times in notices are in a model of their own, in clocks.go.
package replicamodel
