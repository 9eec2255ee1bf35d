// Examples: the flows of an application with its own sign-in forms.

package workos_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// exampleClient starts a fake AuthKit and returns it with a client and a clock. change modifies the user
// ada@harborpress.test of the fake.
func exampleClient(change func(*authkittest.User)) (*authkittest.Server, *workos.Client, *authkittest.FakeClock) {
	clock := authkittest.NewFakeClock(time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC))
	fake, err := authkittest.Start(authkittest.WithClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	if change != nil {
		fake.UpdateUser("ada@harborpress.test", change)
	}
	client, err := workos.NewClient(fake.ClientID(), workos.WithAPIKey(fake.APIKey()), workos.WithBaseURL(fake.URL()), workos.WithClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	return fake, client, clock
}

// A password, then a code from the user's authenticator.
func Example_passwordAndMFA() {
	const secret = "JBSWY3DPEHPK3PXP"
	fake, client, clock := exampleClient(func(p *authkittest.User) { p.Factors = []authkittest.Factor{{Secret: secret}} })
	defer fake.Close()
	ctx := context.Background()

	auth, err := client.AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{
		Email: "ada@harborpress.test", Password: authkittest.DefaultPassword,
	})
	var mfa *workos.MFAChallengeError
	if errors.As(err, &mfa) {
		challenge, err := client.ChallengeAuthFactor(ctx, mfa.Factors[0].ID)
		if err != nil {
			log.Fatal(err)
		}
		code := authkittest.TOTP(secret, clock.Now()) // an application asks the user
		auth, err = client.AuthenticateWithTOTP(ctx, mfa.TOTPParams(challenge.ID, code))
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(auth.User.Email)
	// Output: ada@harborpress.test
}

// A password, then the enrollment of an authenticator, which the organization requires.
func Example_passwordAndMFAEnrollment() {
	fake, client, clock := exampleClient(func(p *authkittest.User) { p.RequireMFA = true })
	defer fake.Close()
	ctx := context.Background()

	auth, err := client.AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{
		Email: "ada@harborpress.test", Password: authkittest.DefaultPassword,
	})
	var mfa *workos.MFAEnrollmentError
	if errors.As(err, &mfa) {
		enrollment, err := client.EnrollAuthFactor(ctx, mfa.User.ID, workos.EnrollAuthFactorParams{
			Issuer: "Harbor Press", User: mfa.User.Email,
		})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(enrollment.Factor.TOTP.QRCode[:22]) // an application shows it as the src of an img
		code := authkittest.TOTP(enrollment.Factor.TOTP.Secret, clock.Now())
		auth, err = client.AuthenticateWithTOTP(ctx, mfa.TOTPParams(enrollment.Challenge.ID, code))
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(auth.User.Email)
	// Output:
	// data:image/png;base64,
	// ada@harborpress.test
}

// A password, then the code that WorkOS mails to an unverified address.
func Example_passwordAndEmailVerification() {
	fake, client, _ := exampleClient(func(p *authkittest.User) { p.EmailUnverified = true })
	defer fake.Close()
	ctx := context.Background()

	auth, err := client.AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{
		Email: "ada@harborpress.test", Password: authkittest.DefaultPassword,
	})
	var required *workos.EmailVerificationRequiredError
	if errors.As(err, &required) {
		fmt.Println("check the mail to", required.Email)
		code := fake.LastMail("ada@harborpress.test").Code // an application asks the user
		auth, err = client.AuthenticateWithEmailVerification(ctx, required.VerificationParams(code))
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(auth.User.Email, auth.User.EmailVerified)
	// Output:
	// check the mail to ada@harborpress.test
	// ada@harborpress.test true
}

// A password, then the choice of one of the user's organizations.
func Example_passwordAndOrganizationSelection() {
	fake, client, _ := exampleClient(nil)
	defer fake.Close()
	ctx := context.Background()

	auth, err := client.AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{
		Email: "chiara@example.com", Password: authkittest.DefaultPassword,
	})
	var selection *workos.OrganizationSelectionRequiredError
	if errors.As(err, &selection) {
		for _, organization := range selection.Organizations {
			fmt.Println(organization.Name)
		}
		chosen := selection.Organizations[1].ID // an application asks the user
		auth, err = client.AuthenticateWithOrganizationSelection(ctx, selection.SelectionParams(chosen))
		if err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(auth.User.Email)
	// Output:
	// Harbor Press
	// Pine Street Studio
	// chiara@example.com
}

// A mailed code instead of a password, and the messages for an invalid code.
func Example_magicAuth() {
	fake, client, clock := exampleClient(nil)
	defer fake.Close()
	ctx := context.Background()
	const email = "ada@harborpress.test"

	signIn := func(code string) {
		auth, err := client.AuthenticateWithMagicAuth(ctx, workos.AuthenticateWithMagicAuthParams{Email: email, Code: code})
		var oneTime *workos.OneTimeCodeError
		switch {
		case err == nil:
			fmt.Println("signed in as", auth.User.Email)
		case !errors.As(err, &oneTime):
			log.Fatal(err)
		case oneTime.Reason == workos.OneTimeCodeWrong:
			fmt.Println("wrong code, try again")
		default:
			fmt.Println("this code is no longer valid:", oneTime.Reason)
		}
	}
	send := func() string {
		if _, err := client.CreateMagicAuth(ctx, workos.CreateMagicAuthParams{Email: email}); err != nil {
			log.Fatal(err)
		}
		return fake.LastMail(email).Code // an application asks the user
	}

	code := send()
	signIn("no code")
	signIn(code)
	signIn(code)

	late := send()
	clock.Advance(11 * time.Minute)
	signIn(late)
	// Output:
	// wrong code, try again
	// signed in as ada@harborpress.test
	// this code is no longer valid: used
	// this code is no longer valid: expired
}

// The sign-in of a program without a browser.
func ExampleClient_PollDevice() {
	fake, client, clock := exampleClient(nil)
	defer fake.Close()
	ctx := context.Background()

	device, err := client.AuthorizeDevice(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("Visit", device.VerificationURI[len(fake.URL()):], "and enter the code shown here.")
	go func() { // the user, on another device
		fake.ApproveDevice(device.UserCode, "ada@harborpress.test")
		clock.AwaitTimers(1)
		clock.Advance(device.Interval)
	}()

	auth, err := client.PollDevice(ctx, device)
	var denied *workos.DeviceDeniedError
	var expired *workos.DeviceExpiredError
	switch {
	case errors.As(err, &denied):
		fmt.Println("You have denied the sign-in.")
	case errors.As(err, &expired):
		fmt.Println("The sign-in was not approved in time. Start again.")
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Println("signed in as", auth.User.Email)
	}
	// Output:
	// Visit /device and enter the code shown here.
	// signed in as ada@harborpress.test
}

// All members of an organization, two per page.
func ExampleClient_ListOrganizationMemberships() {
	fake, client, _ := exampleClient(nil)
	defer fake.Close()

	members := client.ListOrganizationMemberships(context.Background(), workos.ListOrganizationMembershipsParams{
		OrganizationID: fake.Organizations()[0].ID,
		Paging:         workos.Paging{PageSize: 2, Order: workos.OrderAscending},
	})
	for member, err := range members {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(member.Status, member.Role.Slug)
	}
	// Output:
	// active admin
	// active member
	// active member
}

// The API key in a customer's request.
func ExampleClient_ValidateAPIKey() {
	fake, client, _ := exampleClient(nil)
	defer fake.Close()
	ctx := context.Background()

	issued, err := client.CreateOrganizationAPIKey(ctx, fake.Organizations()[0].ID, workos.CreateAPIKeyParams{
		Name: "CI", Permissions: []string{"posts:read"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, value := range []string{issued.Value, "sk_unknown"} {
		key, valid, err := client.ValidateAPIKey(ctx, value)
		switch {
		case err != nil:
			log.Fatal(err) // the validity is unknown: an application responds with 503
		case !valid:
			fmt.Println("401")
		default:
			fmt.Println(key.Name, key.Permissions)
		}
	}
	// Output:
	// CI [posts:read]
	// 401
}
