// The position of a program that follows the events, and what it has read near the end of the list.

package workos

import (
	"maps"
	"sync"
	"time"
)

const (
	// EventOverlap is how long an event is read again and left out, after it was read for the first time. Events that
	// appear in the list later than others, but are older than these, are found for so long. WorkOS needs a few seconds.
	EventOverlap = 30 * time.Second

	// settledAge is the age at which an event is not read again. It lets a program that reads the events of the past
	// remember none of them. It is much more than EventOverlap, because the clock of WorkOS is compared with ours.
	settledAge = 10 * time.Minute

	// maxEventIDs limits the number of remembered IDs. They take about 8 MB.
	maxEventIDs = 1 << 16
)

// EventCursor is the position of a program that follows the events with [Client.ListEvents]. The zero value is at the
// start of the first list. A cursor is for one list at a time, always with the same types and organization. After may be
// called at any time, from any goroutine.
//
// Delivery is at least once. The lists with one cursor yield each event once, except that an event in which the caller left
// the loop is yielded again by the next list. A program that starts again from After gets the events of the last
// [EventOverlap] again. It must distinguish them by their IDs, or do nothing wrong if it handles one twice.
//
// An event that appears late in the list, with a time before that of events that were already yielded, is yielded when
// it appears. So the order is that of appearance. A handler that stores an object compares its updated_at.
//
// The memory of a cursor is bounded: it remembers 65,536 IDs at most. If more events than that are within EventOverlap, a
// list ends before the newest event, and later lists continue there.
//
// The cursor measures EventOverlap with the clock of the client, from the moment at which it has read an event, so a
// difference to WorkOS's clock does not matter. Events that are more than 10 minutes old by that clock are not read
// again. The clock must not be more than nine minutes ahead.
type EventCursor struct {
	mu    sync.Mutex
	after string // everything up to this event is read, and nothing older can appear any more
	read  map[string]readEvent
	lists int // the number of lists
}

// readEvent is an event after the position of a cursor that was read.
type readEvent struct {
	at   time.Time // when its page was received for the first time
	list int       // the last list that had it
}

// After returns the ID that a program stores, to continue after a restart: [ListEventsParams].After of its first list.
// Every event up to this ID was yielded, and the caller has finished with it. It is usually the ID of an event that was
// read EventOverlap ago, not of the newest one. It is "" before the first such event: then the program starts again as it
// did. Store it after an event, after a list, or now and then: an older ID only means more repetitions.
func (c *EventCursor) After() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.after
}

// eventPass is one list that moves a cursor. A nil pass belongs to a list without a cursor.
type eventPass struct {
	cursor *EventCursor
	list   int
	found  bool // the cursor knows an event of this list
	// behind says that an event of this list is not settled, so the cursor stays before it.
	behind bool
}

// pass starts a list and returns where it starts. The first list starts after the given ID.
func (c *EventCursor) pass(after string) (*eventPass, string) {
	if c == nil {
		return nil, after
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.after == "" {
		c.after = after
	}
	c.lists++
	return &eventPass{cursor: c, list: c.lists}, c.after
}

// isRead reports whether an event was read.
func (p *eventPass) isRead(id string) bool {
	if p == nil {
		return false
	}
	p.cursor.mu.Lock()
	defer p.cursor.mu.Unlock()
	event, read := p.cursor.read[id]
	if read {
		event.list = p.list
		p.cursor.read[id], p.found = event, true
	}
	return read
}

// isFull reports whether the cursor can remember no further event.
func (p *eventPass) isFull() bool {
	if p == nil {
		return false
	}
	p.cursor.mu.Lock()
	defer p.cursor.mu.Unlock()
	if len(p.cursor.read) < maxEventIDs {
		return false
	}
	if !p.found { // the remembered events are not in this list: it has other types, or another organization
		p.cursor.read = nil
		return false
	}
	return true
}

// done notes that the caller has finished with an event, whose page was requested and received at these times.
//
// The cursor moves from an event to the next one in the list if the next one was settled when its page was requested.
// Then every event between these two was in the list at that time, and so in that page. It does not move past an event
// that is not settled.
func (p *eventPass) done(event Event, asked, received time.Time) {
	if p == nil {
		return
	}
	c := p.cursor
	c.mu.Lock()
	defer c.mu.Unlock()
	known, read := c.read[event.ID]
	settled := read && asked.Sub(known.at) >= EventOverlap ||
		!event.CreatedAt.IsZero() && asked.Sub(event.CreatedAt) >= settledAge
	switch {
	case settled && !p.behind:
		c.after = event.ID
		delete(c.read, event.ID)
	case !read:
		if c.read == nil {
			c.read = map[string]readEvent{}
		}
		c.read[event.ID] = readEvent{at: received, list: p.list}
	}
	p.behind, p.found = p.behind || !settled, true
}

// end notes that the list was read to its end. It forgets events that the list does not have any more.
func (p *eventPass) end() {
	if p == nil {
		return
	}
	c := p.cursor
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.read, func(_ string, event readEvent) bool { return event.list != p.list })
	if len(c.read) == 0 {
		c.read = nil // a map does not shrink by itself
	}
}
