// Examples: the authorization URL and the handling of errors.

package workos_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/authkit-go/authkit/workos"
)

func ExampleClient_AuthorizationURL() {
	client, err := workos.NewClient("client_01A", workos.WithAPIKey("sk_test_example"))
	if err != nil {
		panic(err)
	}
	address, err := client.AuthorizationURL(workos.AuthorizationParams{
		RedirectURI:   "https://app.example.com/callback",
		Provider:      workos.ProviderAuthKit,
		State:         "af0ifjsldkj",
		CodeChallenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
		ScreenHint:    "sign-up",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(address)
	// Output:
	// https://api.workos.com/user_management/authorize?client_id=client_01A&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&provider=authkit&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback&response_type=code&screen_hint=sign-up&state=af0ifjsldkj
}

func ExampleParseAction() {
	const secret = "the secret of the Action endpoint, from the dashboard"
	handler := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "the request could not be read", http.StatusBadRequest)
			return
		}
		action, err := workos.ParseAction(r.Header, body, time.Now(), secret)
		if err != nil {
			http.Error(w, "not a request of WorkOS", http.StatusUnauthorized)
			return
		}
		verdict := workos.Allow()
		if c := action.Authentication; c != nil && !c.User.EmailVerified {
			verdict = workos.Deny("Please verify your email address first.")
		}
		response, err := action.Response(verdict, time.Now())
		if err != nil {
			http.Error(w, "no verdict", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(response)
	}

	forged := httptest.NewRequest(http.MethodPost, "/actions", strings.NewReader("{}"))
	w := httptest.NewRecorder()
	handler(w, forged)
	fmt.Println(w.Code, w.Body)
	// Output: 401 not a request of WorkOS
}

func ExampleError() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-ID", "req_01A")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"sso_required","error_description":"Use your company's sign-in.","connection_ids":["conn_01A"]}`)
	}))
	defer api.Close()
	client, err := workos.NewClient("client_01A", workos.WithAPIKey("sk_test_example"), workos.WithBaseURL(api.URL))
	if err != nil {
		panic(err)
	}

	_, err = client.AuthenticateWithRefreshToken(context.Background(), workos.AuthenticateWithRefreshTokenParams{RefreshToken: "…"})
	var sso *workos.SSORequiredError
	var apiErr *workos.Error
	switch {
	case errors.As(err, &sso): // a type with the parameters of the next step
		fmt.Println("sign in by", sso.ConnectionIDs)
	case workos.IsTransient(err):
		fmt.Println("keep the session and try again in", workos.RetryAfter(err))
	}
	if errors.As(err, &apiErr) { // the error response as the API sent it
		fmt.Println(apiErr.Code, apiErr.StatusCode, apiErr.RequestID)
	}
	fmt.Println(err)
	// Output:
	// sign in by [conn_01A]
	// sso_required 400 req_01A
	// workos: POST /user_management/authenticate (refresh_token): sso_required: Use your company's sign-in. (status 400, request req_01A)
}
