// Counts: the commands of a store by what they are for.

package replicasim

import "fmt"

// Counts are numbers of store commands, by their purpose. A Swap or a Get is one
// command of Redis or PostgreSQL.
type Counts struct {
	Claims     int // Swap: the claim of a refresh token
	Polls      int // Swap: a claim again, while another instance has the lease
	Publishes  int // Swap: the outcome of an exchange
	Responses  int // Get: before a response sets a cookie
	Delivered  int // Get: the first request with a cookie at an instance
	Shortened  int // Swap: the first request with a cookie at any instance
	Marks      int // Swap: the superseded mark of a sign-out
	UsedStates int // Swap: the callback of a sign-in
	KeyReads   int // Get: the result of an API key
	KeyWrites  int // Swap: the result of an API key
	Notices    int // Append: a sign-out

	// Not commands:

	Requests  int // with a session, without callbacks and sign-outs
	Exchanges int // at WorkOS
	SignIns   int
	SignOuts  int
}

// Gets returns the number of Get commands.
func (c *Counts) Gets() int { return c.Responses + c.Delivered + c.KeyReads }

// Swaps returns the number of Swap commands.
func (c *Counts) Swaps() int {
	return c.Claims + c.Polls + c.Publishes + c.Shortened + c.Marks + c.UsedStates + c.KeyWrites
}

// Total returns the number of commands, without those that follow the log.
func (c *Counts) Total() int { return c.Gets() + c.Swaps() + c.Notices }

func (c Counts) String() string {
	return fmt.Sprintf("claims %d, polls %d, publishes %d, responses %d, delivered %d, shortened %d, marks %d, used states %d, key reads %d, key writes %d, notices %d",
		c.Claims, c.Polls, c.Publishes, c.Responses, c.Delivered, c.Shortened, c.Marks, c.UsedStates, c.KeyReads, c.KeyWrites, c.Notices)
}
