// Access of the external tests to the API key queue.

package authkit

// OnAPIKeyWait makes each request call f before it waits for the validation of its API key.
func (a *AuthKit) OnAPIKeyWait(f func()) { a.apiKeys.onWait = f }

// APIKeyValidations returns how many validations of API keys are queued or running.
func (a *AuthKit) APIKeyValidations() int {
	a.apiKeys.mu.Lock()
	defer a.apiKeys.mu.Unlock()
	return len(a.apiKeys.validations)
}
