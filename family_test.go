package authkit

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

func TestASessionComesBackFromTheFamilysFormatAsItWas(t *testing.T) {
	for name, change := range map[string]func(*sealedSession){
		"full":                           func(*sealedSession) {},
		"no refresh token":               func(s *sealedSession) { s.refreshToken = "" },
		"an impersonator without reason": func(s *sealedSession) { s.impersonator.Reason = "" },
		"no impersonator":                func(s *sealedSession) { s.impersonator = nil },
		"no method":                      func(s *sealedSession) { s.method = "" },
		"no names":                       func(s *sealedSession) { s.user.FirstName, s.user.LastName, s.user.Name = "", "", "" },
		"several scripts": func(s *sealedSession) {
			s.user.FirstName, s.user.LastName = "Ζωή 👩‍🚀", "山田\u2028\r\n;=,<&>"
		},
		"times of the user not known": func(s *sealedSession) { s.user.CreatedAt, s.user.LastSignInAt = time.Time{}, time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			s := fullSession()
			change(&s)
			back := throughFamily(t, s)
			back.family = nil
			assert.Equal(t, s, back)
		})
	}
}

// throughFamily encodes a session as the family does, and decodes it.
func throughFamily(t *testing.T, s sealedSession) sealedSession {
	t.Helper()
	encoded, err := encodeFamily(unverifiedSession(s))
	require.NoError(t, err)
	back, err := decodeFamily(encoded)
	require.NoError(t, err)
	return back
}

func TestTheFamilysFormatHasItsMembersAndNulls(t *testing.T) {
	s := fullSession()
	s.impersonator.Reason = ""
	s.user.Locale, s.user.ExternalID, s.metadata = "", "", nil
	s.user.LastSignInAt = time.Time{}
	encoded, err := encodeFamily(unverifiedSession(s))
	require.NoError(t, err)
	assert.JSONEq(t, `{
		"accessToken": "`+s.accessToken+`", "refreshToken": "refresh-1", "authenticationMethod": "GoogleOAuth",
		"impersonator": {"email": "ops@example.com", "reason": null},
		"user": {
			"object": "user", "id": "user_1", "email": "kim@example.com", "emailVerified": true, "firstName": "Kim", "lastName": "Oduya",
			"name": "Kim Oduya", "profilePictureUrl": "https://example.com/kim.png", "externalId": null, "locale": null, "metadata": {},
			"lastSignInAt": null, "createdAt": "2026-03-14T08:26:53.589Z", "updatedAt": "2026-03-14T09:26:53.590Z"
		},
		"authkit": {"signedInAt": "2026-03-14T09:26:53.589Z", "renewedAt": "2026-03-14T09:31:53.589Z"}
	}`, string(encoded))
}

func TestMembersThatOnlyOthersKnowSurvive(t *testing.T) {
	const written = `{
		"accessToken": "old", "refreshToken": "old", "authenticationMethod": "Password", "organizationId": "org_before",
		"oauthTokens": {"provider": "GoogleOAuth", "scopes": ["email"], "expiresAt": 1767225600},
		"impersonator": {"email": "ops@example.com", "reason": "ticket 9", "since": [1, 2.50, null]},
		"AccessToken": "another member", "<&>": "é",
		"user": {"id": "user_1", "email": "old@example.com", "theme": "dark", "metadata": {"plan": "pro"}, "badges": {"a": [true]}},
		"authkit": {"signedInAt": "2026-03-14T09:26:53.589Z", "renewedAt": "2026-03-14T09:31:53.589Z", "later": 1}
	}`
	s, err := decodeFamily([]byte(written))
	require.NoError(t, err)
	s.accessToken, s.refreshToken = typicalToken, "new"
	s.user.Email = "new@example.com"
	encoded, err := encodeFamily(unverifiedSession(s))
	require.NoError(t, err)
	assert.NotContains(t, string(encoded), `\u00`, "no byte is spent on escaping for HTML")

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
	assert.NotContains(t, back, "organizationId", "the token is for no organization any more")
}

func TestTheRestOfAFamilySessionIsNotShared(t *testing.T) {
	s, err := decodeFamily([]byte(`{"accessToken": "` + typicalToken + `", "user": {"id": "user_1"}, "theirs": 1}`))
	require.NoError(t, err)
	before := string(s.family.encode())
	other := s
	other.accessToken, other.user = typicalToken, workos.User{ID: "user_2"}
	throughFamily(t, other)
	assert.Equal(t, before, string(s.family.encode()), "encoding one session changed another")
}

