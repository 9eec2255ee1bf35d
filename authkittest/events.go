// Events: what has happened in the fake, as the list of events and webhooks report it.

package authkittest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

const (
	// maxEvents is how many events the fake keeps. Beyond that, the oldest one leaves.
	maxEvents = 200_000
	// eventRetention is how long WorkOS keeps events.
	eventRetention = 90 * 24 * time.Hour
	// maxEventLead is how far the times of events may be ahead of the clock.
	maxEventLead = time.Second
)

// Event is something that has happened in the fake. The package workos reads it with ListEvents and ParseWebhook.
type Event struct {
	ID   string // "event_…"; IDs sort in the order of CreatedAt, and in that of their creation within a millisecond
	Type string // such as "user.updated"
	// CreatedAt is a millisecond after the event before, if both happened at one instant of the clock. So a program can tell a
	// change from the one before, also if the clock stands still. It is less than a second ahead of the clock.
	CreatedAt time.Time
	Data      json.RawMessage // the object that the event is about
}

// loggedEvent is an event and its JSON text.
type loggedEvent struct {
	Event
	at             time.Time // when it happened, on the fake's clock
	organizationID string    // the organization to which it belongs; empty for none
	wire           json.RawMessage
}

// eventLog has the events of the fake. Server.mu guards it.
type eventLog struct {
	recording bool           // false while the first users are added: they were there before
	made      uint64         // number of events; part of their IDs
	newest    time.Time      // CreatedAt of the last one
	listed    []*loggedEvent // in the order of their IDs
	custom    map[string]bool
	holdBack  time.Duration
	held      []*loggedEvent    // in the order of their creation
	holds     func(string) bool // reports whether a new event of a type is held; nil for none
}

// Events returns the events of these types, or of all types, oldest first. These are the events of the last 90 days, at most
// 200,000. Events of [Server.HoldEvents] are not among them. Events of [Server.SetEventHoldBack] are.
func (f *Server) Events(types ...string) []Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := f.keptEvents()
	events := []Event{}
	if len(types) == 0 {
		events = make([]Event, 0, len(kept))
	}
	for _, e := range kept {
		if len(types) == 0 || slices.Contains(types, e.Type) {
			copied := e.Event
			copied.Data = bytes.Clone(e.Data)
			events = append(events, copied)
		}
	}
	return events
}

// EmitEvent adds an event of any type with any data, and returns it. The fake emits an event for everything that is done in it,
// so EmitEvent is for others: types that the fake has no operation for, such as role.updated, types that do not exist, and data
// in an unexpected form. It changes nothing else. From then on, the list of events accepts the type. data can be a
// json.RawMessage. EmitEvent panics if typ is empty or data cannot be encoded as JSON.
func (f *Server) EmitEvent(typ string, data any) Event {
	if typ == "" {
		panic("authkittest: EmitEvent: the type is empty")
	}
	text := encodeEventData(data)
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := eventTypes[typ]; !known {
		f.events.custom[typ] = true
	}
	e := f.newEvent(typ, organizationOfData(text), text, nil)
	f.publish(e)
	copied := e.Event
	copied.Data = bytes.Clone(e.Data)
	return copied
}

// SetEventHoldBack makes the list of events show an event only when it is as old as d, on the fake's clock. WorkOS holds new
// events back for a few seconds. Webhooks are sent at once. The default is 0.
func (f *Server) SetEventHoldBack(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events.holdBack = d
}

// HoldEvents holds new events of these types, or of all types, until [Server.ReleaseEvents]. An event that is held is not in
// the list of events, and no webhook reports it. When it is released, it appears with the time at which it happened, so before
// newer events that a program has already read. A second call of HoldEvents replaces the types of the first.
func (f *Server) HoldEvents(types ...string) {
	types = slices.Clone(types)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events.holds = func(typ string) bool { return len(types) == 0 || slices.Contains(types, typ) }
}

// ReleaseEvents ends [Server.HoldEvents]. The events that were held appear in the list, and webhooks report them.
func (f *Server) ReleaseEvents() {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := &f.events
	released := l.held
	l.held, l.holds = nil, nil
	l.listed = append(l.listed, released...)
	slices.SortStableFunc(l.listed, func(a, b *loggedEvent) int { return cmp.Compare(a.ID, b.ID) })
	f.dropEvents()
	for _, e := range released {
		f.sendWebhooks(e)
	}
}

// emit adds the event of a change. It is called with f.mu held, by the code that makes the change.
func (f *Server) emit(typ, organizationID string, data any) {
	f.emitInContext(typ, organizationID, data, nil)
}

// emitInContext adds the event of a change with its context: who has made it, and the previous values. nil is no context.
func (f *Server) emitInContext(typ, organizationID string, data, context any) {
	if f.events.recording {
		f.publish(f.newEvent(typ, organizationID, encodeEventData(data), context))
	}
}

