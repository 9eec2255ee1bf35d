// The identity headers: what an upstream learns about the user.

package gate

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"github.com/authkit-go/authkit"
)

// Field is something that a header tells the upstream.
type Field struct {
	Name   string // as [Config].Headers names it
	Header string // the header that always has it
	Means  string
}

// Fields lists the fields. A header is set if its field has a value. Values are percent-encoded: every byte that is not visible
// ASCII, and "%", becomes % and two hexadecimal digits (RFC 3986, section 2.1). So a value has no space, no line break and no byte over
// 0x7E. In an item of a list, "," is encoded too, and items are separated by ",". Decode a value as the component of a URL path, in which "+"
// is a plus sign.
var Fields = []Field{
	{"user", "X-Authkit-User", "the ID of the user, user_…; of an API key, the user that owns it"},
	{"email", "X-Authkit-Email", "the email address of the user"},
	{"email_verified", "X-Authkit-Email-Verified", "true or false, if there is an email address"},
	{"name", "X-Authkit-Name", "the display name, or the first and the last name"},
	{"organization", "X-Authkit-Organization", "the ID of the organization, org_…"},
	{"role", "X-Authkit-Role", "the role of the highest priority"},
	{"roles", "X-Authkit-Roles", "all roles, a list"},
	{"permissions", "X-Authkit-Permissions", "the permissions of the user or of the API key, a list"},
	{"entitlements", "X-Authkit-Entitlements", "the entitlements of the organization, a list"},
	{"feature_flags", "X-Authkit-Feature-Flags", "the feature flags that are on, a list"},
	{"session_id", "X-Authkit-Session-Id", "the ID of the session, session_…"},
	{"impersonator", "X-Authkit-Impersonator", `the email address of a member of your team who is signed in as the user, or "unknown"`},
	{"credential", "X-Authkit-Credential", "session or api_key"},
	{"api_key", "X-Authkit-Api-Key", "the ID of the API key, api_key_…"},
}

// JWTHeader has the identity as a signed token, if the gate has a [Signer].
const JWTHeader = "X-Authkit-Jwt"

// identity is what the gate knows about the caller.
type identity struct {
	session *authkit.Session
	key     *authkit.APIKey
}

// identityOf returns the identity of a request, and nil for an anonymous one.
func identityOf(ctx context.Context) *identity {
	if key, ok := authkit.APIKeyFromContext(ctx); ok {
		return &identity{key: key}
	}
	if session, ok := authkit.FromContext(ctx); ok {
		return &identity{session: session}
	}
	return nil
}

// isFromCookie reports whether a browser sends the credential by itself, also for a page of another origin.
func (who *identity) isFromCookie() bool { return who.session != nil && !who.session.FromBearerToken() }

// value returns the encoded value of a field.
func (who *identity) value(field string) string {
	if who.key != nil {
		return who.keyValue(field)
	}
	s := who.session
	switch field {
	case "user":
		return encode(s.UserID())
	case "email":
		return encode(s.User().Email)
	case "email_verified":
		if user := s.User(); user.Email != "" {
			return fmt.Sprint(user.EmailVerified)
		}
	case "name":
		return encode(displayName(s.User()))
	case "organization":
		return encode(s.OrganizationID())
	case "role":
		return encode(s.Role())
	case "roles":
		return encodeList(s.Roles())
	case "permissions":
		return encodeList(s.Permissions())
	case "entitlements":
		return encodeList(s.Entitlements())
	case "feature_flags":
		return encodeList(s.FeatureFlags())
	case "session_id":
		return encode(s.ID())
	case "impersonator":
		return encode(impersonatorOf(s))
	case "credential":
		return "session"
	}
	return ""
}

func (who *identity) keyValue(field string) string {
	switch field {
	case "user":
		if who.key.Owner.Type == "user" {
			return encode(who.key.Owner.ID)
		}
	case "organization":
		return encode(who.key.OrganizationID())
	case "permissions":
		return encodeList(who.key.Permissions)
	case "credential":
		return "api_key"
	case "api_key":
		return encode(who.key.ID)
	}
	return ""
}

func displayName(user authkit.User) string {
	if user.Name != "" {
		return user.Name
	}
	return strings.TrimSpace(user.FirstName + " " + user.LastName)
}

