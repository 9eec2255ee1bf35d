// Events: what has happened at WorkOS, as the list of events and webhooks report it.

package workos

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"time"
)

// Event is something that has happened at WorkOS. [Client.ListEvents] reads events and [ParseWebhook] receives them. An
// event has the same ID in both.
//
// [Event.Payload] returns the data in the type that belongs to the event, for a type switch; see its example.
// [Event.Decode] decodes the data into a value of the caller. The fields are for reading: changes of them do not change
// what the methods return. Printed or logged with log/slog, an event shows its ID, type and time only, because its data
// are about persons. Encoded as JSON, it is the JSON text that WorkOS sent, and it can be decoded again without loss, for
// example after it was in a queue.
//
// See https://workos.com/docs/events and https://workos.com/docs/reference/events
type Event struct {
	ID   string // "event_…"
	Type string // one of the Event constants, or a type that this package does not know
	// CreatedAt is the time of the event on WorkOS's clock. It is zero if WorkOS sent none, or one in an unknown format.
	CreatedAt time.Time
	Data      json.RawMessage // the object that the event is about, as WorkOS sent it
	Context   json.RawMessage // the actor and the previous values, for [Event.DecodeContext]; nil if WorkOS sent none

	wire json.RawMessage // the whole event as WorkOS sent it; nil if the application made the event
}

// Payload decodes the data of the event into the type that belongs to it, and returns a pointer to it. For a type of
// event that this package does not know, it returns a copy of Data as a [json.RawMessage]. Members that this package
// does not know are ignored. The event constants name the type of each event. The error quotes no data.
func (e Event) Payload() (any, error) {
	payload, known := payloads[e.Type]
	if !known {
		return json.RawMessage(append([]byte(nil), e.Data...)), nil
	}
	v := reflect.New(payload).Interface()
	if err := e.Decode(v); err != nil {
		return nil, err
	}
	return v, nil
}

// Decode decodes the data of the event into v, as [json.Unmarshal] does. v points to a type of the caller, or to the type
// that belongs to the event. A type of this package that belongs to other events is an error, because its fields would
// have other meanings. The error quotes no data.
func (e Event) Decode(v any) error {
	fault := func(text string) error {
		return fmt.Errorf("workos: decode the data of a %s event: %s", e.typeText(), text)
	}
	if given := reflect.TypeOf(v); given != nil && given.Kind() == reflect.Pointer && isPayload[given.Elem()] {
		want, known := payloads[e.Type]
		if known && want != given.Elem() {
			return fault(fmt.Sprintf("the data are a %s, not a %s", want.Name(), given.Elem().Name()))
		}
	}
	if len(e.Data) == 0 || string(e.Data) == "null" {
		return fault("there are none")
	}
	var invalid *json.InvalidUnmarshalError
	switch err := json.Unmarshal(e.Data, v); {
	case errors.As(err, &invalid):
		return fault("the destination is not a pointer")
	case err != nil:
		return fault(describeDecodeError(err))
	}
	if object, ok := v.(validator); ok {
		if err := object.validate(); err != nil {
			return fault(err.Error())
		}
	}
	return nil
}

// MarshalJSON implements [json.Marshaler]. It returns the JSON text that WorkOS sent, if the event came from WorkOS.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.wire != nil {
		return e.wire, nil
	}
	return json.Marshal(struct {
		Object    string          `json:"object"`
		ID        string          `json:"id"`
		Type      string          `json:"event"`
		Data      json.RawMessage `json:"data"`
		Context   json.RawMessage `json:"context,omitempty"`
		CreatedAt time.Time       `json:"created_at,omitzero"`
	}{"event", e.ID, e.Type, e.Data, e.Context, e.CreatedAt})
}

// UnmarshalJSON implements [json.Unmarshaler]. It keeps the text as it is.
func (e *Event) UnmarshalJSON(data []byte) error {
	var envelope struct {
		ID        string          `json:"id"`
		Type      string          `json:"event"`
		Data      json.RawMessage `json:"data"`
		Context   json.RawMessage `json:"context"`
		CreatedAt json.RawMessage `json:"created_at"`
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return err
	}
	*e = Event{
		ID:        envelope.ID,
		Type:      envelope.Type,
		CreatedAt: eventTime(envelope.CreatedAt),
		Data:      envelope.Data,
		Context:   envelope.Context,
		wire:      append([]byte(nil), data...),
	}
	return nil
}

// eventTime reads the time of an event. Older events have a time without a zone, which is UTC. An event must not be lost
// because of its time, so any other value is the zero time.
func eventTime(data json.RawMessage) time.Time {
	var text string
	_ = json.Unmarshal(data, &text) // a value of another type leaves the text empty
	for _, layout := range []string{time.RFC3339, time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// validate implements [validator]. Without its ID, an event could not be distinguished from its duplicates.
func (e *Event) validate() error {
	if err := requireID(e.ID); err != nil {
		return err
	}
	if e.Type == "" {
		return errors.New("missing event")
	}
	return nil
}

// typeText returns the type for an error text.
func (e Event) typeText() string { return sanitize(e.Type, nil) }

// eventSummary is what an event shows of itself.
type eventSummary struct {
	ID, Type  string
	CreatedAt time.Time
}

func (e Event) summary() eventSummary {
	return eventSummary{sanitize(e.ID, nil), e.typeText(), e.CreatedAt}
}

// Format implements [fmt.Formatter]. It shows the ID, the type and the time.
func (e Event) Format(s fmt.State, verb rune) { format(s, verb, e.summary()) }

// LogValue implements [slog.LogValuer]. It shows the ID, the type and the time.
func (e Event) LogValue() slog.Value {
	summary := e.summary()
	return slog.GroupValue(
		slog.String("id", summary.ID), slog.String("type", summary.Type), slog.Time("created_at", summary.CreatedAt))
}
