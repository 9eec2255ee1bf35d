// Turns a token's payload into Claims.

package jwks

import (
	"crypto/rsa"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// Claims are the claims of an AuthKit access token (https://workos.com/docs/reference/authkit/session-tokens). Absent
// claims leave a zero value.
//
// A JWT template can give most claims any value, so all from ID on are as if absent where their value is not of the
// expected type, while such a value in one of those before ID is a reason to refuse the token.
type Claims struct {
	Issuer    string    // iss
	Subject   string    // sub, the user's ID; never empty
	SessionID string    // sid; never empty
	ClientID  string    // client_id, the application that the token was minted for
	ExpiresAt time.Time // exp; never zero
	IssuedAt  time.Time // iat
	NotBefore time.Time // nbf

	ID             string   // jti
	OrganizationID string   // org_id
	Role           string   // role, the one of the highest priority
	Roles          []string // roles, all of them
	Permissions    []string // permissions
	Entitlements   []string // entitlements
	FeatureFlags   []string // feature_flags
	Impersonated   bool     // whether there is an act that is not null: somebody else acts as the user
	Actor          string   // act.sub, the email address of who impersonates the user
	// AuthTime is auth_time, the time of the last active authentication. A refresh does not change it. A time in the
	// future, beyond the leeway, is no proof: [Verifier.Verify] leaves it out.
	AuthTime time.Time
	Audience []string // aud, of one or more

	malformedAudience string // the JSON type of an aud that is neither a string nor an array of strings, or ""

	token string // that they are the payload of

	verifier *Verifier      // that verified it; nil if none did
	keyID    string         // of the key that it was signed by
	key      *rsa.PublicKey // that key
}

// Decode unmarshals the whole payload into v as [json.Unmarshal] does. It is for claims that a JWT template adds.
func (c *Claims) Decode(v any) error {
	_, rest, _ := strings.Cut(c.token, ".")
	payload64, _, _ := strings.Cut(rest, ".")
	payload, err := base64url.DecodeString(payload64)
	if err != nil {
		return err
	}
	return json.Unmarshal(payload, v)
}

// UnverifiedClaims returns the claims of a token whose authenticity is already known because of where it was
// kept, such as inside a sealed cookie. The format and the types of the claims are checked as [Verifier.Verify] checks
// them; signature, issuer, client and times are not.
//
// Never use it on a token that came from outside, and never decide from its result what a request may do: anybody can
// make up such a token, and even a genuine one may have expired long ago. It is for reading an ID out of one's own store,
// as signing out does.
func UnverifiedClaims(token string) (*Claims, error) {
	c, err := parseCompact(token)
	if err != nil {
		return nil, err
	}
	return decodeClaims(c)
}

// decodeClaims reads the payload of a token, keeping a reference to the token. Errors are of type *RefusedError.
func decodeClaims(token *compact) (*Claims, error) {
	var room [24]member
	m, err := splitObject(token.payload, room[:0])
	if err != nil {
		return nil, &RefusedError{"payload", "a JSON object with unique members", err.Error()}
	}
	r := claimReader{members: m}
	c := &Claims{
		Issuer:    r.optionalString("iss"),
		Subject:   r.requiredString("sub"),
		SessionID: r.requiredString("sid"),
		ClientID:  r.optionalString("client_id"),
		ExpiresAt: r.requiredTime("exp"),
		IssuedAt:  r.optionalTime("iat"),
		NotBefore: r.optionalTime("nbf"),

		ID:             m.lenientString("jti"),
		OrganizationID: m.lenientString("org_id"),
		Role:           m.lenientString("role"),
		Roles:          m.lenientStrings("roles"),
		Permissions:    m.lenientStrings("permissions"),
		Entitlements:   m.lenientStrings("entitlements"),
		FeatureFlags:   m.lenientStrings("feature_flags"),
		Impersonated:   m.has("act") && m.describe("act") != "null",
		Actor:          m.actor(),
		AuthTime:       m.lenientTime("auth_time"),

		token: token.text,
	}
	c.Audience, c.malformedAudience = m.audience()
	if r.refused != nil {
		return nil, r.refused
	}
	c.detach()
	return c, nil
}

// detach moves the texts out of the payload's memory into one of their own, so that whoever keeps claims keeps no payload
// beside the token.
func (c *Claims) detach() {
	texts := [...]*string{&c.Issuer, &c.Subject, &c.SessionID, &c.ClientID, &c.ID, &c.OrganizationID, &c.Role, &c.Actor}
	lists := [...][]string{c.Roles, c.Permissions, c.Entitlements, c.FeatureFlags, c.Audience}
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

// claimReader reads the claims on which a token can fail, and keeps the first failure.
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

// maxNumericDate is the last second of the year 9999, the end of what RFC 3339 and so time.Time's text forms can express.
const maxNumericDate = 253402300799

// numericDate reads a NumericDate (RFC 7519 section 2): seconds since the epoch, fractions allowed. The epoch itself and
// what lies before it is refused: no such time is meant, and a careless program takes 0 for "never".
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

func (m members) lenientStrings(claim string) []string {
	raw, _ := m.get(claim)
	if raw == "" || raw[0] != '[' {
		return nil
	}
	s := scanner{data: raw, pos: 1}
	if s.skipSpace(); s.next(']') {
		return nil
	}
	values := make([]string, 0, 1+strings.Count(raw, ","))
	for {
		s.skipSpace()
		quoted, ok := s.text()
		if !ok {
			return nil
		}
		values = append(values, unquote(quoted))
		if s.skipSpace(); !s.next(',') {
			return values
		}
	}
}

// audience reads aud, a string or an array of strings (RFC 7519 section 4.1.3). Of anything else the JSON type is told.
func (m members) audience() (values []string, malformed string) {
	if !m.has("aud") {
		return nil, ""
	}
	if value, ok := m.str("aud"); ok {
		return []string{value}, ""
	}
	if values = m.lenientStrings("aud"); values == nil {
		malformed = m.describe("aud")
	}
	return values, malformed
}

// actor reads act.sub (RFC 8693 section 4.1).
func (m members) actor() string {
	raw, present := m.get("act")
	if !present {
		return ""
	}
	var room [4]member
	act, err := splitObject(raw, room[:0])
	if err != nil {
		return ""
	}
	return act.lenientString("sub")
}
