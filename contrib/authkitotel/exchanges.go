// The spans of exchanges, to which the spans of the requests that waited link.

package authkitotel

import (
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
)

const (
	// maxExchanges is how many of the last exchanges are remembered. A wait is observed right after its exchange, or before it
	// if its request has left, so more exchanges would have to begin in between.
	maxExchanges = 1024
	// maxHeldSpans is how many spans of requests that have left wait for the end of their exchange.
	maxHeldSpans = 1024
)

// exchangeSpans has the spans of the last exchanges. Its zero value has none.
type exchangeSpans struct {
	mu    sync.Mutex
	slots map[uint64]*exchangeSlot // guarded by mu: by the number of the exchange modulo maxExchanges
	held  int                      // guarded by mu: spans in the slots
}

// exchangeSlot is what is known about one exchange.
type exchangeSlot struct {
	number  uint64
	ended   bool              // the exchange
	span    trace.SpanContext // not valid if the exchange has not ended, or has no span because no SDK was started
	waiting []waitSpan
}

// waitSpan is the span of a request that has waited until a time. It is held if the request has left before its exchange
// ended.
type waitSpan struct {
	span  trace.Span
	ended time.Time
}

func (w waitSpan) end() { w.span.End(trace.WithTimestamp(w.ended)) }

// slot returns the slot of an exchange, and the spans that waited for an older one in it. It returns nil for an exchange that is
// too old. s.mu must be held.
func (s *exchangeSpans) slot(number uint64) (slot *exchangeSlot, ended []waitSpan) {
	if s.slots == nil {
		s.slots = map[uint64]*exchangeSlot{}
	}
	slot = s.slots[number%maxExchanges]
	switch {
	case slot == nil:
		slot = &exchangeSlot{number: number}
	case slot.number > number:
		return nil, nil
	case slot.number < number:
		ended = s.release(slot)
		slot = &exchangeSlot{number: number}
	}
	s.slots[number%maxExchanges] = slot
	return slot, ended
}

// release takes the spans that wait out of a slot. s.mu must be held.
func (s *exchangeSpans) release(slot *exchangeSlot) []waitSpan {
	waiting := slot.waiting
	s.held -= len(waiting)
	slot.waiting = nil
	return waiting
}

// add notes the span of an exchange that has ended.
func (s *exchangeSpans) add(number uint64, exchange trace.SpanContext) {
	waiting, ended := s.store(number, exchange)
	for _, wait := range ended {
		wait.end()
	}
	for _, wait := range waiting {
		wait.span.AddLink(trace.Link{SpanContext: exchange})
		wait.end()
	}
}

func (s *exchangeSpans) store(number uint64, exchange trace.SpanContext) (waiting, ended []waitSpan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slot, ended := s.slot(number)
	if slot == nil {
		return nil, ended
	}
	slot.ended, slot.span = true, exchange
	return s.release(slot), ended
}

// link links the span of a wait to that of its exchange, and ends it: now, or when the exchange has ended. Without a known
// exchange, it ends the span without a link.
func (s *exchangeSpans) link(number uint64, wait waitSpan) {
	exchange, ended := s.find(number, wait)
	for _, old := range ended {
		old.end()
	}
	if exchange == nil {
		return
	}
	if exchange.IsValid() {
		wait.span.AddLink(trace.Link{SpanContext: *exchange})
	}
	wait.end()
}

// find returns the span of an exchange, which is not valid if it is not known. It returns nil if the wait is held until the
// exchange has ended.
func (s *exchangeSpans) find(number uint64, wait waitSpan) (exchange *trace.SpanContext, ended []waitSpan) {
	if number == 0 { // the request has left before the exchange began
		return &trace.SpanContext{}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slot, ended := s.slot(number)
	switch {
	case slot == nil:
		return &trace.SpanContext{}, ended
	case slot.ended || s.held == maxHeldSpans:
		return &slot.span, ended
	}
	slot.waiting = append(slot.waiting, wait)
	s.held++
	return nil, ended
}
