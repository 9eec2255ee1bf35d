// The option for the seal of the cookies.

package authkit

// WithCompactCookie seals the cookies of this package in the compact format ([seal.Compact]) instead of the default one
// ([seal.SecureCookie]): the session, the pending sign-ins and the steps of a sign-in ([AuthKit.SaveStep]). The cookies are
// then shorter, and a session that is not cached takes less time to open. The passwords stay the same.
//
// Both formats are always opened, with and without the option. So it can be switched on and off without ending a session or
// a sign-in. A session keeps its format until it is next written, for example by a refresh. With several instances:
//
//  1. Deploy a version that has this option to all instances, without the option.
//  2. Switch the option on, one instance after the other.
//
// To switch it off, leave it out again, one instance after the other. Before you go back to a version without this option,
// switch it off, and wait until all sessions were refreshed: such a version does not open the compact format, so the users of
// the remaining sessions would have to sign in again.
//
// It cannot be used with [WithSharedSession], since the other libraries read only their own format.
func WithCompactCookie() Option {
	return func(c *config) { c.compact = true }
}
