// Tests of the shared format and of the format of workos-go.

package payload

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/workos"
)

func TestASharedSessionDecodesToWhatWasEncoded(t *testing.T) {
	for name, change := range map[string]func(*Session){
		"full":                           func(*Session) {},
		"no refresh token":               func(s *Session) { s.RefreshToken = "" },
		"an impersonator without reason": func(s *Session) { s.Impersonator.Reason = "" },
		"no impersonator":                func(s *Session) { s.Impersonator = nil },
		"no method":                      func(s *Session) { s.AuthenticationMethod = "" },
		"no names":                       func(s *Session) { s.User.FirstName, s.User.LastName, s.User.Name = "", "", "" },
		"several scripts": func(s *Session) {
			s.User.FirstName, s.User.LastName = "Ζωή 👩‍🚀", "山田\u2028\r\n;=,<&>"
		},
		"unknown times of the user": func(s *Session) { s.User.CreatedAt, s.User.LastSignInAt = time.Time{}, time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			s := fullSession()
			change(&s)
			back := throughShared(t, s)
			back.shared = nil
			assert.Equal(t, s, back)
		})
	}
}

func TestASharedSessionKeepsTheChangeThatItsTokenShows(t *testing.T) {
	s := fullSession()
	s.CurrentTo = time.UnixMilli(1_773_480_413_123).UTC()
	assert.Equal(t, s.CurrentTo, throughShared(t, s).CurrentTo)
	s.CurrentTo = time.Time{}
	assert.Zero(t, throughShared(t, s).CurrentTo)
}

func TestASharedSessionKeepsItsOrigin(t *testing.T) {
	s := fullSession()
	s.Origin = "\x00\xff01234567890123"
	assert.Equal(t, s.Origin, throughShared(t, s).Origin)
	s.Origin = ""
	assert.Empty(t, throughShared(t, s).Origin)
}

// encodeShared encodes a session in the shared format. It takes the organization
// from the access token.
func encodeShared(t testing.TB, s Session) []byte {
	t.Helper()
	claims, err := s.AccessToken.UnverifiedClaims()
	require.NoError(t, err)
	return EncodeShared(&s, claims.OrganizationID)
}

// throughShared encodes a session in the shared format, and decodes it.
func throughShared(t *testing.T, s Session) Session {
	t.Helper()
	encoded := encodeShared(t, s)
	back, err := DecodeShared(encoded)
	require.NoError(t, err)
	return back
}

func TestTheSharedFormatHasAllMembersAndNulls(t *testing.T) {
	s := fullSession()
	s.Impersonator.Reason = ""
	s.User.Locale, s.User.ExternalID, s.metadata = "", "", nil
	s.User.LastSignInAt = time.Time{}
	encoded := encodeShared(t, s)
	assert.JSONEq(t, `{
		"accessToken": "`+s.AccessToken.Text()+`", "refreshToken": "refresh-1", "authenticationMethod": "GoogleOAuth",
		"impersonator": {"email": "ops@example.com", "reason": null},
		"user": {
			"object": "user", "id": "user_1", "email": "kim@example.com", "emailVerified": true, "firstName": "Kim", "lastName": "Oduya",
			"name": "Kim Oduya", "profilePictureUrl": "https://example.com/kim.png", "externalId": null, "locale": null, "metadata": {},
			"lastSignInAt": null, "createdAt": "2026-03-14T08:26:53.589Z", "updatedAt": "2026-03-14T09:26:53.590Z"
		},
		"authkit": {"signedInAt": "2026-03-14T09:26:53.589Z", "renewedAt": "2026-03-14T09:31:53.589Z"}
	}`, string(encoded))
}

func TestMembersThatOnlyOtherLibrariesKnowAreKept(t *testing.T) {
	const written = `{
		"accessToken": "old", "refreshToken": "old", "authenticationMethod": "Password", "organizationId": "org_before",
		"oauthTokens": {"provider": "GoogleOAuth", "scopes": ["email"], "expiresAt": 1767225600},
		"impersonator": {"email": "ops@example.com", "reason": "ticket 9", "since": [1, 2.50, null]},
		"AccessToken": "another member", "<&>": "é",
		"user": {"id": "user_1", "email": "old@example.com", "theme": "dark", "metadata": {"plan": "pro"}, "badges": {"a": [true]}},
		"authkit": {"signedInAt": "2026-03-14T09:26:53.589Z", "renewedAt": "2026-03-14T09:31:53.589Z", "later": 1}
	}`
	s, err := DecodeShared([]byte(written))
	require.NoError(t, err)
	s.AccessToken, s.RefreshToken = NewToken(typicalToken), "new"
	s.User.Email = "new@example.com"
	encoded := encodeShared(t, s)
	assert.NotContains(t, string(encoded), `\u00`, "escaping for HTML takes bytes")

	var back object
	require.NoError(t, json.Unmarshal(encoded, &back))
	for member, want := range map[string]string{
		"oauthTokens":  `{"provider": "GoogleOAuth", "scopes": ["email"], "expiresAt": 1767225600}`,
		"impersonator": `{"email": "ops@example.com", "reason": "ticket 9", "since": [1, 2.50, null]}`,
		"AccessToken":  `"another member"`,
		"<&>":          `"é"`,
		"accessToken":  `"` + typicalToken + `"`,
		"refreshToken": `"new"`,
	} {
		assert.JSONEq(t, want, string(back[member]), member)
	}
	user := back.object("user")
	assert.JSONEq(t, `"dark"`, string(user["theme"]))
	assert.JSONEq(t, `{"a": [true]}`, string(user["badges"]))
	assert.JSONEq(t, `"new@example.com"`, string(user["email"]))
	assert.NotContains(t, back, "organizationId", "the token has no organization")
}

