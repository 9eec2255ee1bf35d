// Users, memberships, sessions and API keys: their whole life at the fake AuthKit.

package workos_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestARevokedSessionIsNotRefreshed(t *testing.T) {
	_, client, _ := newFake(t)
	auth, err := withPassword(t, client, ada)
	require.NoError(t, err)
	listed, err := collect(client.ListSessions(t.Context(), auth.User.ID, workos.Paging{}))
	require.NoError(t, err)
	sessions := listed.([]workos.Session)
	require.Len(t, sessions, 1)
	found, ok, err := client.FindSession(t.Context(), auth.User.ID, sessions[0].ID)
	require.NoError(t, err)
	require.True(t, ok)
	assert.Equal(t, "active", found.Status)

	auth, err = client.AuthenticateWithRefreshToken(t.Context(), workos.AuthenticateWithRefreshTokenParams{RefreshToken: auth.RefreshToken})
	require.NoError(t, err)
	require.NoError(t, client.RevokeSession(t.Context(), found.ID))
	_, err = client.AuthenticateWithRefreshToken(t.Context(), workos.AuthenticateWithRefreshTokenParams{RefreshToken: auth.RefreshToken})
	requireAs[*workos.InvalidGrantError](t, err)
	_, ok, err = client.FindSession(t.Context(), auth.User.ID, found.ID)
	require.NoError(t, err)
	assert.False(t, ok)
}

func TestAPasswordIsReset(t *testing.T) {
	fake, client, _ := newFake(t)
	before, err := withPassword(t, client, ada)
	require.NoError(t, err)
	reset, err := client.CreatePasswordReset(t.Context(), ada)
	require.NoError(t, err)
	mailed := fake.LastMail(ada).Token
	assert.Equal(t, reset.Token, mailed)
	assert.Contains(t, reset.URL, mailed)
	got, err := client.GetPasswordReset(t.Context(), reset.ID)
	require.NoError(t, err)
	assert.Equal(t, ada, got.Email)

	_, err = client.ConfirmPasswordReset(t.Context(), workos.ConfirmPasswordResetParams{Token: mailed, NewPassword: "e"})
	assert.NotEmpty(t, requireAs[*workos.PasswordResetError](t, err).Reasons)
	user, err := client.ConfirmPasswordReset(t.Context(), workos.ConfirmPasswordResetParams{Token: mailed, NewPassword: "a new horse, much stapled"})
	require.NoError(t, err)
	assert.Equal(t, ada, user.Email)

	_, err = client.AuthenticateWithRefreshToken(t.Context(), workos.AuthenticateWithRefreshTokenParams{RefreshToken: before.RefreshToken})
	requireAs[*workos.InvalidGrantError](t, err)
	_, err = withPassword(t, client, ada)
	requireAs[*workos.InvalidCredentialsError](t, err)

	_, err = client.CreatePasswordReset(t.Context(), "nobody@acme.test")
	assert.True(t, workos.IsNotFound(err))
}

func findUser(t *testing.T, client *workos.Client, email string) workos.User {
	t.Helper()
	for user, err := range client.ListUsers(t.Context(), workos.ListUsersParams{Email: email}) {
		require.NoError(t, err)
		return user
	}
	require.Fail(t, "no such user", email)
	return workos.User{}
}

