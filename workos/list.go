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
	OrderDescending = "desc" // newest first, the default
	OrderAscending  = "asc"  // oldest first
)

// Paging says how to read a list. The zero value reads the whole list, newest object first.
//
// What is newer than an object is the list with OrderAscending and After. The API also has the parameter before and the order
// "normal". They read the same objects backwards, so Paging does not have them.
//
// A list makes its first request when the caller ranges over it, and another request at the end of each page. It yields
// at most one error and then ends. Ranging over it again reads it again.
type Paging struct {
	// PageSize is the number of objects in one request, 1 to 100. At 0 WorkOS chooses, which is 10. It does not limit
	// the number of objects that the list yields. To stop early, leave the loop.
	PageSize int
	Order    string // OrderDescending or OrderAscending
	After    string // the list starts after the object with this ID; empty starts at the beginning
}

// list reads the objects of a call page by page.
//
// See https://workos.com/docs/reference/pagination
func list[T any](ctx context.Context, c *Client, call call, p Paging) iter.Seq2[T, error] {
	call.method = http.MethodGet
	return func(yield func(T, error) bool) {
		query := url.Values{}
		maps.Copy(query, call.query)
		set(query, "order", p.Order)
		set(query, "after", p.After)
		if p.PageSize != 0 {
			query.Set("limit", strconv.Itoa(p.PageSize))
		}
		call.query = query

		seen := map[string]bool{p.After: true}
		for {
			response := page[T]{seen: seen}
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
			after := response.Metadata.After
			if after == "" {
				return
			}
			seen[after] = true
			query.Set("after", after)
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
		After string `json:"after"` // null on the last page
	} `json:"list_metadata"`

	seen map[string]bool // the cursors of the pages that were already read
}

// validate implements [validator]. It refuses a cursor that would make the caller read pages without end.
func (p *page[T]) validate() error {
	after := p.Metadata.After
	switch {
	case p.Data == nil:
		return errors.New("missing data")
	case after != "" && len(p.Data) == 0:
		return errors.New("empty page with the cursor of a next page")
	case after != "" && p.seen[after]:
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
