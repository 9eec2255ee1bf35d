// The options about answers of WorkOS that are remembered.

package authkit

import "time"

// WithResourcePermissionTTL sets how long [AuthKit.RequireResourcePermission] and [AuthKit.HasResourcePermission] use an answer of
// WorkOS: yes if the user has the permission on the resource, and no if not. Each is at most five minutes, and counts from the
// question. The defaults are 10 and 3 seconds. With zero, WorkOS is asked each time; requests at the same time share one
// question.
func WithResourcePermissionTTL(yes, no time.Duration) Option {
	return func(c *config) { c.permittedTTL, c.deniedTTL = yes, no }
}
