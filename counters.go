// Counters: the numbers that requests and exchanges change, and that Stats reads without a lock.

package authkit

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// requestOutcome is the index of a [RequestOutcome]. The zero value is that of an anonymous request. Two of them are one
// RequestOutcome: requestBearer and requestBearerCached.
type requestOutcome uint8

const (
	requestAnonymous requestOutcome = iota
	requestCached
	requestVerified
	requestRefreshed
	requestBearer
	requestBearerCached // the token was verified before
	requestStale
	requestEnded
	requestCookieRefused
	requestTokenRefused
	requestBearerRefused
	requestUnavailable
	requestLeft
	requestOutcomes // the number of outcomes
)

// counters are the counters of an AuthKit. The other parts of this package have counters of their own.
type counters struct {
	stripes [stripes]stripe

	cacheHits   atomic.Uint64 // besides those of requests with the outcomes requestCached and requestBearerCached
	cacheMisses atomic.Uint64

	refusals       codeCounters
	signInsStarted atomic.Uint64
	signInsDone    atomic.Uint64
	signInFailures codeCounters
	signOuts       atomic.Uint64
}

// stripes is how many counters there are for each outcome of requests. Stats adds them up. With one counter, two processors
// that write to it at each request would wait for each other: an anonymous request then took up to 1.7 times as long. The
// stripes of an AuthKit have 32 KB.
const (
	stripeBits = 8
	stripes    = 1 << stripeBits
)

// stripe has a counter for each outcome. Two stripes are in no cache line together.
type stripe struct {
	requests [requestOutcomes]atomic.Uint64
	_        [2*cacheLine - requestOutcomes*8]byte
}

// cacheLine is the size of a cache line in bytes, or a multiple of it.
const cacheLine = 64

// spanBits is the size of most spans of the Go runtime, as a power of two: 8 KB.
const spanBits = 13

// countRequest counts a request with a response writer at this address. The address of the writer selects the stripe: a processor
// allocates from a span that no other processor uses at that time, so processors nearly always have different stripes. If
// a Go runtime allocates in another way, the counts are right and processors may wait for each other.
func (c *counters) countRequest(outcome requestOutcome, w unsafe.Pointer) {
	span := uint32(uintptr(w) >> spanBits)
	// Processors often get neighbouring spans. The multiplication (Fibonacci hashing) takes their stripes apart, so that the
	// prefetching of one processor does not reach the stripe of another.
	c.stripes[span*0x9e3779b1>>(32-stripeBits)].requests[outcome].Add(1)
}

// requests returns the number of requests with an outcome.
func (c *counters) requests(outcome requestOutcome) (n uint64) {
	for i := range c.stripes {
		n += c.stripes[i].requests[outcome].Load()
	}
	return n
}

// codeCounters counts errors by their codes, which are those of this package's errors.
type codeCounters struct{ byCode sync.Map } // of *atomic.Uint64

func (c *codeCounters) add(code string) {
	counter, known := c.byCode.Load(code)
	if !known {
		counter, _ = c.byCode.LoadOrStore(code, new(atomic.Uint64))
	}
	counter.(*atomic.Uint64).Add(1)
}

// read returns a copy of the counters that are not 0.
func (c *codeCounters) read() map[string]uint64 {
	read := map[string]uint64{}
	for code, counter := range c.byCode.Range {
		read[code.(string)] = counter.(*atomic.Uint64).Load()
	}
	return read
}

// refreshCounters counts exchanges of refresh tokens by their outcomes.
type refreshCounters struct {
	exchanged, unverified, ended, refused, failed, adopted atomic.Uint64
	waiters                                                atomic.Uint64
	running, waiting                                       atomic.Int64
}

// add counts an exchange that has ended.
func (c *refreshCounters) add(outcome string) {
	switch outcome {
	case OutcomeOK:
		c.exchanged.Add(1)
	case OutcomeUnverified:
		c.unverified.Add(1)
	case OutcomeEnded:
		c.ended.Add(1)
	case OutcomeRefused:
		c.refused.Add(1)
	case OutcomeAdopted:
		c.adopted.Add(1)
	default:
		c.failed.Add(1)
	}
}

// questionCounters counts questions to WorkOS about API keys, or about permissions on resources, by their answers.
type questionCounters struct{ cached, calls, yes, no, failed, limited atomic.Uint64 }

// add counts the answer to a question.
func (c *questionCounters) add(outcome string) {
	switch outcome {
	case OutcomeOK:
		c.yes.Add(1)
	case OutcomeDenied:
		c.no.Add(1)
	case OutcomeLimited:
		c.limited.Add(1)
	default:
		c.failed.Add(1)
	}
}