func (f *Server) newEvent(typ, organizationID string, data json.RawMessage, context any) *loggedEvent {
	now := f.clock.Now().UTC().Truncate(time.Millisecond)
	at := f.events.nextTime(now)
	e := &loggedEvent{
		Event:          Event{ID: f.events.newID(at), Type: typ, CreatedAt: at},
		at:             now,
		organizationID: organizationID,
	}
	name, err := json.Marshal(typ)
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err)) // not possible: it is a string
	}
	var onStack [256]byte
	head := append(onStack[:0], `{"object":"event","id":"`...)
	head = append(append(head, e.ID...), `","event":`...)
	head = append(append(head, name...), `,"created_at":"`...)
	head = append(append(head, timestamp(at)...), '"')
	if context != nil {
		head = append(append(head, `,"context":`...), encodeEventData(context)...)
	}
	head = append(head, `,"data":`...)
	e.wire = make(json.RawMessage, 0, len(head)+len(data)+len(`}`))
	e.wire = append(append(append(e.wire, head...), data...), '}')
	e.Data = e.wire[len(head) : len(e.wire)-1 : len(e.wire)-1]
	return e
}

// publish gives an event its place in the list and sends its webhooks, unless it is held.
func (f *Server) publish(e *loggedEvent) {
	l := &f.events
	if l.holds != nil && l.holds(e.Type) {
		l.held = append(l.held, e)
		return
	}
	if len(l.listed) == 0 || l.listed[len(l.listed)-1].ID < e.ID {
		l.listed = append(l.listed, e) // as nearly always
	} else {
		l.listed = slices.Insert(l.listed, l.after(e.ID), e)
	}
	f.dropEvents()
	f.sendWebhooks(e)
}

// dropEvents removes the events that are too old or too many.
func (f *Server) dropEvents() {
	l := &f.events
	for len(l.listed) > maxEvents || len(l.listed) > 0 && f.isOutdated(l.listed[0]) {
		l.listed[0] = nil
		l.listed = l.listed[1:]
	}
}

func (f *Server) isOutdated(e *loggedEvent) bool {
	return f.clock.Now().Sub(e.at) > eventRetention
}

// keptEvents returns the events that WorkOS still has, in the order of the list.
func (f *Server) keptEvents() []*loggedEvent {
	f.dropEvents()
	return f.events.listed
}

// after returns the index of the first event after an ID.
func (l *eventLog) after(id string) int {
	i, found := l.find(id)
	if found {
		i++
	}
	return i
}

func (l *eventLog) find(id string) (index int, found bool) {
	return slices.BinarySearchFunc(l.listed, id, func(e *loggedEvent, id string) int { return cmp.Compare(e.ID, id) })
}

// from returns the index of the first event of a time, or after it.
func (l *eventLog) from(t time.Time) int {
	i, _ := slices.BinarySearchFunc(l.listed, t, func(e *loggedEvent, t time.Time) int {
		if e.CreatedAt.Before(t) {
			return -1
		}
		return 1
	})
	return i
}

// nextTime returns the time of an event that happens now. It is not earlier than that of the event before, unless the clock was
// moved back.
func (l *eventLog) nextTime(now time.Time) time.Time {
	at := now
	switch lead := l.newest.Sub(now); {
	case lead < 0, lead >= maxEventLead:
	case lead+time.Millisecond < maxEventLead:
		at = l.newest.Add(time.Millisecond)
	default:
		at = l.newest
	}
	l.newest = at
	return at
}

// until returns the index of the first event that happened after a time, on the fake's clock.
func (l *eventLog) until(t time.Time) int {
	i, _ := slices.BinarySearchFunc(l.listed, t, func(e *loggedEvent, t time.Time) int {
		if e.at.After(t) {
			return 1
		}
		return -1
	})
	return i
}

// newID returns an ID with a ULID: ten characters for the milliseconds since 1970, then 40 bits that count events and 40 random
// bits. So the order of the IDs is that of the events.
func (l *eventLog) newID(at time.Time) string {
	l.made++
	var random [10]byte
	_, _ = rand.Read(random[5:]) // never fails
	for i, count := 4, l.made; i >= 0; i, count = i-1, count>>8 {
		random[i] = byte(count)
	}
	var milliseconds [10]byte
	for i, rest := 9, max(at.UnixMilli(), 0); i >= 0; i, rest = i-1, rest>>5 {
		milliseconds[i] = crockfordAlphabet[rest&31]
	}
	return "event_" + string(milliseconds[:]) + crockford.EncodeToString(random[:])
}

func encodeEventData(data any) json.RawMessage {
	text, err := json.Marshal(data)
	if err != nil {
		panic(fmt.Sprintf("authkittest: the data of an event cannot be encoded as JSON: %v", err))
	}
	return text
}

// organizationOfData returns the organization to which the event of data belongs, or "".
func organizationOfData(data json.RawMessage) string {
	if !bytes.HasPrefix(data, []byte("{")) {
		return ""
	}
	var object struct {
		Object         string `json:"object"`
		ID             string `json:"id"`
		OrganizationID string `json:"organization_id"`
	}
	_ = json.Unmarshal(data, &object) // data in another form belong to none
	if object.Object == "organization" {
		return object.ID
	}
	return object.OrganizationID
}
