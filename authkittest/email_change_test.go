// The change of a user's email address, by the calls of package workos.

package authkittest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

func TestTheEmailAddressOfAUserChangesWithItsCode(t *testing.T) {
	a := newApp(t)
	ctx, client, id := context.Background(), a.workos(), a.userID(ada)
	token := a.signIn("Ada").text("refresh_token")
	sent, err := client.SendEmailChange(ctx, id, "ada@acme.test")
	require.NoError(t, err)
	assert.Equal(t, ada, sent.User.Email)
	assert.Equal(t, "ada@acme.test", sent.NewEmail)
	assert.Equal(t, start.Add(10*time.Minute), sent.ExpiresAt)
	mail := a.LastMail("ada@acme.test")
	assert.Equal(t, authkittest.MailEmailChange, mail.Kind)
	assert.Equal(t, "Confirm your new email address", mail.Subject())

	var changed *workos.User
	events, last := a.eventsOf(func() { changed, err = client.ConfirmEmailChange(ctx, id, mail.Code) })
	require.NoError(t, err)
	assert.Equal(t, []string{"user.updated"}, events)
	assert.Equal(t, changed, last["user.updated"])
	assert.Equal(t, "ada@acme.test", changed.Email)
	assert.True(t, changed.EmailVerified)
	assert.Equal(t, "ada@acme.test", a.refresh(token).body["user"].(object)["email"], "the session stays")
	assertCode(t, second(client.ConfirmEmailChange(ctx, id, mail.Code)), 409, workos.CodeEmailChangeCodeUsed)
}

func TestAnEmailChangeThatIsNotPossibleIsRefused(t *testing.T) {
	a := newApp(t)
	ctx, client, id := context.Background(), a.workos(), a.userID(ada)
	for email, code := range map[string]string{"ADA@harborpress.test": workos.CodeEmailChangeNotNeeded, "ben@harborpress.test": workos.CodeEmailNotAvailable} {
		assertCode(t, second(client.SendEmailChange(ctx, id, email)), 409, code)
	}
	assertCode(t, second(client.SendEmailChange(ctx, id, "ada")), 422, workos.CodeInvalidEmail)
	assertCode(t, second(client.SendEmailChange(ctx, "user_1", "ada@acme.test")), 404, "")
	assertCode(t, second(client.ConfirmEmailChange(ctx, "user_1", "1")), 404, "")
	assertCode(t, second(client.ConfirmEmailChange(ctx, id, "1")), 409, workos.CodeNoPendingEmailChange)
	assertRefused(t, a.api("POST", userManagement+"/users/"+id+"/email_change/send", object{}), 422, "invalid_request_parameters")
	assertRefused(t, a.api("POST", userManagement+"/users/"+id+"/email_change/confirm", object{}), 422, "invalid_request_parameters")

	send := func() string {
		must(client.SendEmailChange(ctx, id, "ada@acme.test"))
		return a.LastMail("ada@acme.test").Code
	}
	confirm := func(code string) workos.OneTimeCodeReason {
		var wrong *workos.OneTimeCodeError
		require.True(t, errors.As(second(client.ConfirmEmailChange(ctx, id, code)), &wrong))
		return wrong.Reason
	}
	code := send()
	for range 5 {
		assert.Equal(t, workos.OneTimeCodeWrong, confirm("wrong"))
	}
	assert.Equal(t, workos.OneTimeCodeTooManyAttempts, confirm(code))
	code = send()
	a.clock.Advance(10 * time.Minute)
	assert.Equal(t, workos.OneTimeCodeExpired, confirm(code))
	code = send()
	a.AddUser(authkittest.User{Email: "ada@acme.test"})
	assertCode(t, second(client.ConfirmEmailChange(ctx, id, code)), 409, workos.CodeEmailNotAvailable)
	assert.Equal(t, ada, a.Users()[0].Email)
}
