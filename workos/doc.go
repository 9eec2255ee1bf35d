// Package workos is a typed client of the AuthKit part of the WorkOS REST API.
//
// It can be used without the rest of this module and has no cookies or handlers. A [Client] is built once, is safe for
// concurrent use and belongs to one WorkOS application:
//
//	client, err := workos.NewClient("client_01A", workos.WithAPIKey("sk_live_…"))
//
// Without [WithAPIKey] the client is public (a native application or a command-line tool). A public client sends no
// secret and proves with a code verifier that it started the sign-in. It can sign in by code and by device, refresh, and
// build URLs. Every other call fails without a request.
//
// # Calls
//
//	area                calls
//	Authenticate        AuthenticateWithCode, AuthenticateWithRefreshToken, AuthenticateWithPassword,
//	                    AuthenticateWithMagicAuth, AuthenticateWithEmailVerification, AuthenticateWithTOTP,
//	                    AuthenticateWithOrganizationSelection, AuthenticateWithDeviceCode; AuthorizationURL
//	Magic Auth          CreateMagicAuth, GetMagicAuth
//	MFA                 EnrollAuthFactor, ListAuthFactors, GetAuthFactor, ChallengeAuthFactor, VerifyAuthChallenge,
//	                    DeleteAuthFactor
//	Email verification  SendEmailVerification, ConfirmEmailVerification, GetEmailVerification
//	Password reset      CreatePasswordReset, GetPasswordReset, ConfirmPasswordReset
//	Device (RFC 8628)   AuthorizeDevice, PollDevice
//	Sessions            ListSessions, FindSession, RevokeSession; LogoutURL
//	Users               GetUser, GetUserByExternalID, ListUsers, CreateUser, UpdateUser, DeleteUser, GetUserIdentities
//	Organization        CreateOrganizationMembership, GetOrganizationMembership, ListOrganizationMemberships,
//	memberships         UpdateOrganizationMembership, DeactivateOrganizationMembership,
//	                    ReactivateOrganizationMembership, DeleteOrganizationMembership
//	API keys            CreateOrganizationAPIKey, CreateUserAPIKey, ListOrganizationAPIKeys, ListUserAPIKeys,
//	                    DeleteAPIKey, ExpireAPIKey, ValidateAPIKey
//	Discovery           GetOpenIDConfiguration; JWKSURL
//
// The methods whose name ends in URL build a URL and make no request. A parameter with its zero value is omitted. Where
// the API distinguishes null from an omitted parameter, the parameter is an [Optional]. A list is an [iter.Seq2] that
// fetches a page when the caller reaches it; see [Paging].
//
// IDs are escaped. An ID that is empty or could name another resource is an error, and no request is made.
//
// # Time
//
// Every call obeys its context and has time limits of its own:
//
//	call                   an attempt   in total   retried
//	read (GET)             10 s         30 s       yes
//	refresh token grant     5 s         10 s       yes
//	everything else        10 s         10 s       never: the call may have succeeded, and a code works only once
//
// Retries follow network errors and the statuses 408, 429 and 5xx. The nth retry waits 2ⁿ⁻¹ s, or the server's
// Retry-After if that is longer, plus a jitter of up to a quarter of 2ⁿ⁻¹ s. If the total time does not suffice for a
// retry, the call returns the last error at once. For a list the limits apply to each page. PollDevice runs until the
// device code expires.
//
// No redirect is followed, so credentials reach only the configured host.
//
// # Errors
//
// An error response of the API is an [*Error]. Distinguish error responses by their Code, not by their status, because
// the same code comes with several statuses. Errors that an application can act on have types of their own. [errors.As]
// finds the type, and the [*Error] in it. A request without a usable response is a [*TransportError]. [IsTransient]
// reports whether an error says nothing about the credentials that were sent. [RetryAfter] returns the delay that the
// server requested. [IsNotFound] reports whether the requested object does not exist.
//
// Further steps, which continue a sign-in. Each of these errors holds everything that its next step needs:
//
//	error                                 next step
//	EmailVerificationRequiredError        AuthenticateWithEmailVerification
//	MFAChallengeError                     ChallengeAuthFactor, then AuthenticateWithTOTP
//	MFAEnrollmentError                    EnrollAuthFactor, then AuthenticateWithTOTP
//	OrganizationSelectionRequiredError    AuthenticateWithOrganizationSelection
//	SSORequiredError                      AuthorizationURL with one of its connections
//	OrganizationAuthMethodsRequiredError  AuthorizationURL, or one of the permitted methods
//	RadarChallengeError                   AuthorizationURL
//
// Errors that end the attempt:
//
//	error                    cause
//	InvalidCredentialsError  the e-mail address or the password is wrong
//	OneTimeCodeError         the code is wrong, expired, used, or had too many attempts; see its Reason
//	InvalidGrantError        the code, refresh token or device code is invalid
//	DeviceDeniedError        the user denied the device
//	DeviceExpiredError       the user did not approve the device in time
//	WeakPasswordError        the new password is too weak; see its Reasons
//	PasswordResetError       the reset failed; see its Reasons
//	ValidationError          parameters are missing or malformed; see its Fields
//	RateLimitError           there were too many calls; RetryAfter is the time to wait
//
// # Secrets
//
// No error text shows a token, a code, a code verifier, a password, a TOTP secret or a key. The values of this package
// do not show them either when they are printed, logged or encoded as JSON. The user code of a device is not a secret.
// A few values hold a secret in a field because the application needs it: a [MagicAuth] its code, a new [APIKey] its
// value, and some of the errors above a pending authentication token.
//
// # Where to find what
//
// The first column has the headings of WorkOS's guide to the AuthKit API. The tests show each flow against the fake in
// the package authkittest. TestEveryCallOnTheWire and TestEveryDocumentedErrorOfEveryCall test each call separately.
//
//	heading                       calls                                        shown by
//	3A OAuth                      AuthorizationURL, AuthenticateWithCode       ExampleClient_AuthorizationURL,
//	                                                                           TestAuthenticateSendsOnlyTheMembersOfItsGrant
//	3B Magic Auth                 CreateMagicAuth, AuthenticateWithMagicAuth   TestAMagicAuthCodeSignsInOnce,
//	                                                                           TestAMagicAuthCodeExpires,
//	                                                                           TestAMagicAuthCodeAllowsFiveWrongAttempts
//	3C Password                   AuthenticateWithPassword                     TestThePasswordGrantSignsIn
//	3C MFA enrollment             EnrollAuthFactor, VerifyAuthChallenge        TestAPasswordAndARequiredMFAEnrollmentSignIn,
//	                                                                           TestAnAuthFactorIsChallengedVerifiedAndDeleted
//	3D CLI, device                AuthorizeDevice, PollDevice                  TestAnApprovedDeviceSignsIn,
//	                                                                           TestDevicePollingStaysSlowAfterTwoSlowDowns
//	3E Refresh                    AuthenticateWithRefreshToken                 TestATransientErrorIsRetried
//	3E Session validation         ListSessions, FindSession, RevokeSession     TestARevokedSessionIsNotRefreshed
//	3E Cookie-based sessions      none; see the packages authkit and seal
//	4 Create users                CreateUser                                   TestUsersAreCreatedFoundUpdatedAndDeleted
//	4 Organization membership     CreateOrganizationMembership                 TestAMembershipIsCreatedUpdatedAndDeleted
//	5 API keys                    CreateOrganizationAPIKey, ValidateAPIKey     TestAnAPIKeyIsCreatedValidatedExpiredAndDeleted
//	Recovery: invalid_grant       InvalidGrantError                            TestARevokedSessionIsNotRefreshed
//	Recovery: unauthorized_client CodeUnauthorizedClient                       TestEveryDocumentedErrorOfEveryCall
//	Recovery: invalid_request     CodeInvalidRequest, ValidationError          TestErrorsHoldReasonsFieldsAndDelays
//	Recovery: access_denied       DeviceDeniedError                            TestADeniedDeviceDoesNotSignIn
//	Recovery: MFA required        MFAChallengeError, AuthenticateWithTOTP      TestAPasswordAndAnMFAChallengeSignIn
//	Recovery: email verification  EmailVerificationRequiredError               TestAPasswordAndAnEmailVerificationSignIn
//	Recovery: rate limit          RateLimitError, RetryAfter                   TestARateLimitErrorHasTheRetryAfterDelay
//	Recovery: session, token      IsTransient, InvalidGrantError, JWKSURL      TestAnUnusableResponseIsAClearAndTransientError
package workos
