// A pending cookie: what a response does with the session cookie.

package authkit

// pendingCookie is what a response does with the session cookie when its header
// is written: it sets a session, or it clears the cookie of a session that WorkOS
// has ended.
type pendingCookie struct {
	session *Session
	// sealed is the session to set. It is "" if another request may refresh the
	// session before the header is written.
	sealed string
	// lines are the Set-Cookie lines of sealed if all responses of an exchange share them.
	lines []string

	clear       bool
	since       counts // the counts when the request began
	clearNumber uint64 // the number of this response's clearing, 0 before it
	clearMark   []byte // what this response's clearing has put into the store
}

// counts are the counters that clearing.go explains.
type counts struct {
	clears  uint64 // responses that cleared the cookie of an ended session
	signIns uint64
}