func TestEncodingACopyOfASharedSessionChangesNoOther(t *testing.T) {
	s, err := DecodeShared([]byte(`{"accessToken": "` + typicalToken + `", "user": {"id": "user_1"}, "unknown": 1}`))
	require.NoError(t, err)
	before := string(s.shared.encode())
	other := s
	other.AccessToken, other.User = NewToken(typicalToken), workos.User{ID: "user_2"}
	throughShared(t, other)
	assert.Equal(t, before, string(s.shared.encode()), "encoding one session changed another")
}

func TestASessionOfTheEarlierIronSessionIsDecodedAndEncodedInTheCurrentForm(t *testing.T) {
	session := `{"accessToken":"` + typicalToken + `","refreshToken":"r","user":{"id":"user_1","email":"kim@example.com"},"theme":"dark"}`
	s, err := DecodeShared([]byte(`{"persistent":` + session + `,"flash":{"notice":"hello"}}`))
	require.NoError(t, err)
	assert.Equal(t, "r", s.RefreshToken)
	assert.Equal(t, "kim@example.com", s.User.Email)
	want, err := DecodeShared([]byte(session))
	require.NoError(t, err)
	assert.JSONEq(t, string(encodeShared(t, want)), string(encodeShared(t, s)))
}

func TestTheMemberPersistentCountsOnlyWithoutATokenBesideIt(t *testing.T) {
	planted := `{"accessToken":"` + typicalToken + `","refreshToken":"other","user":{"id":"user_2"}}`
	s, err := DecodeShared([]byte(`{"accessToken":"` + typicalToken + `","refreshToken":"r","user":{"id":"user_1"},"persistent":` + planted + `}`))
	require.NoError(t, err)
	assert.Equal(t, "user_1", s.User.ID)
	for name, encoded := range map[string]string{
		"in another case": `{"Persistent":` + planted + `}`,
		"twice nested":    `{"persistent":{"persistent":` + planted + `}}`,
		"in flash":        `{"persistent":{},"flash":` + planted + `}`,
		"a text":          `{"persistent":"x"}`,
		"a null token":    `{"accessToken":null,"persistent":` + planted + `}`,
	} {
		_, err := DecodeShared([]byte(encoded))
		assert.ErrorIs(t, err, fields.ErrEncoding, name)
	}
}

func TestTheTimesOfASharedSessionComeFromItsToken(t *testing.T) {
	for name, c := range map[string]struct {
		claims, times           string
		signedInAt, refreshedAt int64
	}{
		"auth_time and iat": {`"auth_time": 1767225000, "iat": 1767225600,`, "", 1767225000, 1767225600},
		"only iat":          {`"iat": 1767225600,`, "", 1767225600, 1767225600},
		"own times":         {`"auth_time": 1767225000, "iat": 1767225600,`, `, "authkit": {"signedInAt": "2026-01-01T00:00:07.000Z", "renewedAt": "2026-01-01T00:00:08.000Z"}`, 1767225607, 1767225608},
	} {
		t.Run(name, func(t *testing.T) {
			token := tokenOf(`{"iss": "x", "sub": "user_1", "sid": "session_1", ` + c.claims + ` "exp": 1767225900}`)
			s, err := DecodeShared([]byte(`{"accessToken": "` + token + `", "user": {"id": "user_1"}` + c.times + `}`))
			require.NoError(t, err)
			assert.Equal(t, c.signedInAt, s.SignedInAt.Unix())
			assert.Equal(t, c.refreshedAt, s.RefreshedAt.Unix())
		})
	}
	token := tokenOf(`{"iss": "x", "sub": "user_1", "sid": "session_1", "exp": 1767225900}`)
	s, err := DecodeShared([]byte(`{"accessToken": "` + token + `", "user": {"id": "user_1"}}`))
	require.NoError(t, err)
	s = throughShared(t, s)
	assert.True(t, s.SignedInAt.IsZero(), "unknown times stay unknown")
}

