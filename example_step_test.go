// An example of a sign-in through the application's own forms.

package authkit_test

import (
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// Magic Auth with the application's own forms. The first form takes the email address and saves it in a step. The second
// form takes the code of the email.
func ExampleAuthKit_SaveStep() {
	mux, app, fake, ak := exampleForms()
	defer fake.Close()
	defer app.Close()

	type step struct{ Email string }
	showForm := func(w http.ResponseWriter, status int, path, field, message string) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, `<p>%s</p><form method="post" action="%s"><input name="%s"><button>Continue</button></form>`, message, path, field)
	}
	showError := func(w http.ResponseWriter, path, field string, err error) {
		var wrong *workos.OneTimeCodeError
		switch {
		case errors.As(err, &wrong):
			showForm(w, http.StatusUnprocessableEntity, path, field, "This code is not valid.")
		case workos.IsTransient(err):
			showForm(w, http.StatusServiceUnavailable, path, field, "Please try again in a moment.")
		default: // log err
			showForm(w, http.StatusBadGateway, path, field, "Sign-in did not work.")
		}
	}
	mux.HandleFunc("GET /email", func(w http.ResponseWriter, r *http.Request) {
		showForm(w, http.StatusOK, "/email", "email", "What is your email address?")
	})
	mux.Handle("POST /email", ak.RefuseCrossOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		email := r.FormValue("email")
		if _, err := ak.Client().CreateMagicAuth(r.Context(), workos.CreateMagicAuthParams{Email: email}); err != nil {
			showError(w, "/email", "email", err) // an error of Client: not for Fail
			return
		}
		if err := ak.SaveStep(w, step{Email: email}); err != nil {
			ak.Fail(w, r, err)
			return
		}
		showForm(w, http.StatusOK, "/code", "code", "Enter the code from the email.")
	})))
	mux.Handle("POST /code", ak.RefuseCrossOrigin(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var saved step
		if err := ak.LoadStep(r, &saved); err != nil {
			ak.Fail(w, r, err) // for example ErrNoStep
			return
		}
		authentication, err := ak.Client().AuthenticateWithMagicAuth(r.Context(), workos.AuthenticateWithMagicAuthParams{
			Email: saved.Email, Code: r.FormValue("code"),
		})
		if err != nil {
			showError(w, "/code", "code", err)
			return
		}
		if _, err := ak.SignIn(w, r, authentication); err != nil {
			ak.Fail(w, r, err)
			return
		}
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	})))
	mux.Handle("GET /account", ak.RequireAuth(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session, _ := authkit.FromContext(r.Context())
		fmt.Fprintf(w, "Hello, %s", session.User().Email)
	})))

	const email = "ada@harborpress.test"
	browser := authkittest.NewBrowser()
	submit := func(form url.Values) {
		page, err := browser.Submit("Continue", form)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(page.StatusCode, page.URL.Path)
	}
	if _, err := browser.Get(app.URL + "/email"); err != nil {
		log.Fatal(err)
	}
	submit(url.Values{"email": {email}})
	submit(url.Values{"code": {"no code"}})
	submit(url.Values{"code": {fake.LastMail(email).Code}})
	fmt.Println(browser.Page().Body)
	// Output:
	// 200 /email
	// 422 /code
	// 200 /account
	// Hello, ada@harborpress.test
}

// exampleForms returns an application whose handlers the example adds, its fake AuthKit, and its AuthKit.
func exampleForms() (*http.ServeMux, *httptest.Server, *authkittest.Server, *authkit.AuthKit) {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	ak := exampleAuthKit(authkit.WithAPIKey(fake.APIKey()), authkit.WithClientID(fake.ClientID()), authkit.WithBaseURL(fake.URL()),
		authkit.WithRedirectURL("http://localhost/callback"))
	mux := http.NewServeMux()
	return mux, httptest.NewServer(ak.Middleware(mux)), fake, ak
}
