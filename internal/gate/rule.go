// Rule: who may pass at a path, and the faults of rules.

package gate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/authkit-go/authkit"
)

// The credentials that a [Rule] may allow.
const (
	Public   = "public"   // no credential is needed; it stands alone
	Sessions = "sessions" // a signed-in user
	APIKeys  = "api_keys" // an API key of a customer: Authorization: Bearer sk_…
)

// Rule says who may pass at a path. All of its requirements must hold.
//
// A request may be under several rules. The most specific one counts, and no other:
//
//  1. A path without a wildcard comes before all others.
//  2. Of two paths with a wildcard, the one with more segments comes first.
//  3. Of two rules with the same path, the one with the method of the request comes before the one without methods.
//
// If no rule remains, the request needs a session.
//
// An upstream may read a path in another way than the gate. So the gate makes all readings of the path: its escapes decoded once or
// more often, the parameters after ";" removed, "//" as "/" or as the start of a host, spaces and dots at the end of a segment
// removed, a "/" at the end removed, the path cut at an escaped "?" or "#", and each of them in any order. Each reading is compared with
// the rules twice, with and without regard to case. The request must pass the rules of all readings. So it passes without a credential
// only if every reading is public.
type Rule struct {
	// Path is a path such as /health, or one with a wildcard at its end such as /admin/*, which is for /admin and all paths below
	// it. "/*" is for all paths. It is written without escapes.
	Path string
	// Methods are the methods that the rule is for, in capital letters. GET includes HEAD. Without one, the rule is for all. A
	// method that the request names for the upstream in X-HTTP-Method-Override, X-HTTP-Method or X-Method-Override, or as _method
	// in its query, must be allowed too.
	Methods []string
	// Allow lists the credentials: Public alone, or Sessions, APIKeys or both. Empty is Sessions.
	Allow []string
	// Roles passes sessions that have one of the roles. It needs a rule for sessions alone, as the fields below do.
	Roles []string
	// Permissions passes sessions and API keys that have all of the permissions.
	Permissions []string
	// Organizations passes sessions that are signed in to one of the organizations, org_….
	Organizations []string
	// Entitlements passes sessions whose organization has all of the entitlements.
	Entitlements []string
	// FeatureFlags passes users for whom all of the feature flags are on.
	FeatureFlags []string
}

// Fault is one fault of a configuration.
type Fault struct {
	Place   string // such as rules[2].roles
	Problem string // what is wrong, and what is accepted
}

// Faults are all faults of a configuration. It is an error.
type Faults []Fault

func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i, fault := range f {
		texts[i] = fault.Place + ": " + fault.Problem
	}
	return "gate: " + strings.Join(texts, "; ")
}

func (f *Faults) add(place, format string, args ...any) {
	*f = append(*f, Fault{place, fmt.Sprintf(format, args...)})
}

func (f Faults) has(place string) bool {
	return slices.ContainsFunc(f, func(fault Fault) bool { return fault.Place == place })
}

func rulePlace(i int) string { return fmt.Sprintf("rules[%d]", i) }

// withDefault returns the rules, and the rule for sessions at all paths if they have none for all paths and methods.
func withDefault(rules []Rule) []Rule {
	all := slices.Clone(rules)
	if !slices.ContainsFunc(all, func(r Rule) bool { return r.Path == "/*" && len(r.Methods) == 0 }) {
		all = append(all, Rule{Path: "/*"})
	}
	return all
}

// allows reports whether the rule accepts a kind of credential.
func (r *Rule) allows(kind string) bool {
	return slices.Contains(r.Allow, kind) || kind == Sessions && len(r.Allow) == 0
}

