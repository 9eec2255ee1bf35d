// Lists: pages that are fetched when the caller gets to them.

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

// The orders in which a list can be read.
const (
	OrderDescending = "desc" // the newest first, which is the default
	OrderAscending  = "asc"  // the oldest first
)

// Paging says how a list is read. Its zero value reads the whole list, the newest object first.
//
// A list makes no request until it is ranged over, and another one only when the caller gets to the end of a page. It
// yields an error at most once and then ends. Ranging over it again reads it anew.
type Paging struct {
	// PageSize is how many objects one request fetches, 1 to 100; 0 leaves that to WorkOS, which takes 10. It does not
	// limit how many the list yields: that is for the caller to do, by leaving the loop.
	PageSize int
	Order    string // OrderDescending or OrderAscending
	After    string // the ID of the object to start behind; empty to start at the beginning
}

// list reads what a call lists, page after page.
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

// set sets a parameter of a query unless it is empty.
func set(query url.Values, name, value string) {
	if value != "" {
		query.Set(name, value)
	}
}

// page is the envelope of a list.
type page[T any] struct {
	Data     []T `json:"data"`
	Metadata struct {
		After string `json:"after"` // null on the last page
	} `json:"list_metadata"`

	seen map[string]bool // where pages have begun already
}

// check implements [checker]. A server that leads from page to page without end must not hold the caller for good.
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
