package authkit

// OnAPIKeyJoined has f called by each request that waits for an answer about its API key, before it does.
func (a *AuthKit) OnAPIKeyJoined(f func()) { a.apiKeys.joined = f }

// APIKeyQuestions returns how many API keys are asked about or are going to be.
func (a *AuthKit) APIKeyQuestions() int {
	a.apiKeys.mu.Lock()
	defer a.apiKeys.mu.Unlock()
	return len(a.apiKeys.questions)
}
