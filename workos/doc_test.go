// The package documentation names every method. It and the table below name only existing tests.
//
// The first column of the table has the headings of WorkOS's guide to the AuthKit API. The tests show each flow against the
// fake in the package authkittest. TestEveryCallOnTheWire and TestEveryDocumentedErrorOfEveryCall test each call separately.
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

package workos_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestTheDocumentationNamesEveryMethodAndOnlyExistingTests(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	client := reflect.TypeFor[*workos.Client]()
	for i := range client.NumMethod() {
		if method := client.Method(i); method.Type.NumIn() > 1 && method.Type.In(1) == reflect.TypeFor[context.Context]() {
			assert.Regexp(t, `\b`+method.Name+`\b`, string(doc))
		}
	}

	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var source []byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		source = append(source, text...)
	}
	table, err := os.ReadFile("doc_test.go")
	require.NoError(t, err)
	comment, _, _ := strings.Cut(string(table), "package workos_test")
	tests := regexp.MustCompile(`\b(Test|Example)[A-Z]\w+`).FindAllString(string(doc)+comment, -1)
	require.NotEmpty(t, tests)
	for _, test := range tests {
		assert.Contains(t, string(source), "\nfunc "+test+"(")
	}
}
