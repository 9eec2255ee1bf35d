// The state of the questions about API keys and about permissions on resources, for Stats.

package authkit

// APIKeyStats counts the questions about API keys of customers: the requests with a key to [AuthKit.RequireAPIKey] and
// [AuthKit.RequireAuthOrAPIKey], and the calls of [AuthKit.ValidateAPIKey]. Each has one answer: Valid, Invalid, Limited or
// Failed. A request whose client has left before has none.
type APIKeyStats struct {
	Valid, Invalid uint64
	Limited        uint64 // answered 429: an unknown key beyond the budget, or WorkOS has answered 429
	Failed         uint64 // WorkOS did not answer

	Cached  uint64 // those of the answers that were remembered
	Calls   uint64 // of WorkOS
	Waiting int    // requests that wait for an answer
	Entries int    // answers that are remembered
}

// ResourcePermissionStats counts the questions of [AuthKit.RequireResourcePermission] and [AuthKit.HasResourcePermission]
// that have a session in an organization, and a resource. Each has one answer: Permitted, Denied or Failed. A request whose
// client has left before has none.
type ResourcePermissionStats struct {
	Permitted, Denied, Failed uint64

	Cached  uint64 // those of the answers that were remembered
	Calls   uint64 // questions that WorkOS was asked
	Waiting int    // questions that are being asked or wait for that
	Entries int    // users about whom answers are remembered
}

func (k *apiKeys) stats() APIKeyStats {
	c := &k.counters
	k.mu.Lock()
	waiting := k.provenQueue.requests + k.unknownQueue.requests
	k.mu.Unlock()
	return APIKeyStats{
		Valid: c.yes.Load(), Invalid: c.no.Load(), Limited: c.limited.Load(), Failed: c.failed.Load(),
		Cached: c.cached.Load(), Calls: c.calls.Load(),
		Waiting: waiting, Entries: k.cache.proven.Len() + k.cache.unknown.Len(),
	}
}

func (q *resourceQuestions) stats() ResourcePermissionStats {
	c := &q.counters
	q.mu.Lock()
	waiting := len(q.questions)
	q.mu.Unlock()
	return ResourcePermissionStats{
		Permitted: c.yes.Load(), Denied: c.no.Load(), Failed: c.failed.Load(),
		Cached: c.cached.Load(), Calls: c.calls.Load(),
		Waiting: waiting, Entries: q.answers.users.Len(),
	}
}
