// Paginated lists.

package authkittest

import (
	"net/url"
	"slices"
	"strconv"
)

// The default and the largest number of objects on a page.
const (
	defaultLimit = 10
	maxLimit     = 100
)

// listObject is a page of a list.
type listObject[T any] struct {
	Object   string  `json:"object"`
	Data     []T     `json:"data"`
	Metadata cursors `json:"list_metadata"`
}

// cursors are the IDs of the first and last object of a page. A cursor is null if the list has no more objects on that side.
type cursors struct {
	Before *string `json:"before"`
	After  *string `json:"after"`
}

// limitOf returns the number of objects on a page.
func limitOf(q url.Values) (int, *apiError) {
	asked := q.Get("limit")
	if asked == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < 1 || n > maxLimit {
		return 0, invalid(fieldProblem{Field: "limit", Code: "out_of_range"})
	}
	return n, nil
}

// page returns the part of items that the query requests. items are in the order of their creation.
func page[T, O any](c *call, items []T, id func(T) string, object func(T) O) (any, *apiError) {
	q := c.URL.Query()
	limit, apiErr := limitOf(q)
	if apiErr != nil {
		return nil, apiErr
	}
	items = slices.Clone(items)
	after, before := "after", "before"
	switch q.Get("order") {
	case "normal": // before leads to older objects
		after, before = before, after
		slices.Reverse(items)
	case "", "desc":
		slices.Reverse(items)
	case "asc":
	default:
		return nil, invalid(fieldProblem{Field: "order", Code: "invalid"})
	}
	from, to := 0, len(items)
	for name, cut := range map[string]func(i int){after: func(i int) { from = i + 1 }, before: func(i int) { to = i }} {
		if cursor := q.Get(name); cursor != "" {
			i := slices.IndexFunc(items, func(item T) bool { return id(item) == cursor })
			if i < 0 {
				return nil, invalid(fieldProblem{Field: name, Code: "not_found"})
			}
			cut(i)
		}
	}
	if q.Has(before) && !q.Has(after) {
		from = max(to-limit, 0)
	} else {
		to = min(from+limit, max(from, to))
	}

	list := listObject[O]{Object: "list", Data: []O{}}
	for _, item := range items[from:to] {
		list.Data = append(list.Data, object(item))
	}
	if from < to && from > 0 {
		first := id(items[from])
		list.Metadata.Before = &first
	}
	if from < to && to < len(items) {
		last := id(items[to-1])
		list.Metadata.After = &last
	}
	if after == "before" {
		list.Metadata.Before, list.Metadata.After = list.Metadata.After, list.Metadata.Before
	}
	return list, nil
}
