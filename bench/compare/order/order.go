// Package order is what command compare and the processes that it starts tell each other, as JSON.
package order

// Order says which requests to send.
type Order struct {
	Subject    string // of package contender
	Processors int    // each has a thread that sends requests
	Requests   int    // in a burst of one thread
	Bursts     int    // of each thread; those of different threads begin together
}

// Result is what a request has cost.
type Result struct {
	// Nanoseconds has the CPU time of a request in each burst that no other program has disturbed. It has fewer values than
	// there were bursts, perhaps none.
	Nanoseconds []float64
	// Mean is the mean of all bursts.
	Mean               float64
	Allocations, Bytes float64
}
