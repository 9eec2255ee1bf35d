// Users, sessions, the discovery document, and the start of the device flow.

package workos_test

import (
	"context"
	"slices"
	"time"

	"github.com/authkit-go/authkit/workos"
)

const (
	userJSON = `{"object":"user","id":"user_01A","email":"kim@acme.test","email_verified":true,"first_name":"Kim","last_name":"Lee",
		"name":"Kim Lee","profile_picture_url":"https://img.test/kim","external_id":"42","metadata":{"plan":"pro"},"locale":"en-GB",
		"last_sign_in_at":"2026-05-04T10:10:00.000Z",` + timesJSON + `}`
	sessionJSON = `{"object":"session","id":"session_01A","user_id":"user_01A","organization_id":"org_01A","auth_method":"password",
		"status":"active","ip_address":"192.0.2.1","user_agent":"Firefox","impersonator":{"email":"ops@acme.test","reason":"ticket 9"},` +
		expiresJSON + `,"ended_at":"2026-05-04T10:10:00.000Z",` + timesJSON + `}`
)

var (
	kim = workos.User{
		ID: "user_01A", Email: "kim@acme.test", EmailVerified: true, FirstName: "Kim", LastName: "Lee", Name: "Kim Lee",
		ProfilePictureURL: "https://img.test/kim", ExternalID: "42", Metadata: map[string]string{"plan": "pro"}, Locale: "en-GB",
		LastSignInAt: expires, CreatedAt: created, UpdatedAt: updated,
	}
	attemptedKim = func() workos.User {
		user := kim
		user.RadarAuthAttemptID = "attempt_01A"
		return user
	}()
	session = workos.Session{
		ID: "session_01A", UserID: "user_01A", OrganizationID: "org_01A", AuthMethod: "password", Status: "active",
		IPAddress: "192.0.2.1", UserAgent: "Firefox", Impersonator: &workos.Impersonator{Email: "ops@acme.test", Reason: "ticket 9"},
		ExpiresAt: expires, EndedAt: expires, CreatedAt: created, UpdatedAt: updated,
	}

	userRequired = []string{"id"}
	listRequired = []string{"data", "data.0", "data.0.id"}

	newUserErrors = slices.Concat(readErrors,
		plain(400, as[*workos.WeakPasswordError], workos.CodePasswordStrengthError),
		plain(400, nil, workos.CodeUserCreationError, workos.CodeInvalidPasswordHash, workos.CodePasswordAndPasswordHashProvided,
			workos.CodePasswordAndHashTypeProvided, workos.CodePasswordSaltPositionRequiresHash, workos.CodeInvalidMetadata))
)

