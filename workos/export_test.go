// A read for the tests, while the package has no call of its own that makes one.

package workos

import (
	"context"
	"net/http"
	"net/url"
)

func (c *Client) Get(ctx context.Context, path string, query url.Values, out any) error {
	return c.do(ctx, call{method: http.MethodGet, path: path, query: query}, out)
}
