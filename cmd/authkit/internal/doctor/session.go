// The size of session cookies, measured with sessions of a fake AuthKit in this process.

package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// The limits that most applications meet first: those of nginx without other settings.
const (
	lineLimit     = 8 << 10 // of a line in the header of a request (large_client_header_buffers)
	responseLimit = 4 << 10 // of the header of a response (proxy_buffer_size)
)

// nginxLines let all sessions pass. They are those of the documentation.
const nginxLines = `In nginx:
  proxy_buffer_size 40k;
  proxy_buffers 4 40k;
  large_client_header_buffers 4 40k;`

// sessionSize is what a session takes.
type sessionSize struct {
	cookies  int
	request  int // octets of the Cookie line of a request
	response int // octets of the Set-Cookie lines of a sign-in
}

// checkSessionSize signs two users in with the configuration of the application: one with a few permissions and one with many.
func (d *doctor) checkSessionSize(ctx context.Context) {
	const check = "session size"
	sizes, err := d.measure(ctx)
	var tooLarge bool
	switch {
	case errors.Is(err, authkit.ErrSessionTooLarge):
		tooLarge = true
	case err != nil:
		d.skip(check, "not measured; see the configuration")
		return
	}
	if len(sizes) == 0 {
		d.fault(check, "Leave WithSharedSession out, or ask for a shorter cookie name.", "not even a typical session fits")
		return
	}
	typical := sizes[0]
	d.typical = typical.request
	text := fmt.Sprintf("a typical session takes %d cookie with %d bytes in a request and %d at the sign-in", typical.cookies, typical.request, typical.response)
	if tooLarge {
		d.warn(check, "Keep permissions, the JWT template and metadata small. Without WithSharedSession, a session can take eight cookies.",
			"%s; one with 4 KB of permissions does not fit", text)
		return
	}
	large := sizes[1]
	text += fmt.Sprintf("; one with 4 KB of permissions %d cookies with %d and %d", large.cookies, large.request, large.response)
	if typical.request > lineLimit || typical.response > responseLimit {
		d.warn(check, nginxLines, "%s; the defaults of nginx are %d and %d", text, lineLimit, responseLimit)
		return
	}
	d.ok(check, "%s. The defaults of nginx are %d and %d: docs/headers.md", text, lineLimit, responseLimit)
}

// measure returns the sizes of a typical and of a large session. With ErrSessionTooLarge, the first one fits.
func (d *doctor) measure(ctx context.Context) ([]sessionSize, error) {
	many := []string{}
	for i := range 170 { // about 4 KB in the claims
		many = append(many, fmt.Sprintf("resource-%03d:operation", i))
	}
	user := func(name string, permissions []string) authkittest.User {
		return authkittest.User{
			Email: name + "@example.com", FirstName: "Marguerite", LastName: "Featherstonehaugh", Password: authkittest.DefaultPassword,
			Memberships: []authkittest.Membership{{OrganizationID: "org_01AUTHKITDOCTOR0000000000", Role: "member", Permissions: permissions}},
		}
	}
	fake, err := authkittest.Start(authkittest.WithUsers(user("typical", many[:4]), user("large", many)))
	if err != nil {
		return nil, err
	}
	defer fake.Close()
	ak, err := authkit.FromEnv(append(d.options(), authkit.WithBaseURL(fake.URL()), authkit.WithAPIKey(fake.APIKey()),
		authkit.WithClientID(fake.ClientID()), authkit.WithLogger(slog.New(slog.DiscardHandler)))...)
	if err != nil {
		return nil, err
	}
	client, err := workos.NewClient(fake.ClientID(), workos.WithAPIKey(fake.APIKey()), workos.WithBaseURL(fake.URL()))
	if err != nil {
		return nil, err
	}
	target := "https://app.example.com/"
	if u, err := url.Parse(d.env.redirectURI); err == nil && u.Host != "" {
		target = u.Scheme + "://" + u.Host + "/"
	}
	var sizes []sessionSize
	for _, name := range []string{"typical", "large"} {
		authentication, err := client.AuthenticateWithPassword(ctx, workos.AuthenticateWithPasswordParams{Email: name + "@example.com", Password: authkittest.DefaultPassword})
		if err != nil {
			return sizes, err
		}
		w := httptest.NewRecorder()
		if _, err := ak.SignIn(w, httptest.NewRequestWithContext(ctx, http.MethodGet, target, nil), authentication); err != nil {
			return sizes, err
		}
		sizes = append(sizes, sizeOf(w.Header()))
	}
	return sizes, nil
}

// sizeOf returns what the cookies of a response take.
func sizeOf(header http.Header) sessionSize {
	var s sessionSize
	var pairs []string
	for _, line := range header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil || c.Value == "" || c.MaxAge < 0 {
			continue
		}
		s.cookies++
		s.response += len("Set-Cookie: \r\n") + len(line)
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	s.request = len("Cookie: \r\n") + len(strings.Join(pairs, "; "))
	return s
}
