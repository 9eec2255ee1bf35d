// GET /events: the list of events.

package authkittest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// eventFilter says which events a request asks for.
type eventFilter struct {
	types          []string
	organizationID string
}

func (filter eventFilter) matches(e *loggedEvent) bool {
	return slices.Contains(filter.types, e.Type) && (filter.organizationID == "" || filter.organizationID == e.organizationID)
}

// listEvents answers RouteListEvents. Like production, it lists the oldest events first by default, and has no member before in
// the metadata. A page costs the time of the events that it passes, however many events there are.
func (f *Server) listEvents(c *call) (any, *apiError) {
	q := c.URL.Query()
	filter, apiErr := f.eventFilter(q)
	if apiErr != nil {
		return nil, apiErr
	}
	limit, apiErr := limitOf(q)
	if apiErr != nil {
		return nil, apiErr
	}
	descending := false
	switch q.Get("order") {
	case "", "asc":
	case "desc", "normal":
		descending = true
	default:
		return nil, invalidEvents("order", "invalid")
	}
	from, to, apiErr := f.eventRange(q, descending)
	if apiErr != nil {
		return nil, apiErr
	}

	list := eventListObject{Object: "list", Data: []json.RawMessage{}}
	events, last := f.events.listed, ""
	for n := range max(to-from, 0) {
		e := events[from+n]
		if descending {
			e = events[to-1-n]
		}
		switch {
		case !filter.matches(e):
		case len(list.Data) == limit:
			list.Metadata.After = &last
			return list, nil
		default:
			list.Data, last = append(list.Data, e.wire), e.ID
		}
	}
	return list, nil
}

// eventListObject is a page of the list of events.
type eventListObject struct {
	Object   string            `json:"object"`
	Data     []json.RawMessage `json:"data"`
	Metadata struct {
		After *string `json:"after"` // null on the last page
	} `json:"list_metadata"`
}

// eventFilter reads the parameters events and organization_id. Several types are separated by commas, or sent as several
// parameters named events or events[].
func (f *Server) eventFilter(q url.Values) (eventFilter, *apiError) {
	filter := eventFilter{organizationID: q.Get("organization_id")}
	for typ := range strings.SplitSeq(strings.Join(append(q["events"], q["events[]"]...), ","), ",") {
		_, known := eventTypes[typ]
		switch {
		case typ == "":
		case !known && !f.events.custom[typ]:
			return filter, invalidEvents("events", "unknown_event_type")
		default:
			filter.types = append(filter.types, typ)
		}
	}
	if len(filter.types) == 0 {
		return filter, invalidEvents("events", "required")
	}
	belongs := func(e *loggedEvent) bool { return e.organizationID == filter.organizationID }
	if id := filter.organizationID; id != "" && !f.hasOrganization(id) && !slices.ContainsFunc(f.keptEvents(), belongs) {
		return filter, &apiError{Message: "Organization not found: '" + id + "'."}
	}
	return filter, nil
}

// eventRange returns the part of f.events.listed that a request asks for, without regard to its filter.
func (f *Server) eventRange(q url.Values, descending bool) (from, to int, apiErr *apiError) {
	events := f.keptEvents()
	to = len(events)
	if f.events.holdBack > 0 {
		to = f.events.until(f.clock.Now().Truncate(time.Millisecond).Add(-f.events.holdBack))
	}
	for name, cut := range map[string]func(i int){
		"range_start": func(i int) { from = max(from, i) }, "range_end": func(i int) { to = min(to, i) },
	} {
		text := q.Get(name)
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return 0, 0, invalidEvents(name, "invalid")
		}
		cut(f.events.from(at))
	}
	after := q.Get("after")
	if after == "" {
		return from, to, nil
	}
	i, found := f.events.find(after)
	switch {
	case !found:
		return 0, 0, plainError("invalid_cursor", "There is no event '"+after+"'.")
	case descending:
		to = min(to, i)
	default:
		from = max(from, i+1)
	}
	return from, to, nil
}

// invalidEvents returns the error for an invalid parameter. Unlike other calls, this one has no code.
func invalidEvents(field, code string) *apiError {
	return &apiError{
		status: http.StatusUnprocessableEntity, Message: "Validation failed.", Errors: []fieldProblem{{Field: field, Code: code}},
	}
}