// check adds the faults of a rule.
func (r *Rule) check(place string, faults *Faults) {
	if problem := pathProblem(r.Path); problem != "" {
		faults.add(place+".path", "%s", problem)
	}
	if r.Methods != nil && len(r.Methods) == 0 {
		faults.add(place+".methods", "is an empty list; give a method, or remove it for all methods")
	}
	for i, method := range r.Methods {
		if method == "" || strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" || slices.Contains(r.Methods[:i], method) {
			faults.add(place+".methods", "%q is not a method in capital letters, or is there twice", method)
		}
	}
	for i, kind := range r.Allow {
		if kind != Public && kind != Sessions && kind != APIKeys || slices.Contains(r.Allow[:i], kind) {
			faults.add(place+".allow", "%q is not one of %s, %s and %s, or is there twice", kind, Public, Sessions, APIKeys)
		}
	}
	if r.allows(Public) && len(r.Allow) > 1 {
		faults.add(place+".allow", "%s must stand alone", Public)
	}
	requirements := []struct {
		name  string
		slugs []string
	}{
		{"roles", r.Roles}, {"organizations", r.Organizations}, {"entitlements", r.Entitlements}, {"feature_flags", r.FeatureFlags},
		{"permissions", r.Permissions},
	}
	for _, requirement := range requirements {
		if requirement.slugs != nil && len(requirement.slugs) == 0 {
			faults.add(place+"."+requirement.name, "is an empty list; give a value or remove it")
		}
		for i, slug := range requirement.slugs {
			if strings.TrimSpace(slug) == "" {
				faults.add(place+"."+requirement.name, "value %d of %d is empty", i+1, len(requirement.slugs))
			}
		}
		switch {
		case len(requirement.slugs) == 0:
		case r.allows(Public):
			faults.add(place+"."+requirement.name, "a public rule requires nothing; remove it, or allow sessions")
		case r.allows(APIKeys) && requirement.name != "permissions":
			faults.add(place+"."+requirement.name, "an API key has permissions and nothing else of this kind; allow sessions alone, or use permissions")
		}
	}
}

// pathProblem returns what is wrong with the path of a rule, or "".
func pathProblem(path string) string {
	text, _ := strings.CutSuffix(path, "/*")
	switch {
	case !strings.HasPrefix(path, "/"):
		return fmt.Sprintf("%q does not begin with /", path)
	case strings.Contains(text, "*"):
		return fmt.Sprintf("%q has a * that is not a whole segment at the end, as in /admin/*", path)
	case strings.ContainsAny(text, "%;?#"):
		return fmt.Sprintf("%q has one of %% ; ? #; write the path without escapes, parameters and query", path)
	case check(text) != nil:
		return fmt.Sprintf("%q: %v", path, check(text))
	case path != "/" && text != "" && (text == "/" || trimTrailingSlash(text) != text || mergeSlashes(text) != text || trimSegments(text) != text):
		return fmt.Sprintf("%q has an empty segment, a / at its end, or a space or a dot at the end of a segment", path)
	}
	return ""
}

// guard returns the guards of the rule as one middleware, and nil for a public rule. The error is for what the guards refuse.
func (r *Rule) guard(a *authkit.AuthKit) (guard func(http.Handler) http.Handler, err error) {
	if r.allows(Public) {
		return nil, nil
	}
	defer func() {
		if problem := recover(); problem != nil { // guards panic for what they cannot require
			err = fmt.Errorf("%v", problem)
		}
	}()
	var credentials []authkit.Credential
	if r.allows(Sessions) {
		credentials = append(credentials, authkit.Sessions(r.Permissions...))
	}
	if r.allows(APIKeys) {
		credentials = append(credentials, authkit.APIKeys(r.Permissions...))
	}
	guards := []func(http.Handler) http.Handler{a.Accept(credentials...)}
	if len(r.Roles) > 0 {
		guards = append(guards, a.RequireAnyRole(r.Roles...))
	}
	if len(r.Organizations) > 0 {
		guards = append(guards, a.RequireAnyOrganization(r.Organizations...))
	}
	if len(r.Entitlements) > 0 {
		guards = append(guards, a.RequireAllEntitlements(r.Entitlements...))
	}
	if len(r.FeatureFlags) > 0 {
		guards = append(guards, a.RequireAllFeatureFlags(r.FeatureFlags...))
	}
	return func(next http.Handler) http.Handler {
		for _, guard := range slices.Backward(guards) {
			next = guard(next)
		}
		return next
	}, nil
}