func TestUsersAreCreatedFoundUpdatedAndDeleted(t *testing.T) {
	_, client, _ := newFake(t)
	for i := range 25 {
		_, err := client.CreateUser(t.Context(), workos.CreateUserParams{
			Email: fmt.Sprintf("user%d@acme.test", i), ExternalID: fmt.Sprintf("acme/%d", i), Metadata: map[string]string{"plan": "pro", "old": "x"},
		})
		require.NoError(t, err)
	}
	all, err := collect(client.ListUsers(t.Context(), workos.ListUsersParams{Paging: workos.Paging{PageSize: 10}}))
	require.NoError(t, err)
	assert.Len(t, all, 29)

	user, err := client.GetUserByExternalID(t.Context(), "acme/7")
	require.NoError(t, err)
	assert.Equal(t, "user7@acme.test", user.Email)
	user, err = client.UpdateUser(t.Context(), user.ID, workos.UpdateUserParams{
		FirstName: workos.Value("Kim"), LastName: workos.Value("Sato"), ExternalID: workos.Null[string](),
		Metadata: map[string]workos.Optional[string]{"plan": workos.Value("free"), "old": workos.Null[string]()},
	})
	require.NoError(t, err)
	assert.Equal(t, "Kim", user.FirstName)
	assert.Empty(t, user.ExternalID)
	assert.Equal(t, map[string]string{"plan": "free"}, user.Metadata)
	_, err = client.GetUserByExternalID(t.Context(), "acme/7")
	assert.True(t, workos.IsNotFound(err))
	user, err = client.UpdateUser(t.Context(), user.ID, workos.UpdateUserParams{LastName: workos.Value("")})
	require.NoError(t, err)
	assert.Empty(t, user.LastName)
	assert.Equal(t, "Kim", user.FirstName, "an absent field stays unchanged")
	assert.Equal(t, map[string]string{"plan": "free"}, user.Metadata, "nil metadata stay unchanged")
	user, err = client.UpdateUser(t.Context(), user.ID, workos.UpdateUserParams{Metadata: map[string]workos.Optional[string]{}})
	require.NoError(t, err)
	assert.Empty(t, user.Metadata, "an empty map removes all metadata")

	_, err = client.CreateUser(t.Context(), workos.CreateUserParams{Email: "user7@acme.test"})
	assert.Equal(t, workos.CodeUserCreationError, workos.ErrorCode(err))
	_, err = client.CreateUser(t.Context(), workos.CreateUserParams{Email: "weak@acme.test", Password: workos.Password{Plain: "e"}})
	assert.NotEmpty(t, requireAs[*workos.WeakPasswordError](t, err).Reasons)

	require.NoError(t, client.DeleteUser(t.Context(), user.ID))
	_, err = client.GetUser(t.Context(), user.ID)
	assert.True(t, workos.IsNotFound(err))
}

func TestAMembershipIsCreatedUpdatedAndDeleted(t *testing.T) {
	fake, client, _ := newFake(t)
	user, press := findUser(t, client, dev), fake.Organizations()[0].ID
	membership, err := client.CreateOrganizationMembership(t.Context(), workos.CreateOrganizationMembershipParams{
		UserID: user.ID, OrganizationID: press, RoleSlug: "member",
	})
	require.NoError(t, err)
	assert.Equal(t, workos.MembershipStatusActive, membership.Status)
	membership, err = client.UpdateOrganizationMembership(t.Context(), membership.ID, workos.UpdateOrganizationMembershipParams{RoleSlug: "admin"})
	require.NoError(t, err)
	assert.Equal(t, "admin", membership.Role.Slug)
	membership, err = client.DeactivateOrganizationMembership(t.Context(), membership.ID)
	require.NoError(t, err)
	assert.Equal(t, workos.MembershipStatusInactive, membership.Status)

	active := workos.ListOrganizationMembershipsParams{UserID: user.ID}
	none, err := collect(client.ListOrganizationMemberships(t.Context(), active))
	require.NoError(t, err)
	assert.Empty(t, none)
	inactive, err := collect(client.ListOrganizationMemberships(t.Context(), workos.ListOrganizationMembershipsParams{
		UserID: user.ID, Statuses: []string{workos.MembershipStatusActive, workos.MembershipStatusInactive},
	}))
	require.NoError(t, err)
	assert.Len(t, inactive, 1)

	membership, err = client.ReactivateOrganizationMembership(t.Context(), membership.ID)
	require.NoError(t, err)
	assert.Equal(t, workos.MembershipStatusActive, membership.Status)
	require.NoError(t, client.DeleteOrganizationMembership(t.Context(), membership.ID))
	_, err = client.GetOrganizationMembership(t.Context(), membership.ID)
	assert.True(t, workos.IsNotFound(err))
}