func TestAnInvalidSessionOfOtherLibrariesIsRefusedWithoutQuotingIt(t *testing.T) {
	decoders := map[string]func([]byte) (Session, error){"shared": DecodeShared, "workos-go": DecodeWorkOSGo}
	for name, written := range map[string]string{
		"nothing":                        ``,
		"not JSON":                       `secret`,
		"a text":                         `"secret"`,
		"a list":                         `["secret"]`,
		"null":                           `null`,
		"an empty object":                `{}`,
		"a pending sign-in":              `{"nonce": "secret", "codeVerifier": "secret", "returnPathname": "/"}`,
		"no user":                        `{"accessToken": "secret", "access_token": "secret"}`,
		"a user that is null":            `{"accessToken": "secret", "access_token": "secret", "user": null}`,
		"a user that is a text":          `{"accessToken": "secret", "access_token": "secret", "user": "secret"}`,
		"a user without ID":              `{"accessToken": "secret", "access_token": "secret", "user": {"email": "secret"}}`,
		"a token that is a number":       `{"accessToken": 1, "access_token": 1, "user": {"id": "secret"}}`,
		"a token that is not a JWT":      `{"accessToken": "secret", "access_token": "secret", "user": {"id": "secret"}}`,
		"no token":                       `{"refreshToken": "secret", "refresh_token": "secret", "user": {"id": "secret"}}`,
		"an invalid time":                `{"accessToken": "secret", "access_token": "secret", "user": {"id": "secret", "createdAt": "secret", "created_at": "secret"}}`,
		"more than one value":            `{"accessToken": "secret"} {}`,
		"a name that is a number":        `{"accessToken": "secret", "access_token": "secret", "user": {"id": "secret", "firstName": 1, "first_name": 1}}`,
		"an impersonator that is a text": `{"accessToken": "secret", "access_token": "secret", "user": {"id": "secret"}, "impersonator": "secret"}`,
	} {
		for format, decode := range decoders {
			_, err := decode([]byte(written))
			require.Error(t, err, "%s: %s", format, name)
			assert.NotContains(t, err.Error(), "secret", "%s: %s", format, name)
		}
	}
}

// Verification would refuse such a session later. The decoders refuse it already.
func TestASessionOfOtherLibrariesWithoutAUserIsRefused(t *testing.T) {
	token := tokenOf(`{"iss": "x", "sub": "user_1", "sid": "session_1", "exp": 1767225900}`)
	for name, user := range map[string]string{"no user": `null`, "no ID": `{"email":"kim@example.com"}`, "an empty ID": `{"id":""}`} {
		_, err := DecodeShared([]byte(`{"accessToken":"` + token + `","user":` + user + `}`))
		assert.ErrorIs(t, err, fields.ErrEncoding, name)
		_, err = DecodeWorkOSGo([]byte(`{"access_token":"` + token + `","user":` + user + `}`))
		assert.ErrorIs(t, err, fields.ErrEncoding, name)
	}
}

func TestASharedSessionWithoutAnAccessTokenIsRefused(t *testing.T) {
	times := `"authkit":{"signedInAt":"2026-03-14T09:26:53.000Z","renewedAt":"2026-03-14T09:26:53.000Z"}`
	for name, token := range map[string]string{"none": ``, "an empty one": `"accessToken":"",`, "null": `"accessToken":null,`} {
		_, err := DecodeShared([]byte(`{` + token + times + `,"user":{"id":"user_kim"}}`))
		assert.ErrorIs(t, err, fields.ErrEncoding, name)
	}
}

func TestASharedSessionWithANullImpersonatorHasNone(t *testing.T) {
	token := tokenOf(`{"iss": "x", "sub": "user_kim", "sid": "session_1", "exp": 1767225900}`)
	s, err := DecodeShared([]byte(`{"accessToken":"` + token + `","impersonator":null,"user":{"id":"user_kim"}}`))
	require.NoError(t, err)
	assert.NotContains(t, string(EncodeShared(&s, "")), "impersonator")
}

// tokenOf returns a token with the given claims. Its signature is not valid.
func tokenOf(claims string) string {
	parts := strings.Split(typicalToken, ".")
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "." + parts[2]
}

func FuzzDecodeShared(f *testing.F) {
	s := fullSession()
	encoded := encodeShared(f, s)
	f.Add(encoded)
	f.Add([]byte(`{"accessToken": "` + typicalToken + `", "user": {"id": "user_1", "metadata": {"a": 1, "b": null}}, "x": [1e400]}`))
	f.Add([]byte(`{"persistent": {"accessToken": "` + typicalToken + `", "user": {"id": "user_1"}}, "flash": {}}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		s, err := DecodeShared(encoded)
		if err != nil {
			return
		}
		claims, err := s.AccessToken.UnverifiedClaims()
		if err != nil {
			return
		}
		back, err := DecodeShared(EncodeShared(&s, claims.OrganizationID))
		require.NoError(t, err)
		assert.Equal(t, s.User.ID, back.User.ID)
		assert.Equal(t, s.AccessToken, back.AccessToken)
		for member := range s.shared {
			switch member {
			case memberImpersonator, memberMethod, memberOrganizationID:
			default:
				assert.Contains(t, back.shared, member)
			}
		}
	})
}
