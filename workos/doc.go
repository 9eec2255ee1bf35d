// Package workos is a typed client of the WorkOS REST API: the part of it that AuthKit is.
//
// The package is of use by itself and knows nothing of cookies or handlers. A [Client] is built once, is safe for
// concurrent use and stands for one WorkOS application:
//
//	client, err := workos.NewClient("client_01A", workos.WithAPIKey("sk_live_…"))
//
// Without [WithAPIKey] it is a public client (a native application, a command-line tool), which sends no secret and
// proves by its code verifier that a code is its own. It can sign in by code and by device, refresh, and build
// addresses; every other call is refused before it is made.
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
// Those whose name ends in URL build an address and make no request. A parameter that has its zero value is left out;
// where the API tells null apart from that, the parameter is an [Optional]. A list is an [iter.Seq2] that fetches a page
// when the caller gets to it, as [Paging] says.
//
// An ID may be anything: it is escaped, and one that is empty or could name another resource is an error without a
// request.
//
// # Time
//
// Every call honours its context and is bounded besides:
//
//	call                   an attempt   in all   is retried
//	read (GET)             10 s         30 s     yes
//	refresh token grant     5 s         10 s     yes
//	everything else        10 s         10 s     never: it may have been done, and a second use of a code is an error
//
// Retries follow network errors and the statuses 408, 429 and 5xx. The nth of them waits 2ⁿ⁻¹ s, or as long as the
// server asks by Retry-After if that is longer, plus a jitter of up to a quarter of 2ⁿ⁻¹ s. A retry for which the time
// in all does not suffice is not made: the last error comes back at once. Of a list, that holds for each page; PollDevice
// takes until the device code expires.
//
// No redirect is followed, so that credentials reach only the configured host.
//
// # Errors
//
// A refusal by the API is an [*Error]; tell refusals apart by its Code and never by its status, which varies for one
// and the same code. What an application can act on has a type, which [errors.As] finds and in which it finds the
// [*Error] too. A request that got no reply, or none that can be used, is a [*TransportError]. [IsTransient] tells
// whether a failure says nothing about the credentials that were sent, [RetryAfter] for how long the server asked to be
// left alone, and [IsNotFound] whether there is no such object.
//
// Further steps, with which a sign-in goes on. Each of these errors holds all that its next step takes:
//
//	error                           next step
//	EmailVerificationRequiredError  AuthenticateWithEmailVerification
//	MFAChallengeError               ChallengeAuthFactor, then AuthenticateWithTOTP
//	MFAEnrollmentError              EnrollAuthFactor, then AuthenticateWithTOTP
//	OrganizationSelectionRequiredError      AuthenticateWithOrganizationSelection
//	SSORequiredError                AuthorizationURL with one of its connections
//	OrganizationAuthMethodsRequiredError    AuthorizationURL, or another of the methods that it names
//	RadarChallengeError             AuthorizationURL
//
// Refusals that end what was tried:
//
//	error                           because
//	InvalidCredentialsError         the e-mail address and the password do not go together
//	OneTimeCodeError                the code is wrong, expired or used, or was guessed too often: its Reason says which
//	InvalidGrantError               the code, refresh token or device code is no good
//	DeviceDeniedError               the person has refused the device
//	DeviceExpiredError              nobody has approved the device in time
//	WeakPasswordError               the new password is too weak, for the Reasons it gives
//	PasswordResetError              the reset failed, for the Reasons it gives
//	ValidationError                 parameters are missing or malformed: its Fields say which
//	RateLimitError                  there were too many calls: RetryAfter says how long to wait
//
// # Secrets
//
// No error text, and no value of this package that is printed, logged or encoded as JSON, shows a token, a code, a
// verifier, a password, a TOTP secret or a key. The user code of a device is meant to be shown. A few values hold such
// a secret in a field, for the one use it has: a [MagicAuth] its code, an [APIKey] its value when it is made, the errors
// above their pending token.
//
// # Where to find what
//
// WorkOS's own guide to the AuthKit API has these headings. The test is the one that shows the flow as a whole, against
// the fake in the package authkittest; TestEveryCallOnTheWire and TestEveryDocumentedRefusalOfEveryCall go through every
// call singly.
//
//	heading                       calls                                        shown by
//	3A OAuth                      AuthorizationURL, AuthenticateWithCode       ExampleClient_AuthorizationURL,
//	                                                                           TestAuthenticateSendsWhatTheGrantNeedsAndNothingElse
//	3B Magic Auth                 CreateMagicAuth, AuthenticateWithMagicAuth   TestAMagicAuthCodeSignsInOnce,
//	                                                                           TestAMagicAuthCodeExpires,
//	                                                                           TestAMagicAuthCodeStandsFiveGuesses
//	3C Password                   AuthenticateWithPassword                     TestAPasswordSignsIn
//	3C MFA enrollment             EnrollAuthFactor, VerifyAuthChallenge        TestAnEnrollmentThatIsRequiredSignsIn,
//	                                                                           TestAFactorIsChallengedVerifiedAndDeleted
//	3D CLI, device                AuthorizeDevice, PollDevice                  TestADeviceThatIsApprovedSignsIn,
//	                                                                           TestADeviceThatIsSlowedDownTwiceStaysSlow
//	3E Refresh                    AuthenticateWithRefreshToken                 TestWhatMayPassIsTriedAgain
//	3E Session validation         ListSessions, FindSession, RevokeSession     TestASessionThatIsRevokedIsNotRefreshed
//	3E Cookie-based sessions      none: the packages authkit and seal
//	4 Create users                CreateUser                                   TestUsersAreMadeFoundChangedAndDeleted
//	4 Organization membership     CreateOrganizationMembership                 TestAMembershipIsMadeChangedAndEnded
//	5 API keys                    CreateOrganizationAPIKey, ValidateAPIKey     TestAnAPIKeyIsMadeUsedAndEnded
//	Recovery: invalid_grant       InvalidGrantError                            TestASessionThatIsRevokedIsNotRefreshed
//	Recovery: unauthorized_client CodeUnauthorizedClient                       TestEveryDocumentedRefusalOfEveryCall
//	Recovery: invalid_request     CodeInvalidRequest, ValidationError          TestReasonsFieldsAndDelaysAreTold
//	Recovery: access_denied       DeviceDeniedError                            TestADeviceThatIsDeniedDoesNot
//	Recovery: MFA required        MFAChallengeError, AuthenticateWithTOTP      TestAPasswordThenAnMFAChallengeSignsIn
//	Recovery: email verification  EmailVerificationRequiredError               TestAPasswordThenAVerificationSignsIn
//	Recovery: rate limit          RateLimitError, RetryAfter                   TestARateLimitTellsItsDelay
//	Recovery: session, token      IsTransient, InvalidGrantError, JWKSURL      TestAnUnusableReplyIsAClearAndTransientError
package workos
