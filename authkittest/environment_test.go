// Redirect URIs and CORS origins, by the calls of package workos.

package authkittest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestARedirectURIThatTheAPIRegistersIsAccepted(t *testing.T) {
	const first, later = "https://app.example.com/callback", "https://new.example.com/callback"
	a := newApp(t, authkittest.WithRedirectURIs(first))
	ctx, client := context.Background(), a.workos()
	status := func(uri string) int {
		_, page := a.authorize(map[string]string{"redirect_uri": uri})
		return page.StatusCode
	}
	assert.Equal(t, http.StatusBadRequest, status(later))
	created := must(client.CreateRedirectURI(ctx, later))
	assert.Equal(t, &workos.RedirectURI{ID: created.ID, URI: later, CreatedAt: start, UpdatedAt: start}, created)
	assert.Equal(t, http.StatusOK, status(later))
	all := collect(t, client.ListRedirectURIs(ctx, workos.Paging{Order: workos.OrderAscending}))
	require.Len(t, all, 2)
	assert.Equal(t, first, all[0].URI)
	assert.True(t, all[0].Default)
	assert.Equal(t, *created, all[1])

	assertCode(t, second(client.CreateRedirectURI(ctx, later)), 400, "")
	for _, uri := range []string{"/callback", later + "#top"} {
		assertCode(t, second(client.CreateRedirectURI(ctx, uri)), 422, "")
	}
	assertCode(t, client.DeleteRedirectURI(ctx, all[0].ID), 409, "")
	require.NoError(t, client.DeleteRedirectURI(ctx, created.ID))
	assert.Equal(t, http.StatusBadRequest, status(later))
	assertCode(t, client.DeleteRedirectURI(ctx, created.ID), 404, "")
	require.NoError(t, client.DeleteRedirectURI(ctx, all[0].ID))
	assert.Equal(t, http.StatusOK, status(a.callback), "without a redirect URI, every one on a loopback host is accepted")
}

func TestCORSOriginsAreRegisteredAndListed(t *testing.T) {
	a := newApp(t)
	ctx, client := context.Background(), a.workos()
	created := must(client.CreateCORSOrigin(ctx, "https://app.example.com"))
	assert.Equal(t, &workos.CORSOrigin{ID: created.ID, Origin: "https://app.example.com", CreatedAt: start, UpdatedAt: start}, created)
	assert.Equal(t, []workos.CORSOrigin{*created}, collect(t, client.ListCORSOrigins(ctx, workos.Paging{})))
	var apiErr *workos.Error
	require.True(t, errors.As(second(client.CreateCORSOrigin(ctx, "https://app.example.com")), &apiErr))
	assert.Equal(t, http.StatusConflict, apiErr.StatusCode)
	for _, origin := range []string{"https://app.example.com/", "ftp://app.example.com", "app.example.com"} {
		assertCode(t, second(client.CreateCORSOrigin(ctx, origin)), 422, workos.CodeInvalidRequestParameters)
	}
}
