// Every call on the wire: its request, its result, and its error for every documented error response. The calls are in
// the files wire_*_test.go.

package workos_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/testrun"
	"github.com/authkit-go/authkit/workos"
)

// wire is a call with its request, its response and its result.
type wire struct {
	call func(context.Context, *workos.Client) (any, error)

	method, path, query string // the escaped path
	body                string // "" for no body

	idempotencyKey string // "" for none

	keyOmitted  bool     // sends no API key
	keyOptional bool     // sends the API key if there is one
	secrets     []string // the secrets of the request and the response
	status      int
	response    string
	required    []string // the required members of the response, as dotted paths
	want        any

	errors []errorResponse
}

// errorResponse is a documented error response of a call.
type errorResponse struct {
	status int
	body   string
	code   string
	as     func(error) bool // nil for *workos.Error
}

// plain and oauth return error responses in the two envelopes that have a code.
func plain(status int, as func(error) bool, codes ...string) []errorResponse {
	return errorResponses(status, `{"code":%q,"message":"No."}`, as, codes)
}

func oauth(as func(error) bool, codes ...string) []errorResponse {
	return errorResponses(400, `{"error":%q,"error_description":"No."}`, as, codes)
}

func errorResponses(status int, body string, as func(error) bool, codes []string) []errorResponse {
	var all []errorResponse
	for _, code := range codes {
		all = append(all, errorResponse{status, fmt.Sprintf(body, code), code, as})
	}
	return all
}

// bare returns error responses that have only a status and a message.
func bare(statuses ...int) []errorResponse {
	var all []errorResponse
	for _, status := range statuses {
		all = append(all, errorResponse{status: status, body: `{"message":"No."}`})
	}
	return all
}

func as[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

// collect reads a list to its end.
func collect[T any](objects iter.Seq2[T, error]) (any, error) {
	var all []T
	for object, err := range objects {
		if err != nil {
			return all, err
		}
		all = append(all, object)
	}
	return all, nil
}

// lookup is the result of a call that may find nothing.
type lookup[T any] struct {
	Object *T
	Found  bool
}

// done is the result of a call that returns only an error.
func done(err error) (any, error) { return nil, err }

// calls are all calls of the API, by name and case.
var calls = func() map[string]wire {
	all := map[string]wire{}
	for _, group := range []map[string]wire{
		grantCalls, signInCalls, userCalls, organizationCalls, apiKeyCalls, eventCalls, callCalls, invitationCalls,
		authorizedApplicationCalls, featureFlagCalls, customerCalls, roleCalls,
		permissionCalls, environmentCalls, roleAssignmentCalls, hostedCalls, groupCalls, standaloneFactorCalls, auditLogCalls, connectedAccountCalls, waitlistCalls,
		authorizationResourceCalls, authorizationAccessCalls, groupRoleAssignmentCalls,
	} {
		maps.Copy(all, group)
	}
	return all
}()

func TestEveryCallIsTested(t *testing.T) {
	client := reflect.TypeFor[*workos.Client]()
	for i := range client.NumMethod() {
		method := client.Method(i)
		if method.Type.NumIn() < 2 || method.Type.In(1) != reflect.TypeFor[context.Context]() || method.Name == "PollDevice" {
			continue // makes no request, or repeats another call
		}
		assert.True(t, slices.ContainsFunc(slices.Collect(maps.Keys(calls)), func(name string) bool {
			return name == method.Name || strings.HasPrefix(name, method.Name+" ")
		}), method.Name)
	}
}

func TestEveryCallOnTheWire(t *testing.T) {
	server := newServer(t)
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			server.restart(respondWith(tt.status, tt.response))
			got, err := tt.call(t.Context(), server.client(t))
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)

			requests := server.received()
			require.Len(t, requests, 1)
			sent := requests[0]
			assert.Equal(t, tt.method, sent.method)
			assert.Equal(t, tt.path, sent.path)
			assert.Equal(t, tt.query, sent.query)
			assert.Equal(t, "application/json", sent.header.Get("Accept"))
			assert.Equal(t, workos.UserAgent(), sent.header.Get("User-Agent"))
			if tt.idempotencyKey == "" {
				assert.NotContains(t, sent.header, "Idempotency-Key")
			} else {
				assert.Equal(t, tt.idempotencyKey, sent.header.Get("Idempotency-Key"))
			}
			if tt.body == "" {
				assert.Empty(t, sent.body)
				assert.NotContains(t, sent.header, "Content-Type")
			} else {
				assert.JSONEq(t, tt.body, string(sent.body))
				assert.Equal(t, "application/json", sent.header.Get("Content-Type"))
			}
			if tt.keyOmitted {
				assert.NotContains(t, sent.header, "Authorization")
				assert.NotContains(t, string(sent.body), apiKey)
			} else {
				assert.Equal(t, "Bearer "+apiKey, sent.header.Get("Authorization"))
			}
		})
	}
}

