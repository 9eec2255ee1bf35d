// The claims of an access token, read from its payload.

package jwks

import (
	"crypto/rsa"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Claims are the claims of an AuthKit access token (https://workos.com/docs/reference/authkit/session-tokens). The field of
// an absent claim is zero.
//
// A JWT template can set most claims to any value. So a claim from ID on whose value has the wrong type counts as absent,
// while a wrong type in a claim before ID refuses the token.
type Claims struct {
	Issuer    string    // iss
	Subject   string    // sub, the user's ID; never empty. In a token of a machine it is the application's client ID
	SessionID string    // sid; never empty, except with [WithoutSessionID]
	ClientID  string    // client_id, the application that the token was issued for
	ExpiresAt time.Time // exp; never zero
	IssuedAt  time.Time // iat
	NotBefore time.Time // nbf

	ID             string   // jti
	OrganizationID string   // org_id
	Role           string   // role, the one with the highest priority
	Roles          []string // roles, all of them
	Permissions    []string // permissions
	Entitlements   []string // entitlements
	FeatureFlags   []string // feature_flags
	Impersonated   bool     // whether act is present and not null: another person acts as the user
	Actor          string   // act.sub, the email address of that person
	// AuthTime is auth_time, the time of the last active authentication. A refresh does not change it. A time further in
	// the future than the leeway proves nothing: [Verifier.Verify] sets it to zero.
	AuthTime time.Time
	Audience []string // aud, one value or several
	// Scopes are the values of scope, which separates them by spaces (RFC 8693 section 4.2). Access tokens of WorkOS Connect
	// have them; session tokens do not. They are unique and in the order of the token.
	Scopes []string

	malformedAudience string // the JSON type of an aud that is neither a string nor an array of strings, or ""

	token, payload string // the token whose payload holds the claims; payload is that payload if the token is ""

	verifier *Verifier      // that verified the token; nil if none did
	keyID    string         // in the header of the token
	key      *rsa.PublicKey // that signed the token; nil if that is not verified
}

// Decode unmarshals the whole payload into v, as [json.Unmarshal] does. Use it for claims that a JWT template adds.
func (c *Claims) Decode(v any) error {
	if c.token == "" {
		return json.Unmarshal([]byte(c.payload), v)
	}
	_, rest, _ := strings.Cut(c.token, ".")
	payload64, _, _ := strings.Cut(rest, ".")
	payload, err := base64url.DecodeString(payload64)
	if err != nil {
		return err
	}
	return json.Unmarshal(payload, v)
}

// UnverifiedClaims returns the claims of a token that is known to be authentic because of where it was stored, such as in a
// sealed cookie. It checks the format and the types of the claims as [Verifier.Verify] does, but not the signature, issuer,
// client ID, audience or times.
//
// Never use it for a token from outside, and never authorize a request by its result: an attacker can invent such a token, and
// a genuine one may have expired long ago. Use it to read an ID from a stored session, for example to sign out.
func UnverifiedClaims(token string) (*Claims, error) {
	c, err := parseCompact(token)
	if err != nil {
		return nil, err
	}
	return decodeClaims(&c, true)
}

// UnverifiedPartsClaims is [UnverifiedClaims] for a token that is known by its decoded parts.
func UnverifiedPartsClaims(token Parts) (*Claims, error) {
	c, err := newCompact(token)
	if err != nil {
		return nil, err
	}
	return decodeClaims(&c, true)
}

// usualMembers is more than the members of a usual token. More than that are allocated.
const usualMembers = 24

// memberBuffers holds *[usualMembers]member values for decodeClaims.
var memberBuffers = sync.Pool{New: func() any { return new([usualMembers]member) }}

// decodeClaims reads the payload of a token. The claims keep a reference to the token's text, or else to its payload. The error is a *RefusedError.
func decodeClaims(token *compact, needsSessionID bool) (*Claims, error) {
	buffer := memberBuffers.Get().(*[usualMembers]member)
	defer func() {
		*buffer = [usualMembers]member{} // so that the texts are not kept in memory
		memberBuffers.Put(buffer)
	}()
	m, err := splitObject(token.Payload, buffer[:0])
	if err != nil {
		return nil, &RefusedError{"payload", "a JSON object with unique members", err.Error()}
	}
	r := claimReader{members: m}
	lists := m.newLists()
	c := &Claims{
		Issuer:    r.optionalString("iss"),
		Subject:   r.requiredString("sub"),
		ClientID:  r.optionalString("client_id"),
		ExpiresAt: r.requiredTime("exp"),
		IssuedAt:  r.optionalTime("iat"),
		NotBefore: r.optionalTime("nbf"),

		ID:             m.lenientString("jti"),
		OrganizationID: m.lenientString("org_id"),
		Role:           m.lenientString("role"),
		Roles:          lists.strings("roles"),
		Permissions:    lists.strings("permissions"),
		Entitlements:   lists.strings("entitlements"),
		FeatureFlags:   lists.strings("feature_flags"),
		Impersonated:   m.has("act") && m.describe("act") != "null",
		Actor:          m.actor(),
		AuthTime:       m.lenientTime("auth_time"),
		Scopes:         lists.scopes(),

		token: token.text,
		keyID: token.keyID,
	}
	if c.token == "" {
		c.payload = token.Payload
	}
	if needsSessionID {
		c.SessionID = r.sessionID()
	} else {
		c.SessionID = r.optionalString("sid")
	}
	c.Audience, c.malformedAudience = lists.audience()
	r.checkKind()
	if r.refused != nil {
		return nil, r.refused
	}
	if c.token != "" {
		c.detach()
	}
	return c, nil
}

// detach copies all texts into one string of their own. The decoded payload can then be freed while the claims are kept.
// Claims that keep the payload need no copies.
func (c *Claims) detach() {
	texts := [...]*string{&c.Issuer, &c.Subject, &c.SessionID, &c.ClientID, &c.ID, &c.OrganizationID, &c.Role, &c.Actor, &c.keyID}
	lists := [...][]string{c.Roles, c.Permissions, c.Entitlements, c.FeatureFlags, c.Audience, c.Scopes}
	size := 0
	for _, text := range texts {
		size += len(*text)
	}
	for _, list := range lists {
		for _, text := range list {
			size += len(text)
		}
	}
	var all strings.Builder
	all.Grow(size)
	move := func(text *string) {
		start := all.Len()
		all.WriteString(*text)
		*text = all.String()[start:]
	}
	for _, text := range texts {
		move(text)
	}
	for _, list := range lists {
		for i := range list {
			move(&list[i])
		}
	}
}

// claimReader reads the claims whose values can refuse a token. It keeps the first refusal.
type claimReader struct {
	members
	refused *RefusedError
}

func (r *claimReader) refuse(e *RefusedError) {
	if r.refused == nil {
		r.refused = e
	}
}

func (r *claimReader) requiredString(claim string) string {
	value, _ := r.str(claim)
	if value == "" {
		r.refuse(&RefusedError{claim, "a non-empty string", r.describe(claim)})
	}
	return value
}

func (r *claimReader) optionalString(claim string) string {
	if !r.has(claim) {
		return ""
	}
	return r.requiredString(claim)
}

func (r *claimReader) requiredTime(claim string) time.Time {
	t, err := r.numericDate(claim)
	if err != nil {
		r.refuse(err)
	}
	return t
}

func (r *claimReader) optionalTime(claim string) time.Time {
	if !r.has(claim) {
		return time.Time{}
	}
	return r.requiredTime(claim)
}

// maxNumericDate is the last second of the year 9999, the last one that RFC 3339 and the text forms of time.Time support.
const maxNumericDate = 253402300799

// numericDate reads a NumericDate (RFC 7519 section 2): seconds since the epoch, fractions allowed. It refuses zero and
// negative numbers: no token means such a time, and some programs take 0 for "never".
func (m members) numericDate(claim string) (time.Time, *RefusedError) {
	const want = "a NumericDate"
	if got := m.describe(claim); got != "a number" {
		return time.Time{}, &RefusedError{claim, want, got}
	}
	raw, _ := m.get(claim)
	seconds, err := strconv.ParseFloat(raw, 64)
	if err != nil || seconds <= 0 || seconds > maxNumericDate {
		return time.Time{}, &RefusedError{claim, want, "a number out of range"}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*float64(time.Second))), nil
}

func (m members) lenientTime(claim string) time.Time {
	t, _ := m.numericDate(claim)
	return t
}

func (m members) lenientString(claim string) string {
	value, _ := m.str(claim)
	return value
}

// lists reads the claims that are lists of strings. They share one slice, which is one allocation instead of six.
type lists struct {
	members
	all []string
}

// listClaims are the claims that can be lists of strings.
var listClaims = [...]string{"roles", "permissions", "entitlements", "feature_flags", "aud", "scope"}

// newLists returns the reader of the lists, with room for all of them.
func (m members) newLists() lists {
	values := 0
	for _, claim := range listClaims {
		if raw, _ := m.get(claim); raw != "" {
			values += 1 + strings.Count(raw, ",") + strings.Count(raw, " ")
		}
	}
	return lists{members: m, all: make([]string, 0, values)}
}

// since returns the values that were added after the first n, or nil for none.
func (l *lists) since(n int) []string {
	if len(l.all) == n {
		return nil
	}
	return slices.Clip(l.all[n:])
}

// strings reads an array of strings. Any other value, and an empty array, is no list.
func (l *lists) strings(claim string) []string {
	raw, _ := l.get(claim)
	if raw == "" || raw[0] != '[' {
		return nil
	}
	s := scanner{data: raw, pos: 1}
	if s.skipSpace(); s.accept(']') {
		return nil
	}
	first := len(l.all)
	for {
		s.skipSpace()
		quoted, ok := s.text()
		if !ok {
			l.all = l.all[:first]
			return nil
		}
		l.all = append(l.all, unquote(quoted))
		if s.skipSpace(); !s.accept(',') {
			return l.since(first)
		}
	}
}

// audience reads aud, a string or an array of strings (RFC 7519 section 4.1.3). Of any other value it returns the JSON type.
func (l *lists) audience() (values []string, malformed string) {
	if !l.has("aud") {
		return nil, ""
	}
	if value, ok := l.str("aud"); ok {
		first := len(l.all)
		l.all = append(l.all, value)
		return l.since(first), ""
	}
	if values = l.strings("aud"); values == nil {
		malformed = l.describe("aud")
	}
	return values, malformed
}

// scopes reads scope. A scope that comes twice is kept once.
func (l *lists) scopes() []string {
	if !l.has("scope") {
		return nil
	}
	first := len(l.all)
	for scope := range strings.SplitSeq(l.lenientString("scope"), " ") {
		if scope != "" && !slices.Contains(l.all[first:], scope) {
			l.all = append(l.all, scope)
		}
	}
	return l.since(first)
}

// actor reads act.sub (RFC 8693 section 4.1).
func (m members) actor() string {
	raw, present := m.get("act")
	if !present {
		return ""
	}
	var buffer [4]member
	act, err := splitObject(raw, buffer[:0])
	if err != nil {
		return ""
	}
	return act.lenientString("sub")
}
