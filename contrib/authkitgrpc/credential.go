// The credential of a call: where it is, who checks it, and what it permits.

package authkitgrpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/metadata"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/resource"
)

// The refusals of this package.
var (
	errNoCredential = errors.New("the metadata authorization with a bearer token is required")
	errMalformed    = errors.New("the metadata authorization must be there once, as Bearer and a token")
	errNotAccepted  = errors.New("this kind of credential is not accepted")
)

// deniedError says what a credential lacks.
type deniedError struct{ missing string }

func (e *deniedError) Error() string { return e.missing }

// credential is what a call has proven. One field is set.
type credential struct {
	session *authkit.Session
	key     *authkit.APIKey
	token   *resource.Token
}

// authenticate returns the credential of a call.
func (g *Guard) authenticate(ctx context.Context) (credential, error) {
	text, err := bearerToken(ctx)
	if err != nil {
		return credential{}, err
	}
	var c credential
	switch {
	case strings.HasPrefix(text, "sk_"):
		if g.config.APIKeys == nil {
			return c, errNotAccepted
		}
		c.key, err = g.config.APIKeys.ValidateAPIKey(ctx, text)
	case g.config.Resource != nil && (g.config.Sessions == nil || g.config.Resource.MayVerify(text)):
		c.token, err = g.config.Resource.Verify(ctx, text)
	case g.config.Sessions != nil:
		c.session, err = g.config.Sessions.VerifyToken(ctx, text)
	default:
		return c, errNotAccepted
	}
	return c, err
}

// bearerToken reads the metadata. The name of the scheme has any case (RFC 9110 section 11.1).
func bearerToken(ctx context.Context) (string, error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 {
		return "", errNoCredential
	}
	if len(values) > 1 {
		return "", errMalformed
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", errNoCredential
	}
	if token = strings.Trim(token, " "); token == "" || strings.Contains(token, " ") {
		return "", errMalformed
	}
	return token, nil
}

// check returns an error if the credential lacks what a rule requires.
func (c credential) check(rule Rule) error {
	if c.token != nil {
		if len(rule.Scopes) == 0 && len(rule.Permissions) > 0 {
			return &deniedError{"the method is not for tokens with scopes"}
		}
		return c.token.CheckScopes(rule.Scopes...)
	}
	if len(rule.Permissions) == 0 && len(rule.Scopes) > 0 {
		return &deniedError{"the method is only for tokens with scopes"}
	}
	for _, slug := range rule.Permissions {
		if !c.hasPermission(slug) {
			return &deniedError{fmt.Sprintf("permission %s is missing", slug)}
		}
	}
	return nil
}

func (c credential) hasPermission(slug string) bool {
	if c.key != nil {
		return slices.Contains(c.key.Permissions, slug)
	}
	return c.session.HasPermission(slug)
}

// addTo returns a context with the credential, for the handler.
func (c credential) addTo(ctx context.Context) context.Context {
	switch {
	case c.key != nil:
		return authkit.NewAPIKeyContext(ctx, c.key)
	case c.token != nil:
		return resource.NewContext(ctx, c.token)
	default:
		return authkit.NewContext(ctx, c.session)
	}
}

// untilEnd returns a context that ends with the credential.
func (g *Guard) untilEnd(ctx context.Context, c credential) context.Context {
	switch {
	case c.key != nil:
		return g.config.APIKeys.UntilEnd(ctx)
	case c.token != nil:
		return g.config.Resource.UntilEnd(ctx)
	default:
		return g.config.Sessions.UntilEnd(ctx)
	}
}
