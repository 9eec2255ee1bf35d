// The configuration of a Guard, and its interceptors.

package authkitgrpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/resource"
)

// Config says which credentials a [Guard] accepts, and what each method requires. At least one of Sessions, APIKeys and Resource
// is necessary.
type Config struct {
	// Sessions verifies access tokens of users, with [authkit.AuthKit.VerifyToken]. [New] refuses an AuthKit without
	// [authkit.WithBearerTokens].
	Sessions *authkit.AuthKit
	// APIKeys validates API keys of customers, with [authkit.AuthKit.ValidateAPIKey]. It can be the same as Sessions. [New] refuses
	// a public client ([authkit.WithPublicClient]).
	APIKeys *authkit.AuthKit
	// Resource verifies tokens of WorkOS Connect.
	Resource *resource.Server
	// Rules are the requirements by method: "/package.Service/Method", or "/package.Service/" for all other methods of a
	// service. [Guard.Check] reports names that no service has.
	Rules map[string]Rule
	// Default is the requirement of all other methods. The zero Rule passes every accepted credential.
	Default Rule
}

// Rule is what a method requires.
type Rule struct {
	// Public passes every call. Its credential is not checked, and the handler finds none.
	Public bool
	// Permissions are what a session or an API key must have, all of them. If a Rule has only Scopes, it refuses both.
	Permissions []string
	// Scopes are what a token of Connect must have, all of them. If a Rule has only Permissions, it refuses such tokens.
	Scopes []string
}

// Guard protects the methods of a server. [New] makes it. It is safe for concurrent use.
type Guard struct {
	config Config
}

// New returns a Guard. The error names every fault of the Config at once.
func New(config Config) (*Guard, error) {
	var faults []error
	if config.Sessions == nil && config.APIKeys == nil && config.Resource == nil {
		faults = append(faults, errors.New("want Sessions, APIKeys or Resource"))
	}
	if config.Sessions != nil && !config.Sessions.AcceptsBearerTokens() {
		faults = append(faults, errors.New("the AuthKit of Sessions has no WithBearerTokens, so it refuses every token"))
	}
	if config.APIKeys != nil && !config.APIKeys.ValidatesAPIKeys() {
		faults = append(faults, errors.New("the AuthKit of APIKeys is a public client, so it refuses every key"))
	}
	config.Rules = maps.Clone(config.Rules)
	for method, rule := range config.Rules {
		if !strings.HasPrefix(method, "/") || strings.Count(method, "/") != 2 || strings.HasPrefix(method, "//") {
			faults = append(faults, fmt.Errorf("the rule %q: want /package.Service/Method or /package.Service/", method))
		}
		faults = append(faults, rule.check(fmt.Sprintf("the rule %q", method))...)
		config.Rules[method] = rule.clone()
	}
	faults = append(faults, config.Default.check("the default rule")...)
	config.Default = config.Default.clone()
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("authkitgrpc: %w", err)
	}
	return &Guard{config}, nil
}

// check returns the faults of a rule.
func (r Rule) check(name string) (faults []error) {
	if r.Public && len(r.Permissions)+len(r.Scopes) > 0 {
		faults = append(faults, fmt.Errorf("%s: it is public and requires permissions or scopes", name))
	}
	if slices.Contains(r.Permissions, "") || slices.Contains(r.Scopes, "") {
		faults = append(faults, fmt.Errorf("%s: a permission or a scope is empty", name))
	}
	return faults
}

func (r Rule) clone() Rule {
	return Rule{r.Public, slices.Clone(r.Permissions), slices.Clone(r.Scopes)}
}

// Check returns an error if a rule names a method or a service that the server does not have. Such a rule protects nothing. Call
// it after all services are registered.
func (g *Guard) Check(server interface {
	GetServiceInfo() map[string]grpc.ServiceInfo
}) error {
	known := map[string]bool{}
	for service, info := range server.GetServiceInfo() {
		known["/"+service+"/"] = true
		for _, method := range info.Methods {
			known["/"+service+"/"+method.Name] = true
		}
	}
	var faults []error
	for _, method := range slices.Sorted(maps.Keys(g.config.Rules)) {
		if !known[method] {
			faults = append(faults, fmt.Errorf("authkitgrpc: the rule %q is for no method of the server", method))
		}
	}
	return errors.Join(faults...)
}

// rule returns what a method requires.
func (g *Guard) rule(method string) Rule {
	if rule, ok := g.config.Rules[method]; ok {
		return rule
	}
	if rule, ok := g.config.Rules[method[:strings.LastIndexByte(method, '/')+1]]; ok {
		return rule
	}
	return g.config.Default
}

// authorize returns the credential of a call, or the status of a call that does not pass.
func (g *Guard) authorize(ctx context.Context, rule Rule) (credential, error) {
	c, err := g.authenticate(ctx)
	if err == nil {
		err = c.check(rule)
	}
	switch {
	case err == nil:
		return c, nil
	case ctx.Err() != nil: // the check has ended with the call
		return credential{}, status.FromContextError(ctx.Err()).Err()
	default:
		return credential{}, statusOf(err)
	}
}

// Unary is the interceptor of unary calls, for [grpc.UnaryInterceptor] or [grpc.ChainUnaryInterceptor]. A call may end after its
// token expired.
func (g *Guard) Unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	rule := g.rule(info.FullMethod)
	if !rule.Public {
		credential, err := g.authorize(ctx, rule)
		if err != nil {
			return nil, err
		}
		ctx = credential.addTo(ctx)
	}
	return handler(ctx, req)
}

// Stream is the interceptor of streams, for [grpc.StreamInterceptor] or [grpc.ChainStreamInterceptor]. The context of the stream
// ends when its token is no longer accepted.
func (g *Guard) Stream(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	rule := g.rule(info.FullMethod)
	if rule.Public {
		return handler(srv, stream)
	}
	credential, err := g.authorize(stream.Context(), rule)
	if err != nil {
		return err
	}
	bounded := &boundedStream{stream, g.untilEnd(credential.addTo(stream.Context()), credential)}
	if credential.key != nil { // it may have been revoked before the context was bound to it
		if _, err := g.authenticate(stream.Context()); err != nil {
			return statusOf(err)
		}
	}
	err = handler(srv, bounded)
	if ended := bounded.ended(); ended != nil {
		return ended // also if the handler returned nil: the client must not take the stream for complete
	}
	return err
}