func TestAnAPIKeyIsCreatedValidatedExpiredAndDeleted(t *testing.T) {
	fake, client, _ := newFake(t)
	press, user := fake.Organizations()[0].ID, findUser(t, client, ada)
	issued, err := client.CreateOrganizationAPIKey(t.Context(), press, workos.CreateAPIKeyParams{Name: "CI", Permissions: []string{"posts:read"}})
	require.NoError(t, err)
	ofUser, err := client.CreateUserAPIKey(t.Context(), user.ID, press, workos.CreateAPIKeyParams{Name: "Laptop"})
	require.NoError(t, err)
	for _, key := range []*workos.APIKey{issued, ofUser} {
		require.NotEmpty(t, key.Value)
		got, valid, err := client.ValidateAPIKey(t.Context(), key.Value)
		require.NoError(t, err)
		require.True(t, valid)
		assert.Equal(t, key.ID, got.ID)
		assert.Equal(t, press, got.OrganizationID(), "for both types of owner")
		assert.Empty(t, got.Value)
	}
	_, valid, err := client.ValidateAPIKey(t.Context(), "sk_unknown")
	require.NoError(t, err)
	assert.False(t, valid)

	listed, err := collect(client.ListOrganizationAPIKeys(t.Context(), press, workos.Paging{}))
	require.NoError(t, err)
	assert.Equal(t, issued.ID, listed.([]workos.APIKey)[0].ID)
	listed, err = collect(client.ListUserAPIKeys(t.Context(), user.ID, workos.ListUserAPIKeysParams{OrganizationID: press}))
	require.NoError(t, err)
	assert.Equal(t, ofUser.ID, listed.([]workos.APIKey)[0].ID)

	_, err = client.ExpireAPIKey(t.Context(), issued.ID, workos.ExpireAPIKeyParams{})
	require.NoError(t, err)
	require.NoError(t, client.DeleteAPIKey(t.Context(), ofUser.ID))
	for _, key := range []*workos.APIKey{issued, ofUser} {
		_, valid, err := client.ValidateAPIKey(t.Context(), key.Value)
		require.NoError(t, err)
		assert.False(t, valid)
	}
	_, err = client.ExpireAPIKey(t.Context(), issued.ID, workos.ExpireAPIKeyParams{})
	assert.Equal(t, workos.CodeAPIKeyAlreadyExpired, workos.ErrorCode(err))
}

func TestTheDiscoveryDocumentIsRead(t *testing.T) {
	fake, client, _ := newFake(t)
	configuration, err := client.GetOpenIDConfiguration(t.Context())
	require.NoError(t, err)
	assert.Equal(t, fake.Issuer(), configuration.Issuer)
	assert.Equal(t, client.JWKSURL(), configuration.JWKSURI)
}

func TestACodeExchangeWithoutAResponseIsNotRetried(t *testing.T) {
	fake, client, _ := newFake(t)
	_, err := client.CreateMagicAuth(t.Context(), workos.CreateMagicAuthParams{Email: ada})
	require.NoError(t, err)
	fake.InjectFault(authkittest.RouteAuthenticate, authkittest.Fault{Reset: true, TakeEffect: true, Times: 1})
	_, err = redeemMagicAuth(t, client, ada, fake.LastMail(ada).Code)
	assert.True(t, workos.IsTransient(err))
	assert.Equal(t, 1, fake.Calls(authkittest.RouteAuthenticate))
}

func TestARateLimitErrorHasTheRetryAfterDelay(t *testing.T) {
	fake, client, _ := newFake(t)
	fake.InjectFault(authkittest.RouteAuthenticate, authkittest.Fault{
		Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"9"}}, Times: 1,
	})
	_, err := withPassword(t, client, ada)
	assert.Equal(t, 9*time.Second, requireAs[*workos.RateLimitError](t, err).RetryAfter)
}