func impersonatorOf(s *authkit.Session) string {
	impersonator, ok := s.Impersonator()
	if ok && impersonator.Email == "" {
		return "unknown"
	}
	return impersonator.Email
}

// encode encodes a value as [Fields] says.
func encode(value string) string { return encodeExcept(value, "%") }

func encodeList(values []string) string {
	encoded := make([]string, len(values))
	for i, value := range values {
		encoded[i] = encodeExcept(value, "%,")
	}
	return strings.Join(encoded, ",")
}

// encodeExcept encodes every byte that is not visible ASCII, and the special ones.
func encodeExcept(value, special string) string {
	isSafe := func(c byte) bool { return c > 0x20 && c < 0x7f && strings.IndexByte(special, c) < 0 }
	first := 0
	for first < len(value) && isSafe(value[first]) {
		first++
	}
	if first == len(value) {
		return value
	}
	var b strings.Builder
	for i := range len(value) {
		if c := value[i]; isSafe(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// setIdentity sets the identity headers. who is nil for an anonymous request.
func (g *Gate) setIdentity(h http.Header, who *identity) error {
	if who == nil {
		return nil
	}
	values := make([]string, 0, len(Fields)+len(g.extra)) // the memory of all values
	set := func(name, field string) {
		if value := who.value(field); value != "" {
			values = append(values, value)
			h[name] = values[len(values)-1 : len(values) : len(values)]
		}
	}
	for _, field := range Fields {
		set(field.Header, field.Name)
	}
	for _, extra := range g.extra {
		set(extra.name, extra.field)
	}
	if g.signer == nil {
		return nil
	}
	token, err := g.signer.sign(who)
	if err != nil {
		return err
	}
	h[JWTHeader] = []string{token}
	return nil
}

// extraHeader is a header of [Config].Headers.
type extraHeader struct{ name, field string }

// refusedExtra are headers that mean something else to servers and proxies.
var refusedExtra = []string{
	"Authorization", "Cf-Connecting-Ip", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Cookie", "Date", "Expect",
	"Fastly-Client-Ip", "Forwarded", "Forwarded-For", "Front-End-Https", "Host", "Keep-Alive", "Origin", "Proxy", "Proxy-Authenticate",
	"Proxy-Authorization", "Proxy-Connection", "Referer", "Te", "Trailer", "Transfer-Encoding", "True-Client-Ip", "Upgrade", "Via",
	"X-Client-Ip", "X-Cluster-Client-Ip", "X-Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Prefix",
	"X-Forwarded-Proto", "X-Forwarded-Proto-Version", "X-Forwarded-Scheme", "X-Forwarded-Server", "X-Forwarded-Ssl", "X-Host",
	"X-Http-Host-Override", "X-Original-Host", "X-Real-Ip", "X-Scheme", "X-Script-Name", "X-Url-Scheme",
}

func newExtraHeaders(headers map[string]string, faults *Faults) []extraHeader {
	var extra []extraHeader
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical, place := textproto.CanonicalMIMEHeaderKey(name), "headers."+name
		switch {
		case !isToken(name):
			faults.add(place, "the name is not one of a header; use letters, digits and -")
		case strings.HasPrefix(normalName(name), prefix):
			faults.add(place, "headers that begin with X-Authkit- are always set")
		case slices.ContainsFunc(extra, func(e extraHeader) bool { return e.name == canonical }):
			faults.add(place, "the header is also given as %s", canonical)
		case slices.Contains(refusedExtra, canonical), slices.Contains(pathHeaders, normalName(name)):
			faults.add(place, "the header means something else to the upstream; choose another name")
		}
		if !slices.ContainsFunc(Fields, func(f Field) bool { return f.Name == headers[name] }) {
			faults.add(place, "%q is not a field; give one of %s", headers[name], strings.Join(fieldNames(), ", "))
		}
		extra = append(extra, extraHeader{canonical, headers[name]})
	}
	return extra
}

func fieldNames() []string {
	names := make([]string, len(Fields))
	for i, field := range Fields {
		names[i] = field.Name
	}
	return names
}

func isToken(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == ""
}
