// Lists, which fetch a page when the caller reaches it.

package workos

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
)

// The orders of a list.
const (
	OrderDescending = "desc"   // newest first, the default
	OrderAscending  = "asc"    // oldest first
	OrderNormal     = "normal" // newest first, with reversed cursors: before leads to older objects and after to newer ones
)

// Paging says how to read a list. The zero value reads the whole list, newest object first.
//
// A list makes its first request when the caller ranges over it, and another request at the end of each page. It yields
// at most one error and then ends. Ranging over it again reads it again.
type Paging struct {
	// PageSize is the number of objects in one request, 1 to 100. At 0 WorkOS chooses, which is 10. It does not limit
	// the number of objects that the list yields. To stop early, leave the loop.
	PageSize int
	Order    string // OrderDescending, OrderAscending or OrderNormal

	// After is the ID of the object after which the list starts. Empty starts at the beginning.
	After string
	// Before is the ID of the object before which the list ends. The pages are then read backwards: first the page that ends
	// right before this object, then the page before that. The objects of a page keep their order. A program that shows one
	// page at a time reads the previous page with the ID of the first object that it shows, a PageSize, and a loop that it leaves
	// after PageSize objects. To know whether there is a further page, it asks for one object more than it shows: with After it
	// does not show the last one, with Before not the first one. The example shows it. Before and After exclude each other: both
	// are an error without a request. The ID of an object that was deleted meanwhile is an [*Error] with the status 422.
	Before string
}

// backwards reports whether the pages after the first one are reached by the cursor before. The first page of [OrderNormal] has
// the newest objects, and only before leads to the others.
func (p Paging) backwards() bool { return p.Before != "" || p.Order == OrderNormal && p.After == "" }

// list reads the objects of a call page by page.
//
// See https://workos.com/docs/reference/pagination
func list[T any](ctx context.Context, c *Client, call call, p Paging) iter.Seq2[T, error] {
	call.method = http.MethodGet
	return func(yield func(T, error) bool) {
		if p.After != "" && p.Before != "" {
			var none T
			yield(none, call.argumentError("paging", "has both After and Before"))
			return
		}
		call := call // each loop has its own query, so that the list can be read again, also concurrently
		query := url.Values{}
		maps.Copy(query, call.query)
		set(query, "order", p.Order)
		set(query, "after", p.After)
		set(query, "before", p.Before)
		if p.PageSize != 0 {
			query.Set("limit", strconv.Itoa(p.PageSize))
		}
		call.query = query

		cursor := "after"
		if p.backwards() {
			cursor = "before"
		}
		seen := map[string]bool{p.After: true, p.Before: true}
		for {
			response := page[T]{cursor: cursor, seen: seen}
			if err := c.do(ctx, call, &response); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, object := range response.Data {
				if !yield(object, nil) {
					return
				}
			}
			next := response.next()
			if next == "" {
				return
			}
			seen[next] = true
			query.Set(cursor, next)
		}
	}
}

// set sets a query parameter unless the value is empty.
func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

// page is the envelope of a page of a list.
type page[T any] struct {
	Data     []T `json:"data"`
	Metadata struct {
		Before string `json:"before"` // null on the first page
		After  string `json:"after"`  // null on the last page
	} `json:"list_metadata"`

	cursor string          // the cursor that leads to the next page to read: before or after
	seen   map[string]bool // the cursors of the pages that were already read
}

// next returns the cursor of the next page to read, or "" at the end.
func (p *page[T]) next() string {
	if p.cursor == "before" {
		return p.Metadata.Before
	}
	return p.Metadata.After
}

// validate implements [validator]. It refuses a cursor that would make the caller read pages without end.
func (p *page[T]) validate() error {
	next := p.next()
	switch {
	case p.Data == nil:
		return errors.New("missing data")
	case next != "" && len(p.Data) == 0:
		return errors.New("empty page with the cursor of a next page")
	case next != "" && p.seen[next]:
		return errors.New("cursor of a page that was already read")
	}
	for i := range p.Data {
		if object, ok := any(&p.Data[i]).(validator); ok {
			if err := object.validate(); err != nil {
				return fmt.Errorf("data[%d]: %w", i, err)
			}
		}
	}
	return nil
}
