// Every call on the wire: what it sends, what it makes of the reply, and what of each documented refusal. The calls
// themselves are in the wire_…_test.go files beside this one.

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

	"github.com/authkit-go/authkit/workos"
)

// wire is a call as both sides see it.
type wire struct {
	call func(context.Context, *workos.Client) (any, error)

	method, path, query string // the path as it is sent, with its escapes
	body                string // "" for none

	keyless  bool     // sends no API key, and works without one
	keyIfAny bool     // sends the API key, and works without one
	secrets  []string // among what is sent or replied
	status   int
	reply    string
	must     []string // the members of the reply, as dotted paths, without which it is of no use
	want     any

	refusals []refusal
}

// refusal is a documented error of a call.
type refusal struct {
	status int
	body   string
	code   string
	as     func(error) bool // nil for a plain *workos.Error
}

// plain and oauth are refusals in the two envelopes that have a code.
func plain(status int, as func(error) bool, codes ...string) []refusal {
	return refusals(status, `{"code":%q,"message":"No."}`, as, codes)
}

func oauth(as func(error) bool, codes ...string) []refusal {
	return refusals(400, `{"error":%q,"error_description":"No."}`, as, codes)
}

func refusals(status int, body string, as func(error) bool, codes []string) []refusal {
	var all []refusal
	for _, code := range codes {
		all = append(all, refusal{status, fmt.Sprintf(body, code), code, as})
	}
	return all
}

// bare are refusals that have only a status.
func bare(statuses ...int) []refusal {
	var all []refusal
	for _, status := range statuses {
		all = append(all, refusal{status: status, body: `{"message":"No."}`})
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

// done is the result of a call that has none besides its success.
func done(err error) (any, error) { return nil, err }

// calls is every call of the API, by its name and what is particular about the case.
var calls = func() map[string]wire {
	all := map[string]wire{}
	for _, group := range []map[string]wire{grantCalls, signInCalls, userCalls, organizationCalls, apiKeyCalls} {
		maps.Copy(all, group)
	}
	return all
}()

func TestEveryCallIsTested(t *testing.T) {
	client := reflect.TypeFor[*workos.Client]()
	for i := range client.NumMethod() {
		method := client.Method(i)
		if method.Type.NumIn() < 2 || method.Type.In(1) != reflect.TypeFor[context.Context]() || method.Name == "PollDevice" {
			continue // makes no request, or is a loop around one that does
		}
		assert.True(t, slices.ContainsFunc(slices.Collect(maps.Keys(calls)), func(name string) bool {
			return name == method.Name || strings.HasPrefix(name, method.Name+" ")
		}), method.Name)
	}
}

func TestEveryCallOnTheWire(t *testing.T) {
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, replyWith(tt.status, tt.reply))
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
			assert.Regexp(t, `^authkit-go/\d+\.\d+\.\d+$`, sent.header.Get("User-Agent"))
			assert.NotContains(t, sent.header, "Idempotency-Key")
			if tt.body == "" {
				assert.Empty(t, sent.body)
				assert.NotContains(t, sent.header, "Content-Type")
			} else {
				assert.JSONEq(t, tt.body, string(sent.body))
				assert.Equal(t, "application/json", sent.header.Get("Content-Type"))
			}
			if tt.keyless {
				assert.NotContains(t, sent.header, "Authorization")
				assert.NotContains(t, string(sent.body), apiKey)
			} else {
				assert.Equal(t, "Bearer "+apiKey, sent.header.Get("Authorization"))
			}
		})
	}
}

func TestEveryDocumentedRefusalOfEveryCall(t *testing.T) {
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			require.NotEmpty(t, tt.refusals)
			for _, refused := range tt.refusals {
				server := newServer(t, replyWith(refused.status, refused.body, "X-Request-ID", "req_01A", "Retry-After", "60"))
				_, err := tt.call(t.Context(), server.client(t))
				got := requireRefusal(t, err)
				assert.Equal(t, refused.code, got.Code)
				assert.Equal(t, refused.code, workos.ErrorCode(err))
				assert.Equal(t, refused.status, got.StatusCode, refused.code)
				assert.Equal(t, "req_01A", got.RequestID)
				assert.Equal(t, refused.status == 429, workos.IsTransient(err), refused.code)
				assert.Equal(t, refused.status == 404, workos.IsNotFound(err), refused.code)
				if refused.as == nil {
					_, isPlain := err.(*workos.Error) //nolint:errorlint // the type itself is asserted
					assert.True(t, isPlain, "%s is %T", refused.code, err)
				} else {
					assert.True(t, refused.as(err), "%s is %T", refused.code, err)
				}
				assert.Len(t, server.received(), 1, refused.code)
			}
		})
	}
}

func TestACallWithoutAKeyIsMadeOnlyWhereThatWorks(t *testing.T) {
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, replyWith(tt.status, tt.reply))
			_, err := tt.call(t.Context(), newClient(t, workos.WithBaseURL(server.URL)))
			if tt.keyless || tt.keyIfAny {
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

func TestOnlyReadsAndTheRefreshGrantAreMadeTwice(t *testing.T) {
	for name, tt := range calls {
		again := tt.method == http.MethodGet || strings.HasPrefix(name, "AuthenticateWithRefreshToken")
		for trouble, handler := range map[string]http.HandlerFunc{
			"a 503": replyWith(503, ""), "a 429": replyWith(429, `{"message":"Slow down."}`), "a dropped connection": dropConnection,
			"a reply that breaks off": replyWith(tt.status, "{", "Content-Length", "1000"),
		} {
			if trouble == "a reply that breaks off" && tt.want == nil {
				continue // nobody reads it
			}
			t.Run(name+" after "+trouble, func(t *testing.T) {
				clock := newFakeClock()
				server := newServer(t, handler, replyWith(tt.status, tt.reply))
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
		t.Run(name+" without any reply", func(t *testing.T) {
			if again {
				t.Skip("that a read and a refresh end is shown elsewhere")
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
