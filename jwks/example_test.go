// The examples of the documentation.

package jwks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/authkit-go/authkit/jwks"
)

// An API that accepts bearer tokens answers each result of a verification differently.
func ExampleVerifier_Verify() {
	endpoint := httptest.NewServer(publish(jwkA())) // in production https://api.workos.com/sso/jwks/{client_id}
	defer endpoint.Close()
	clock := newClock()
	keys := jwks.NewKeySet(endpoint.URL, jwks.WithClock(clock))
	verifier := jwks.NewVerifier(keys,
		jwks.WithIssuers("https://api.workos.com", "https://api.workos.com/user_management/client_01A"),
		jwks.WithClientIDs("client_01A"),
	)

	api := func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		claims, err := verifier.Verify(r.Context(), token)
		switch {
		case err == nil:
			fmt.Fprintln(w, "hello", claims.Subject)
		case errors.Is(err, jwks.ErrUnavailable) && !errors.Is(err, jwks.ErrCoolDown):
			http.Error(w, "come back later", http.StatusServiceUnavailable) // the token may be good
		default:
			http.Error(w, "sign in", http.StatusUnauthorized)
		}
	}

	for _, token := range []string{
		sign(keyA(), goodHeader().json(), goodClaims(clock.Now()).json()),
		sign(keyA(), goodHeader().json(), goodClaims(clock.Now()).with("iss", "https://evil.test").json()),
		"no token at all",
	} {
		response := httptest.NewRecorder()
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.Header.Set("Authorization", "Bearer "+token)
		api(response, request)
		fmt.Println(response.Code, strings.TrimSpace(response.Body.String()))
	}
	// Output:
	// 200 hello user_01A
	// 401 sign in
	// 401 sign in
}

// A refusal names the accepted and the actual value. That shows, for example, that the issuer is configured wrongly.
func ExampleRefusedError() {
	endpoint := httptest.NewServer(publish(jwkA()))
	defer endpoint.Close()
	clock := newClock()
	keys := jwks.NewKeySet(endpoint.URL, jwks.WithClock(clock))
	verifier := jwks.NewVerifier(keys, jwks.WithIssuers("https://api.workos.com"))

	_, err := verifier.Verify(context.Background(), sign(keyA(), goodHeader().json(), goodClaims(clock.Now()).json()))

	var refused *jwks.RefusedError
	if errors.As(err, &refused) {
		fmt.Println(refused.Part)
		fmt.Println(refused.Want)
		fmt.Println(refused.Got)
	}
	// Output:
	// iss
	// "https://api.workos.com"
	// "https://api.workos.com/user_management/client_01A"
}

// Decode reads claims that a JWT template adds.
func ExampleClaims_Decode() {
	token := sign(keyA(), goodHeader().json(), goodClaims(newClock().Now()).with("tier", "gold").json())
	claims, err := jwks.UnverifiedClaims(token) // the claims of a verified token come from Verifier.Verify
	if err != nil {
		fmt.Println(err)
		return
	}

	var own struct {
		Tier string `json:"tier"`
	}
	if err := claims.Decode(&own); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(own.Tier)
	// Output: gold
}