var userCalls = map[string]wire{
	"GetUser": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return c.GetUser(ctx, "user_01A") },
		method: "GET", path: "/user_management/users/user_01A",
		status: 200, response: userJSON, required: userRequired, want: &kim, errors: readErrors,
	},
	"GetUserByExternalID": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.GetUserByExternalID(ctx, "acme/../kim?x=1#é%2F ")
		},
		method: "GET", path: "/user_management/users/external_id/acme%2F..%2Fkim%3Fx=1%23%C3%A9%252F%20",
		status: 200, response: userJSON, required: userRequired, want: &kim, errors: readErrors,
	},
	"ListUsers": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListUsers(ctx, workos.ListUsersParams{
				Email: "kim+a&b@acme.test", OrganizationID: "org_01A", Paging: workos.Paging{PageSize: 2},
			}))
		},
		method: "GET", path: "/user_management/users", query: "email=kim%2Ba%26b%40acme.test&limit=2&organization_id=org_01A",
		status: 200, response: listOf(userJSON), required: listRequired, want: []workos.User{kim}, errors: readErrors,
	},
	"ListUsers without filters": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListUsers(ctx, workos.ListUsersParams{}))
		},
		method: "GET", path: "/user_management/users",
		status: 200, response: listOf(userJSON), required: listRequired, want: []workos.User{kim}, errors: readErrors,
	},
	"CreateUser with a password": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateUser(ctx, workos.CreateUserParams{
				Email: "kim@acme.test", EmailVerified: true, FirstName: "Kim", LastName: "Lee", Name: "Kim Lee", ExternalID: "42",
				Metadata: map[string]string{"plan": "pro"}, Password: workos.Password{Plain: "hunter2-secret"},
				IPAddress: "192.0.2.1", UserAgent: "Firefox", SignalsID: "signals_01A",
			})
		},
		method: "POST", path: "/user_management/users",
		body: `{"email":"kim@acme.test","email_verified":true,"first_name":"Kim","last_name":"Lee","name":"Kim Lee","external_id":"42",
			"metadata":{"plan":"pro"},"password":"hunter2-secret","ip_address":"192.0.2.1","user_agent":"Firefox","signals_id":"signals_01A"}`,
		secrets: []string{"hunter2-secret"},
		status:  201, response: `{"radar_auth_attempt_id":"attempt_01A",` + userJSON[1:], required: userRequired, want: &attemptedKim, errors: newUserErrors,
	},
	"CreateUser with a hash": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.CreateUser(ctx, workos.CreateUserParams{
				Email: "kim@acme.test", Password: workos.Password{Hash: "hash-secret", HashType: "ssha256", SaltPosition: "suffix"},
			})
		},
		method: "POST", path: "/user_management/users",
		body:    `{"email":"kim@acme.test","password_hash":"hash-secret","password_hash_type":"ssha256","password_salt_position":"suffix"}`,
		secrets: []string{"hash-secret"}, status: 201, response: userJSON, required: userRequired, want: &kim, errors: newUserErrors,
	},
	"UpdateUser with all fields": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateUser(ctx, "user_01A", workos.UpdateUserParams{
				Email: "kim@acme.test", EmailVerified: workos.Value(false), FirstName: workos.Value("Kim"), LastName: workos.Value("Lee"), Name: workos.Value("Kim Lee"),
				ExternalID: workos.Value("42"), Locale: workos.Value("en-GB"),
				Metadata: map[string]workos.Optional[string]{"plan": workos.Value("pro"), "empty": workos.Value(""), "old": workos.Null[string]()},
				Password: workos.Password{Plain: "hunter2-secret"},
			})
		},
		method: "PUT", path: "/user_management/users/user_01A",
		body: `{"email":"kim@acme.test","email_verified":false,"first_name":"Kim","last_name":"Lee","name":"Kim Lee","external_id":"42",
			"locale":"en-GB","metadata":{"plan":"pro","empty":"","old":null},"password":"hunter2-secret"}`,
		secrets: []string{"hunter2-secret"}, status: 200, response: userJSON, required: userRequired, want: &kim,
		errors: slices.Concat(newUserErrors, plain(400, nil, workos.CodeExternalIDAlreadyUsed, workos.CodeEmailNotAvailable,
			workos.CodeEmailChangeNotAllowed, workos.CodeEmailAlreadyVerified, workos.CodeInvalidEmail, workos.CodeInvalidLocale)),
	},
	"UpdateUser with nulls": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateUser(ctx, "user_01A", workos.UpdateUserParams{ExternalID: workos.Null[string](), Locale: workos.Null[string]()})
		},
		method: "PUT", path: "/user_management/users/user_01A", body: `{"external_id":null,"locale":null}`,
		status: 200, response: userJSON, required: userRequired, want: &kim, errors: newUserErrors,
	},
	"UpdateUser that clears names and metadata": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateUser(ctx, "user_01A", workos.UpdateUserParams{
				FirstName: workos.Value(""), LastName: workos.Value(""), Name: workos.Value(""), Metadata: map[string]workos.Optional[string]{},
			})
		},
		method: "PUT", path: "/user_management/users/user_01A", body: `{"first_name":"","last_name":"","name":"","metadata":{}}`,
		status: 200, response: userJSON, required: userRequired, want: &kim, errors: newUserErrors,
	},
	"UpdateUser without changes": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.UpdateUser(ctx, "user_01A", workos.UpdateUserParams{})
		},
		method: "PUT", path: "/user_management/users/user_01A", body: `{}`,
		status: 200, response: userJSON, required: userRequired, want: &kim, errors: newUserErrors,
	},
	"DeleteUser": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return done(c.DeleteUser(ctx, "user_01A")) },
		method: "DELETE", path: "/user_management/users/user_01A", status: 200,
		errors: slices.Concat(readErrors, plain(409, nil, workos.CodeUserDeletionNotAllowed)),
	},
	"SendEmailChange": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.SendEmailChange(ctx, "user_01A", "kim@new.test")
		},
		method: "POST", path: "/user_management/users/user_01A/email_change/send", body: `{"new_email":"kim@new.test"}`,
		status: 200, response: `{"object":"email_change","user":` + userJSON + `,"new_email":"kim@new.test",` + expiresJSON + `,` + createdJSON + `}`,
		required: []string{"user", "user.id"},
		want:     &workos.EmailChange{User: kim, NewEmail: "kim@new.test", ExpiresAt: expires, CreatedAt: created},
		errors: slices.Concat(readErrors, plain(422, nil, workos.CodeInvalidEmail),
			plain(409, nil, workos.CodeEmailChangeNotNeeded, workos.CodeEmailNotAvailable, workos.CodeEmailChangeNotAllowed)),
	},
	"ConfirmEmailChange": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return c.ConfirmEmailChange(ctx, "user_01A", code)
		},
		method: "POST", path: "/user_management/users/user_01A/email_change/confirm", body: `{"code":"01CODE-secret"}`, secrets: []string{code},
		status: 200, response: `{"object":"email_change_confirmation","user":` + userJSON + `}`, required: []string{"user", "user.id"}, want: &kim,
		errors: slices.Concat(readErrors, plain(422, nil, workos.CodeInvalidEmail),
			plain(400, reason(workos.OneTimeCodeExpired), workos.CodeEmailChangeCodeExpired),
			plain(400, reason(workos.OneTimeCodeWrong), workos.CodeEmailChangeCodeIncorrect),
			plain(409, reason(workos.OneTimeCodeUsed), workos.CodeEmailChangeCodeUsed),
			plain(429, reason(workos.OneTimeCodeTooManyAttempts), workos.CodeEmailChangeTooManyAttempts),
			plain(409, nil, workos.CodeNoPendingEmailChange, workos.CodeEmailNotAvailable, workos.CodeEmailChangeNotAllowed)),
	},
	"GetUserIdentities": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return c.GetUserIdentities(ctx, "user_01A") },
		method: "GET", path: "/user_management/users/user_01A/identities",
		status: 200, response: `[{"idp_id":"13966412","type":"OAuth","provider":"GithubOAuth"}]`,
		want: []workos.Identity{{ID: "13966412", Type: "OAuth", Provider: "GithubOAuth"}}, errors: readErrors,
	},
	"ListSessions": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(c.ListSessions(ctx, "user_01A", workos.Paging{}))
		},
		method: "GET", path: "/user_management/users/user_01A/sessions",
		status: 200, response: listOf(sessionJSON), required: listRequired, want: []workos.Session{session}, errors: readErrors,
	},
	"FindSession": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			session, found, err := c.FindSession(ctx, "user_01A", "session_01A")
			return lookup[workos.Session]{session, found}, err
		},
		method: "GET", path: "/user_management/users/user_01A/sessions", query: "limit=100",
		status: 200, response: listOf(sessionJSON), required: listRequired, want: lookup[workos.Session]{&session, true}, errors: readErrors,
	},
	"FindSession of another user": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			session, found, err := c.FindSession(ctx, "user_01A", "session_01B")
			return lookup[workos.Session]{session, found}, err
		},
		method: "GET", path: "/user_management/users/user_01A/sessions", query: "limit=100",
		status: 200, response: listOf(sessionJSON), required: listRequired, want: lookup[workos.Session]{}, errors: readErrors,
	},
	"RevokeSession": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(c.RevokeSession(ctx, "session_01A"))
		},
		method: "POST", path: "/user_management/sessions/revoke", body: `{"session_id":"session_01A"}`, status: 200,
		errors: slices.Concat(readErrors, bare(400)),
	},
	"GetOpenIDConfiguration": {
		call:   func(ctx context.Context, c *workos.Client) (any, error) { return c.GetOpenIDConfiguration(ctx) },
		method: "GET", path: "/user_management/client_01A/.well-known/openid-configuration", keyOmitted: true,
		status: 200, response: `{"issuer":"https://api.workos.com/user_management/client_01A",
			"authorization_endpoint":"https://api.workos.com/user_management/authorize",
			"token_endpoint":"https://api.workos.com/user_management/authenticate",
			"jwks_uri":"https://api.workos.com/sso/jwks/client_01A","response_types_supported":["code"]}`,
		required: []string{"issuer"},
		want: &workos.OpenIDConfiguration{
			Issuer:                "https://api.workos.com/user_management/client_01A",
			AuthorizationEndpoint: "https://api.workos.com/user_management/authorize",
			TokenEndpoint:         "https://api.workos.com/user_management/authenticate",
			JWKSURI:               "https://api.workos.com/sso/jwks/client_01A", ResponseTypesSupported: []string{"code"},
		},
		errors: bare(404),
	},
	"AuthorizeDevice": {
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			device, err := c.AuthorizeDevice(ctx)
			if device != nil {
				device.ExpiresAt = time.Time{} // TestDeviceLifetimeAndIntervalAreBounded tests it
			}
			return device, err
		},
		method: "POST", path: "/user_management/authorize/device", body: `{"client_id":"client_01A"}`, keyOmitted: true,
		secrets: []string{"device-secret"}, status: 200, response: deviceJSON,
		required: []string{"device_code", "user_code", "verification_uri", "expires_in"},
		want: &workos.DeviceAuthorization{
			DeviceCode: "device-secret", UserCode: "ABCD-EFGH", VerificationURI: "https://auth.acme.test/device",
			VerificationURIComplete: "https://auth.acme.test/device?user_code=ABCD-EFGH", Interval: 7 * time.Second,
		},
		errors: slices.Concat(oauth(nil, workos.CodeInvalidRequest, workos.CodeInvalidClient, workos.CodeUnauthorizedClient), bare(403), limitErrors),
	},
}

const deviceJSON = `{"device_code":"device-secret","user_code":"ABCD-EFGH","verification_uri":"https://auth.acme.test/device",
	"verification_uri_complete":"https://auth.acme.test/device?user_code=ABCD-EFGH","expires_in":300,"interval":7}`
