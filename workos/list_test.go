// Lists: which pages are fetched, and when.

package workos_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// pageOf responds with a page of users with the given IDs. after is the cursor of the next page, or "" for the last
// page.
func pageOf(after string, ids ...string) http.HandlerFunc {
	body := `{"object":"list","data":[`
	for i, id := range ids {
		if i > 0 {
			body += ","
		}
		body += fmt.Sprintf(`{"id":%q}`, id)
	}
	cursor := "null"
	if after != "" {
		cursor = fmt.Sprintf("%q", after)
	}
	return respondWith(200, body+`],"list_metadata":{"before":null,"after":`+cursor+`}}`)
}

// idsOf reads a list until it ends, fails or has yielded most objects.
func idsOf(ctx context.Context, client *workos.Client, most int) (ids []string, err error) {
	for user, err := range client.ListUsers(ctx, workos.ListUsersParams{OrganizationID: "org_01A"}) {
		if err != nil {
			return ids, err
		}
		if ids = append(ids, user.ID); len(ids) == most {
			break
		}
	}
	return ids, nil
}

func TestAListIsReadPageByPage(t *testing.T) {
	server := newServer(t, pageOf("b", "a", "b"), pageOf("d&x", "c", "d"), pageOf("", "e"))
	ids, err := idsOf(t.Context(), server.client(t), 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "c", "d", "e"}, ids)
	var queries []string
	for _, request := range server.received() {
		queries = append(queries, request.query)
	}
	assert.Equal(t, []string{"organization_id=org_01A", "after=b&organization_id=org_01A", "after=d%26x&organization_id=org_01A"}, queries)
}

func TestAListThatIsReadAgainStartsAtItsBeginning(t *testing.T) {
	for name, tt := range map[string]struct {
		paging  workos.Paging
		queries []string
	}{
		"forwards":    {workos.Paging{}, []string{"", "after=b"}},
		"after":       {workos.Paging{After: "a"}, []string{"after=a", "after=b"}},
		"from before": {workos.Paging{Before: "e"}, []string{"before=e", "before=c"}},
	} {
		t.Run(name, func(t *testing.T) {
			first := respondWith(200, `{"data":[{"id":"x"}],"list_metadata":{"before":"c","after":"b"}}`)
			last := respondWith(200, `{"data":[{"id":"y"}],"list_metadata":{"before":null,"after":null}}`)
			server := newServer(t, first, last, first, last)
			users := server.client(t).ListUsers(t.Context(), workos.ListUsersParams{Paging: tt.paging})
			var queries []string
			for range 2 {
				_, err := collect(users)
				require.NoError(t, err)
			}
			for _, request := range server.received() {
				queries = append(queries, request.query)
			}
			assert.Equal(t, append(tt.queries, tt.queries...), queries)
		})
	}
}

func TestAListIsReadBackwards(t *testing.T) {
	pages := func() []http.HandlerFunc {
		return []http.HandlerFunc{
			respondWith(200, `{"data":[{"id":"c"},{"id":"d"}],"list_metadata":{"before":"c","after":"d"}}`),
			respondWith(200, `{"data":[{"id":"a"},{"id":"b"}],"list_metadata":{"before":null,"after":"b"}}`),
		}
	}
	tests := map[string]struct {
		paging  workos.Paging
		queries []string
	}{
		"before an object":           {workos.Paging{Before: "e"}, []string{"before=e", "before=c"}},
		"in normal order":            {workos.Paging{Order: workos.OrderNormal}, []string{"order=normal", "before=c&order=normal"}},
		"in normal order from there": {workos.Paging{Order: workos.OrderNormal, Before: "e"}, []string{"before=e&order=normal", "before=c&order=normal"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, pages()...)
			users, err := collect(server.client(t).ListUsers(t.Context(), workos.ListUsersParams{Paging: tt.paging}))
			require.NoError(t, err)
			assert.Equal(t, []workos.User{{ID: "c"}, {ID: "d"}, {ID: "a"}, {ID: "b"}}, users)
			var queries []string
			for _, request := range server.received() {
				queries = append(queries, request.query)
			}
			assert.Equal(t, tt.queries, queries)
		})
	}
}

func TestAListInNormalOrderAfterAnObjectIsReadByAfter(t *testing.T) {
	server := newServer(t, pageOf("b", "b"), pageOf("", "c"))
	users, err := collect(server.client(t).ListUsers(t.Context(), workos.ListUsersParams{Paging: workos.Paging{Order: workos.OrderNormal, After: "a"}}))
	require.NoError(t, err)
	assert.Len(t, users, 2)
	assert.Equal(t, "after=b&order=normal", server.received()[1].query)
}

func TestAListBackwardsWithARepeatedCursorEndsWithAnError(t *testing.T) {
	again := respondWith(200, `{"data":[{"id":"c"}],"list_metadata":{"before":"e"}}`)
	_, err := collect(newServer(t, again).client(t).ListUsers(t.Context(), workos.ListUsersParams{Paging: workos.Paging{Before: "e"}}))
	assert.ErrorContains(t, err, "already read")
}

func TestAListTakesAfterOrBefore(t *testing.T) {
	server := newServer(t)
	_, err := collect(server.client(t).ListUsers(t.Context(), workos.ListUsersParams{Paging: workos.Paging{After: "a", Before: "b"}}))
	assert.ErrorContains(t, err, "both After and Before")
	assert.Empty(t, server.received())
}

