// The list of events, oldest first, and its pages.

package workos

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxEventPage is the greatest number of events in one response.
const maxEventPage = 100

// ListEventsParams are the parameters of [Client.ListEvents]. Types is required. After and RangeStart exclude each other.
type ListEventsParams struct {
	// Types are the types of events to list, such as [EventSessionRevoked]. WorkOS requires at least one, and refuses a
	// type that it does not know.
	Types []string

	After      string    // the list starts after the event with this ID
	RangeStart time.Time // the list starts with the events of this time; zero means with the oldest event
	RangeEnd   time.Time // the list ends before the events of this time; zero means that it ends with the newest event

	OrganizationID string // only events that belong to this organization; events of users belong to none

	// PageSize is the number of events in one request, 1 to 100. At 0 it is 100. It does not limit the number of events
	// that the list yields. To stop early, leave the loop.
	PageSize int

	// Cursor makes the list continue where the last one with the same cursor ended, with an overlap. After and RangeStart
	// then say where the first one starts. Without it, each list is independent of all others.
	Cursor *EventCursor
}

// ListEvents lists events, oldest first, and ends with the newest one. WorkOS keeps events for 90 days. The call
// needs an API key.
//
// The list makes its first request when the caller ranges over it, and another one at the end of each page. A page that
// is longer than a response may be is requested again with fewer events. Each request is retried as the package
// documentation says for reads, and obeys Retry-After. The list yields at most one error and then ends. Ranging over it
// again reads it again, or continues if there is a Cursor.
//
// A program that follows the events calls ListEvents again and again, for example every second, with one [EventCursor].
// WorkOS shows new events in the list a few seconds after they were created, and not always in their order. So the list
// of a program that starts after the last event that it has read can skip some. The cursor makes each list start earlier,
// by [EventOverlap], and leaves out what the program has already read; see the example.
//
// The documentation of [EventCursor] says what is delivered more than once, and what a program stores to continue after a
// restart.
//
// WorkOS does not document what it answers to an After that is older than 90 days. If the answer is an error, it is an
// [*Error] that is not transient, and the program starts again with a RangeStart. Events that WorkOS has deleted are lost
// in any case, so such a program must read the users, memberships and organizations that it stores again.
//
// See https://workos.com/docs/reference/events/list and https://workos.com/docs/events/data-syncing/events-api
func (c *Client) ListEvents(ctx context.Context, p ListEventsParams) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		pass, after := p.Cursor.pass(p.After)
		pages, err := c.eventPages(p, after)
		if err != nil {
			yield(Event{}, err)
			return
		}
		for more := true; more; {
			asked := c.clock.Now()
			var events []Event
			events, more, err = pages.next(ctx)
			if err != nil {
				yield(Event{}, err)
				return
			}
			received := c.clock.Now()
			for _, event := range events {
				if !pass.isRead(event.ID) && (pass.isFull() || !yield(event, nil)) {
					return // an event in which the caller leaves the loop does not count as read
				}
				pass.done(event, asked, received)
			}
		}
		pass.end()
	}
}

// eventPages reads the pages of one list.
type eventPages struct {
	client *Client
	call   call
	query  url.Values
	size   int
	cycle  cycle
}

func (c *Client) eventPages(p ListEventsParams, after string) (*eventPages, error) {
	types := strings.Join(p.Types, ",")
	pages := &eventPages{
		client: c,
		call: call{
			method:   http.MethodGet,
			path:     "/events",
			required: []argument{{"list_of_event_types", types}},
		},
		// The specification says that the default is descending. WorkOS ignores the order today and lists ascending
		// (https://github.com/workos/workos-node/issues/1610).
		query: url.Values{"order": {OrderAscending}},
		size:  p.PageSize,
		cycle: cycle{mark: after},
	}
	switch {
	case p.After != "" && !p.RangeStart.IsZero():
		return nil, pages.call.argumentError("After", "and the RangeStart exclude each other")
	case p.PageSize < 0 || p.PageSize > maxEventPage:
		return nil, pages.call.argumentError("PageSize", fmt.Sprintf("is not between 1 and %d", maxEventPage))
	case p.PageSize == 0:
		pages.size = maxEventPage
	}
	set(pages.query, "events", types)
	set(pages.query, "organization_id", p.OrganizationID)
	set(pages.query, "after", after)
	if after == "" {
		set(pages.query, "range_start", rangeTime(p.RangeStart))
	}
	set(pages.query, "range_end", rangeTime(p.RangeEnd))
	return pages, nil
}

// rangeTime returns the parameter for a limit of the range, or "" for none. WorkOS's times have milliseconds.
func rangeTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// next returns the next page, and whether there are more. A page that is too long is requested again with half as many
// events.
func (p *eventPages) next(ctx context.Context) (events []Event, more bool, err error) {
	for {
		p.query.Set("limit", strconv.Itoa(p.size))
		p.call.query = p.query
		response := eventPage{cycle: &p.cycle}
		err := p.client.do(ctx, p.call, &response)
		var transportErr *TransportError
		if errors.As(err, &transportErr) && transportErr.overlong && p.size > 1 {
			p.size /= 2
			continue
		}
		if err != nil {
			return nil, false, err
		}
		after := response.Metadata.After
		if after == "" || len(response.Data) == 0 {
			return response.Data, false, nil
		}
		p.cycle.add(after)
		p.query.Set("after", after)
		// The list is ascending, so after implies the start of the range. WorkOS's older documentation says that the two
		// exclude each other.
		p.query.Del("range_start")
		return response.Data, true, nil
	}
}

// eventPage is a page of the list of events. Its validation differs from that of a [page]: the last page may have a
// cursor, because the next call continues there.
type eventPage struct {
	Data     []Event `json:"data"`
	Metadata struct {
		After string `json:"after"`
	} `json:"list_metadata"`

	cycle *cycle
}

// validate implements [validator].
func (p *eventPage) validate() error {
	if p.Data == nil {
		return errors.New("missing data")
	}
	for i := range p.Data {
		if err := p.Data[i].validate(); err != nil {
			return fmt.Errorf("data[%d]: %w", i, err)
		}
	}
	if len(p.Data) > 0 && p.Metadata.After != "" && p.Metadata.After == p.cycle.mark {
		return errors.New("cursor of a page that was already read")
	}
	return nil
}

// cycle finds a sequence of cursors that repeats, and remembers one cursor only: a list of events can have any number of
// pages. This is Brent's algorithm: the remembered cursor is replaced after 1, 2, 4, … further ones.
type cycle struct {
	mark         string
	steps, limit int
}

func (c *cycle) add(cursor string) {
	if c.steps++; c.steps > c.limit {
		c.mark, c.steps, c.limit = cursor, 0, max(1, 2*c.limit)
	}
}