func TestEveryDocumentedErrorOfEveryCall(t *testing.T) {
	server := newServer(t)
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			require.NotEmpty(t, tt.errors)
			var responses []http.HandlerFunc
			for _, expected := range tt.errors {
				responses = append(responses, respondWith(expected.status, expected.body, "X-Request-ID", "req_01A", "Retry-After", "60"))
			}
			server.restart(responses...)
			client := server.client(t)
			for i, expected := range tt.errors {
				_, err := tt.call(t.Context(), client)
				got := requireAPIError(t, err)
				assert.Equal(t, expected.code, got.Code)
				assert.Equal(t, expected.code, workos.ErrorCode(err))
				assert.Equal(t, expected.status, got.StatusCode, expected.code)
				assert.Equal(t, "req_01A", got.RequestID)
				assert.Equal(t, expected.status == 429, workos.IsTransient(err), expected.code)
				assert.Equal(t, expected.status == 404, workos.IsNotFound(err), expected.code)
				if expected.as == nil {
					_, isPlain := err.(*workos.Error) //nolint:errorlint // the type itself is asserted
					assert.True(t, isPlain, "%s is %T", expected.code, err)
				} else {
					assert.True(t, expected.as(err), "%s is %T", expected.code, err)
				}
				assert.Len(t, server.received(), i+1, expected.code)
			}
		})
	}
}

func TestAPublicClientMakesOnlyCallsThatNeedNoAPIKey(t *testing.T) {
	server := newServer(t)
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			server.restart(respondWith(tt.status, tt.response))
			_, err := tt.call(t.Context(), newClient(t, workos.WithBaseURL(server.URL)))
			if tt.keyOmitted || tt.keyOptional {
				require.NoError(t, err)
				assert.NotContains(t, server.received()[0].header, "Authorization")
				assert.NotContains(t, string(server.received()[0].body), "client_secret")
				return
			}
			assert.ErrorContains(t, err, "an API key is required")
			assert.False(t, workos.IsTransient(err))
			assert.Empty(t, server.received())
		})
	}
}

func TestOnlyReadsAndTheRefreshGrantAreRetried(t *testing.T) {
	troubles := []string{"a 503", "a 429", "a dropped connection", "a truncated response"}
	for i, name := range slices.Sorted(maps.Keys(calls)) {
		tt := calls[name]
		again := tt.method == http.MethodGet || strings.HasPrefix(name, "AuthenticateWithRefreshToken")
		// What is retried depends on the call, and on each trouble alike. So each call meets one of them at the short length.
		possible := troubles
		if tt.want == nil {
			possible = troubles[:3] // the body is ignored
		}
		for _, trouble := range testrun.Length(possible[i%len(possible):][:1], possible) {
			handler := map[string]http.HandlerFunc{
				"a 503": respondWith(503, ""), "a 429": respondWith(429, `{"message":"Slow down."}`), "a dropped connection": dropConnection,
				"a truncated response": respondWith(tt.status, "{", "Content-Length", "1000"),
			}[trouble]
			t.Run(name+" after "+trouble, func(t *testing.T) {
				clock := newFakeClock()
				server := newServer(t, handler, respondWith(tt.status, tt.response))
				client := server.client(t, workos.WithClock(clock))
				finished := start(func() error {
					_, err := tt.call(t.Context(), client)
					return err
				})
				clock.next()
				if !again {
					assert.True(t, workos.IsTransient(<-finished))
					assert.Len(t, server.received(), 1)
					return
				}
				clock.requireWait(t, time.Second, time.Second/4)
				require.NoError(t, <-finished)
				requests := server.received()
				require.Len(t, requests, 2)
				assert.Equal(t, requests[0].query, requests[1].query)
				assert.Equal(t, requests[0].body, requests[1].body)
			})
		}
		t.Run(name+" without any response", func(t *testing.T) {
			if again {
				t.Skip("TestACallToASilentServerEndsAtItsTimeLimit tests reads and refreshes")
			}
			entered := make(chan struct{})
			clock := newFakeClock()
			server := newServer(t, hang(entered))
			client := server.client(t, workos.WithClock(clock))
			finished := start(func() error {
				_, err := tt.call(t.Context(), client)
				return err
			})
			assert.Equal(t, 10*time.Second, clock.next())
			<-entered
			clock.advance(10 * time.Second)
			assert.ErrorIs(t, <-finished, context.DeadlineExceeded)
			assert.Len(t, server.received(), 1)
		})
	}
}