func TestWhenAFamilySessionBeganIsReadOffItsToken(t *testing.T) {
	for name, c := range map[string]struct {
		claims, times         string
		signedInAt, renewedAt int64
	}{
		"proof and issue": {`"auth_time": 1767225000, "iat": 1767225600,`, "", 1767225000, 1767225600},
		"issue alone":     {`"iat": 1767225600,`, "", 1767225600, 1767225600},
		"our own times":   {`"auth_time": 1767225000, "iat": 1767225600,`, `, "authkit": {"signedInAt": "2026-01-01T00:00:07.000Z", "renewedAt": "2026-01-01T00:00:08.000Z"}`, 1767225607, 1767225608},
	} {
		t.Run(name, func(t *testing.T) {
			token := tokenOf(`{"iss": "x", "sub": "user_1", "sid": "session_1", ` + c.claims + ` "exp": 1767225900}`)
			s, err := decodeFamily([]byte(`{"accessToken": "` + token + `", "user": {"id": "user_1"}` + c.times + `}`))
			require.NoError(t, err)
			assert.Equal(t, c.signedInAt, s.signedInAt.Unix())
			assert.Equal(t, c.renewedAt, s.renewedAt.Unix())
		})
	}
	token := tokenOf(`{"iss": "x", "sub": "user_1", "sid": "session_1", "exp": 1767225900}`)
	s, err := decodeFamily([]byte(`{"accessToken": "` + token + `", "user": {"id": "user_1"}}`))
	require.NoError(t, err)
	s = throughFamily(t, s)
	assert.True(t, s.signedInAt.IsZero(), "what is not known stays so, and opens again")
}

func TestWhatIsNoSessionOfOthersIsRefusedWithoutQuotingIt(t *testing.T) {
	decoders := map[string]func([]byte) (sealedSession, error){"family": decodeFamily, "workos-go": decodeWorkOSGo}
	for name, written := range map[string]string{
		"nothing":                    ``,
		"no JSON":                    `secret`,
		"a text":                     `"secret"`,
		"a list":                     `["secret"]`,
		"null":                       `null`,
		"an empty object":            `{}`,
		"a sign-in under way":        `{"nonce": "secret", "codeVerifier": "secret", "returnPathname": "/"}`,
		"no user":                    `{"accessToken": "secret", "access_token": "secret"}`,
		"a user that is null":        `{"accessToken": "secret", "access_token": "secret", "user": null}`,
		"a user that is a text":      `{"accessToken": "secret", "access_token": "secret", "user": "secret"}`,
		"a user without ID":          `{"accessToken": "secret", "access_token": "secret", "user": {"email": "secret"}}`,
		"a token that is a number":   `{"accessToken": 1, "access_token": 1, "user": {"id": "secret"}}`,
		"a token that is no token":   `{"accessToken": "secret", "access_token": "secret", "user": {"id": "secret"}}`,
		"no token":                   `{"refreshToken": "secret", "refresh_token": "secret", "user": {"id": "secret"}}`,
		"a time that is none":        `{"accessToken": "secret", "access_token": "secret", "user": {"id": "secret", "createdAt": "secret", "created_at": "secret"}}`,
		"more than one value":        `{"accessToken": "secret"} {}`,
		"a name that is a number":    `{"accessToken": "secret", "access_token": "secret", "user": {"id": "secret", "firstName": 1, "first_name": 1}}`,
		"an impersonator, in a text": `{"accessToken": "secret", "access_token": "secret", "user": {"id": "secret"}, "impersonator": "secret"}`,
	} {
		for format, decode := range decoders {
			_, err := decode([]byte(written))
			require.Error(t, err, "%s: %s", format, name)
			assert.NotContains(t, err.Error(), "secret", "%s: %s", format, name)
		}
	}
}

// tokenOf makes a token of a payload. Nothing here verifies it.
func tokenOf(payload string) string {
	parts := strings.Split(typicalToken, ".")
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + parts[2]
}

func FuzzDecodeFamily(f *testing.F) {
	s := fullSession()
	encoded, err := encodeFamily(unverifiedSession(s))
	require.NoError(f, err)
	f.Add(encoded)
	f.Add([]byte(`{"accessToken": "` + typicalToken + `", "user": {"id": "user_1", "metadata": {"a": 1, "b": null}}, "x": [1e400]}`))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		s, err := decodeFamily(encoded)
		if err != nil {
			return
		}
		session := unverifiedSession(s)
		if session == nil {
			return
		}
		again, err := encodeFamily(session)
		require.NoError(t, err)
		back, err := decodeFamily(again)
		require.NoError(t, err)
		assert.Equal(t, s.user.ID, back.user.ID)
		assert.Equal(t, s.accessToken, back.accessToken)
		for member := range s.family {
			switch member {
			case memberImpersonator, memberMethod, memberOrganizationID:
			default:
				assert.Contains(t, back.family, member)
			}
		}
	})
}