func TestAListFetchesOnlyThePagesThatAreRead(t *testing.T) {
	server := newServer(t, pageOf("b", "a", "b"), pageOf("", "c"))
	client := server.client(t)
	users := client.ListUsers(t.Context(), workos.ListUsersParams{})
	assert.Empty(t, server.received(), "a list that is not read")

	for most, requests := range map[int]int{1: 1, 2: 1} {
		before := len(server.received())
		ids, err := idsOf(t.Context(), newServer(t, pageOf("b", "a", "b"), pageOf("", "c")).client(t), most)
		require.NoError(t, err)
		assert.Len(t, ids, most)
		assert.LessOrEqual(t, len(server.received())-before, requests)
	}

	for range users {
		break
	}
	assert.Len(t, server.received(), 1)
}

func TestAListCanBeReadAgain(t *testing.T) {
	server := newServer(t, pageOf("b", "b"), pageOf("", "c"), pageOf("b", "b"), pageOf("", "c"))
	users := server.client(t).ListUsers(t.Context(), workos.ListUsersParams{Paging: workos.Paging{After: "a"}})
	for range 2 {
		got, err := collect(users)
		require.NoError(t, err)
		assert.Len(t, got, 2)
	}
	assert.Equal(t, "after=a", server.received()[2].query)
}

func TestAnEmptyListYieldsNothing(t *testing.T) {
	ids, err := idsOf(t.Context(), newServer(t, pageOf("")).client(t), 0)
	assert.NoError(t, err)
	assert.Empty(t, ids)
}

func TestAListYieldsAnErrorOnceAndEnds(t *testing.T) {
	tests := map[string]struct {
		second http.HandlerFunc
		want   string
	}{
		"an error response":           {respondWith(422, `{"code":"invalid_request_parameters","message":"No."}`), "invalid_request_parameters"},
		"HTML":                        {respondWith(200, page), "not JSON"},
		"no data":                     {respondWith(200, `{"list_metadata":{"after":null}}`), "missing data"},
		"an object without ID":        {respondWith(200, `{"data":[{"id":"c"},{}],"list_metadata":{}}`), "data[1]: missing id"},
		"a repeated cursor":           {pageOf("b", "c"), "cursor of a page that was already read"},
		"an empty page with a cursor": {pageOf("c"), "empty page with the cursor of a next page"},
		"a cursor of the wrong type":  {respondWith(200, `{"data":[],"list_metadata":{"after":7}}`), "unexpected type number"},
		"an object instead of a list": {respondWith(200, `{"data":{"id":"c"}}`), "unexpected type object"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, pageOf("b", "a", "b"), tt.second)
			var ids []string
			var errs []error
			for user, err := range server.client(t).ListUsers(t.Context(), workos.ListUsersParams{}) {
				if err != nil {
					assert.Zero(t, user)
					errs = append(errs, err)
					continue
				}
				ids = append(ids, user.ID)
			}
			require.Len(t, errs, 1)
			assert.ErrorContains(t, errs[0], tt.want)
			assert.Len(t, server.received(), 2)
			assert.Contains(t, [][]string{{"a", "b"}, {"a", "b", "c"}}, ids)
		})
	}
}

func TestAListWithARepeatedCursorEndsWithAnError(t *testing.T) {
	server := newServer(t, pageOf("a", "a"), pageOf("b", "b"), pageOf("c", "c"), pageOf("a", "a"))
	ids, err := idsOf(t.Context(), server.client(t), 0)
	assert.ErrorContains(t, err, "already read")
	assert.Equal(t, []string{"a", "b", "c"}, ids)

	ids, err = idsOf(t.Context(), newServer(t, pageOf("a", "a")).client(t), 0)
	assert.ErrorContains(t, err, "already read")
	assert.Equal(t, []string{"a"}, ids)
}

func TestEachPageIsRetriedSeparately(t *testing.T) {
	clock := newFakeClock()
	server := newServer(t, pageOf("a", "a"), respondWith(503, ""), pageOf("", "b"))
	client := server.client(t, workos.WithClock(clock))
	done := start(func() error {
		ids, err := idsOf(t.Context(), client, 0)
		assert.Equal(t, []string{"a", "b"}, ids)
		return err
	})
	assert.Equal(t, 10*time.Second, clock.next())
	assert.Equal(t, 10*time.Second, clock.next())
	clock.requireWait(t, time.Second, time.Second/4)
	require.NoError(t, <-done)
	assert.Equal(t, server.received()[1].query, server.received()[2].query)
}

func TestTheContextEndsAListBetweenPages(t *testing.T) {
	server := newServer(t, pageOf("a", "a"), pageOf("", "b"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ids []string
	var last error
	for user, err := range server.client(t).ListUsers(ctx, workos.ListUsersParams{}) {
		cancel()
		ids, last = append(ids, user.ID), err
	}
	assert.ErrorIs(t, last, context.Canceled)
	assert.Equal(t, []string{"a", ""}, ids)
	assert.Len(t, server.received(), 1)
}

func TestASessionIsFoundOnAnyPage(t *testing.T) {
	server := newServer(t, pageOf("b", "a", "b"), pageOf("c", "c"), pageOf("", "d"))
	found, ok, err := server.client(t).FindSession(t.Context(), "user_01A", "c")
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, "c", found.ID)
	assert.Len(t, server.received(), 2, "later pages are not fetched")
}
