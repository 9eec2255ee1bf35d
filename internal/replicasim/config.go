// Config: the sessions, the instances and their traffic.

package replicasim

import "time"

// Config describes the traffic. Rates are averages of random times.
type Config struct {
	Seed uint64
	// Sessions is how many browsers are in use at a time. Each has one session. When a
	// session is over, a new sign-in takes its place.
	Sessions int
	// Fraction is the part of the sessions and of the API keys that is simulated. 0
	// stands for 1.
	Fraction  float64
	Instances int

	TokenLifetime time.Duration
	// Views is the number of page views per session and hour.
	Views float64
	// Requests is the number of requests of a page view. The first is the page. The
	// others follow with the cookie that the page has set.
	Requests int
	// Bursts is the part of the page views whose requests all arrive at once, with the
	// same cookie.
	Bursts float64
	// Lost is the part of the new cookies that the browser does not get.
	Lost float64
	// SignOuts and Closed are how many sessions end per session and hour: by a
	// sign-out, and because the browser is not used any more.
	SignOuts, Closed float64
	// Exchange is how long WorkOS takes to exchange a refresh token.
	Exchange time.Duration

	APIKeys   int
	KeyUses   float64 // uses of each API key per second
	WarmUp    time.Duration
	Measure   time.Duration // the time that is counted, after WarmUp
	Retention time.Duration // how long the log keeps a notice

	Sizes Sizes
}

// Sizes are the sizes of what a store keeps, in bytes.
type Sizes struct {
	Key          int // of a value
	Success      int // the sealed successor of a refresh token
	Superseded   int
	UsedState    int
	APIKeyResult int
	Notice       int
}

// DefaultSizes returns the sizes of a session whose access token has about 1,400
// bytes. TestTheSizesAreThoseOfRealRecords compares them with real records.
func DefaultSizes() Sizes {
	return Sizes{Key: 37, Success: 1240, Superseded: 13, UsedState: 12, APIKeyResult: 270, Notice: 59}
}

// The times of package authkit that determine the load, and those of the records.
const (
	refreshBefore = time.Minute // or a fifth of the lifetime of a token, if that is less
	signInTimeout = time.Hour
	clockSkew     = time.Minute
	keyLifetime   = 30 * time.Second

	firstPoll = 10 * time.Millisecond
	lastPoll  = 100 * time.Millisecond
)

// refreshAge is the age at which an access token is refreshed.
func (c *Config) refreshAge() time.Duration {
	return c.TokenLifetime - min(refreshBefore, c.TokenLifetime/5)
}

func (c *Config) fraction() float64 {
	if c.Fraction == 0 {
		return 1
	}
	return c.Fraction
}
