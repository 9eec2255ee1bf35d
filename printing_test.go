// Tests that a printed AuthKit shows its redirect URLs and no secret.

package authkit_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
)

func TestPrintingAnAuthKitShowsNoSecret(t *testing.T) {
	ak, err := authkit.New(behaviour.ValidOptions(
		authkit.WithAPIKey("sk_hunter2"),
		authkit.WithCookiePassword(strings.Repeat("hunter2-", 4)),
		authkit.WithOnSignOut(func(context.Context, authkit.SignOutEvent) {}),
	)...)
	require.NoError(t, err)
	for name, v := range map[string]any{
		"itself":                  ak,
		"in a struct":             struct{ AK *authkit.AuthKit }{ak},
		"in a struct, unexported": struct{ ak *authkit.AuthKit }{ak},
	} {
		for how, text := range behaviour.Printed(v) {
			assert.NotContains(t, text, "hunter2", "%s: %s", name, how)
		}
	}
}

func TestPrintingAnAuthKitShowsItsRedirectURLs(t *testing.T) {
	ak, err := authkit.New(behaviour.ValidOptions(authkit.WithRedirectURL("https://app.example.com/callback", "https://acme.example.com/callback"))...)
	require.NoError(t, err)
	assert.Equal(t, "authkit.AuthKit(client_1 https://app.example.com/callback https://acme.example.com/callback)", fmt.Sprint(ak))
}
