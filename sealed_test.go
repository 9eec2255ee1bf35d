package authkit

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

// typicalToken looks like an access token. Nothing here verifies it.
var typicalToken = strings.Join([]string{
	base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"sso_oidc_key_pair_01"}`)),
	base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://api.workos.com","sub":"user_1","sid":"session_1","exp":1767225900}`)),
	base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xa5, 0x00, 0xff, 0x3e}, 64)),
}, ".")

// fullSession has a value in every field.
func fullSession() sealedSession {
	at := time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)
	s := sealedSession{
		accessToken:  typicalToken,
		refreshToken: "refresh-1",
		impersonator: &workos.Impersonator{Email: "ops@example.com", Reason: "ticket 9"},
		method:       "GoogleOAuth",
		signedInAt:   at,
		renewedAt:    at.Add(5 * time.Minute),
	}
	s.setUser(workos.User{
		ID: "user_1", Email: "kim@example.com", EmailVerified: true, FirstName: "Kim", LastName: "Oduya", Name: "Kim Oduya",
		ProfilePictureURL: "https://example.com/kim.png", ExternalID: "42", Locale: "en-GB",
		Metadata:     map[string]string{"plan": "pro", "empty": "", "山": "Ωμέγα"},
		LastSignInAt: at, CreatedAt: at.Add(-time.Hour), UpdatedAt: at.Add(time.Millisecond),
	})
	return s
}

func TestASessionComesBackAsItWas(t *testing.T) {
	for name, change := range map[string]func(*sealedSession){
		"full":             func(*sealedSession) {},
		"the least":        func(s *sealedSession) { *s = sealedSession{accessToken: "t", user: workos.User{ID: "u"}} },
		"no refresh token": func(s *sealedSession) { s.refreshToken = "" },
		"no times": func(s *sealedSession) {
			s.signedInAt, s.renewedAt, s.user.CreatedAt = time.Time{}, time.Time{}, time.Time{}
		},
		"times before 1970":              func(s *sealedSession) { s.user.CreatedAt = time.Date(1901, 2, 3, 4, 5, 6, 7_000_000, time.UTC) },
		"the very first of 1970":         func(s *sealedSession) { s.user.CreatedAt = time.UnixMilli(0).UTC() },
		"a time far away":                func(s *sealedSession) { s.user.CreatedAt = time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC) },
		"an impersonator without reason": func(s *sealedSession) { s.impersonator.Reason = "" },
		"an impersonator without email":  func(s *sealedSession) { s.impersonator.Email = "" },
		"an impersonator without either": func(s *sealedSession) { s.impersonator = &workos.Impersonator{} },
		"no impersonator":                func(s *sealedSession) { s.impersonator = nil },
		"an address not verified":        func(s *sealedSession) { s.user.EmailVerified = false },
		"no metadata":                    func(s *sealedSession) { s.metadata = nil },
		"metadata under an empty key":    func(s *sealedSession) { s.metadata = metadata{"", "x", "a", "1", "b", "2"} },
		"nothing under an empty key":     func(s *sealedSession) { s.metadata = metadata{"", ""} },
		"several scripts": func(s *sealedSession) {
			s.user.FirstName, s.user.LastName = "Ζωή 👩‍🚀", "山田\u0000\r\n;=,"
		},
		"bytes that are no UTF-8": func(s *sealedSession) { s.user.Name = "\xff\xfe" },
		"a long name":             func(s *sealedSession) { s.user.Name = strings.Repeat("x", 70_000) },
	} {
		t.Run(name, func(t *testing.T) {
			s := fullSession()
			change(&s)
			back, err := decodeSealedSession(s.encode())
			require.NoError(t, err)
			assert.Equal(t, s, back)
		})
	}
}

func TestTimesKeepMillisecondsAndTheirInstant(t *testing.T) {
	s := fullSession()
	s.signedInAt = time.Date(2026, 3, 14, 9, 26, 53, 589_793_238, time.FixedZone("somewhere", 5*60*60+1800))
	back, err := decodeSealedSession(s.encode())
	require.NoError(t, err)
	assert.Equal(t, s.signedInAt.Truncate(time.Millisecond).UTC(), back.signedInAt)
}

func TestAnAccessTokenSurvivesToTheLetter(t *testing.T) {
	for name, token := range map[string]string{
		"typical":                           typicalToken,
		"opaque":                            "not.a-jwt",
		"one part":                          "AAAA",
		"four parts":                        "AAAA.AAAA.AAAA.AAAA",
		"empty parts":                       "..",
		"an empty signature":                "AAAA.AAAA.",
		"padding":                           "AAAA.AA==.AAAA",
		"unused bits that are set":          "AAAA.AB.AAAA",
		"a line break, which base64 skips":  "AA\nAA.AAAA.AAAA",
		"a carriage return":                 "AAAA.AAAA.AAAA\r",
		"the other alphabet":                "AA+/.AAAA.AAAA",
		"a length that no octets give":      "AAAAA.AAAA.AAAA",
		"other characters":                  "Ω.AAAA.AAAA",
		"parts of 128 octets and their end": strings.Repeat("A", 171) + "." + strings.Repeat("AAAA", 5000) + ".AA",
	} {
		t.Run(name, func(t *testing.T) {
			s := sealedSession{accessToken: token, user: workos.User{ID: "u"}}
			back, err := decodeSealedSession(s.encode())
			require.NoError(t, err)
			assert.Equal(t, token, back.accessToken)
		})
	}
}

func TestPackingATypicalTokenTakesAQuarterOff(t *testing.T) {
	packed, ok := packToken(typicalToken)
	require.True(t, ok)
	assert.Less(t, len(packed), len(typicalToken)*77/100)
}

func TestAPendingSignInComesBackAsItWas(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)
	for name, p := range map[string]pendingSignIn{
		"full":      {state: "s", verifier: "v", returnTo: "/a?b=山", appState: "Ω\x00", invitationToken: "i", startedAt: at},
		"the least": {state: "s", verifier: "v", startedAt: at},
	} {
		t.Run(name, func(t *testing.T) {
			back, err := decodePendingSignIn(p.encode())
			require.NoError(t, err)
			assert.Equal(t, p, back)
		})
	}
}

func TestWhatIsNeededMustBeThere(t *testing.T) {
	at := time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC)
	for name, p := range map[string]pendingSignIn{
		"no state":    {verifier: "v", startedAt: at},
		"no verifier": {state: "s", startedAt: at},
		"no time":     {state: "s", verifier: "v"},
	} {
		_, err := decodePendingSignIn(p.encode())
		assert.ErrorIs(t, err, errSealed, name)
	}
	for name, s := range map[string]sealedSession{
		"no token": {user: workos.User{ID: "u"}},
		"no user":  {accessToken: "t"},
	} {
		_, err := decodeSealedSession(s.encode())
		assert.ErrorIs(t, err, errSealed, name)
	}
}

func TestTagsOfALaterReleaseArePassedOver(t *testing.T) {
	s := fullSession()
	e := encoder(s.encode())
	e.text(1_000_000, "of a later release")
	e.bytes(99, bytes.Repeat([]byte{0xff}, 1000))
	e.text(tagLocale, "fr")
	back, err := decodeSealedSession(e)
	require.NoError(t, err)
	s.user.Locale = "fr"
	assert.Equal(t, s, back)

	p := pendingSignIn{state: "s", verifier: "v", startedAt: time.UnixMilli(1).UTC()}
	e = encoder(p.encode())
	e.text(77, "of a later release")
	pending, err := decodePendingSignIn(e)
	require.NoError(t, err)
	assert.Equal(t, p, pending)
}

func TestBytesThatAreNoEncodingAreRefused(t *testing.T) {
	s := fullSession()
	whole := s.encode()
	field := func(tag uint64, value ...byte) []byte {
		e := encoder(bytes.Clone(whole))
		e = binary.AppendUvarint(e, tag)
		e = binary.AppendUvarint(e, uint64(len(value)))
		return append(e, value...)
	}
	for name, encoded := range map[string][]byte{
		"nothing":                           {},
		"the version alone":                 {sealedVersion},
		"another version":                   append([]byte{2}, whole[1:]...),
		"version zero":                      append([]byte{0}, whole[1:]...),
		"a length beyond the end":           append(bytes.Clone(whole), tagEmail, 1),
		"a length beyond all memory":        binary.AppendUvarint(append(bytes.Clone(whole), tagEmail), 1<<63),
		"a length of all ones":              binary.AppendUvarint(append(bytes.Clone(whole), tagEmail), 1<<64-1),
		"a tag that does not end":           append(bytes.Clone(whole), bytes.Repeat([]byte{0x80}, 11)...),
		"a length that does not end":        append(append(bytes.Clone(whole), tagEmail), bytes.Repeat([]byte{0xff}, 11)...),
		"an empty time":                     field(tagCreatedAt),
		"a time with more behind it":        field(tagCreatedAt, 2, 2),
		"a time that does not end":          field(tagCreatedAt, 0x80),
		"a token in two parts":              field(tagAccessToken, 1, 'a', 1, 'b'),
		"a token in four parts":             field(tagAccessToken, 0, 0, 0, 0),
		"a token part beyond the end":       field(tagAccessToken, 9, 'a', 0, 0),
		"a token part beyond all memory":    field(tagAccessToken, binary.AppendUvarint(nil, 1<<64-1)...),
		"a metadata value without its key":  append([]byte{sealedVersion, tagMetadataValue, 1, 'x'}, whole[1:]...),
		"an empty packed token, not a word": field(tagAccessToken),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := decodeSealedSession(encoded)
			assert.ErrorIs(t, err, errSealed)
		})
	}
	for i := range whole {
		_, err := decodeSealedSession(whole[:i])
		if err != nil {
			require.ErrorIs(t, err, errSealed, "cut to %d bytes", i)
		}
	}
}

func FuzzDecodeSealedSession(f *testing.F) {
	s := fullSession()
	f.Add(s.encode())
	f.Add([]byte{sealedVersion})
	f.Add([]byte{sealedVersion, tagMetadataKey, 1, 'k', tagMetadataValue, 1, 'v'})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		s, err := decodeSealedSession(encoded)
		if err != nil {
			require.ErrorIs(t, err, errSealed)
			return
		}
		again, err := decodeSealedSession(s.encode())
		require.NoError(t, err)
		require.Equal(t, s.accessToken, again.accessToken)
		require.Equal(t, s.refreshToken, again.refreshToken)
		require.Equal(t, s.impersonator != nil, again.impersonator != nil)
		require.Equal(t, s.metadata, again.metadata)
	})
}

func FuzzDecodePendingSignIn(f *testing.F) {
	p := pendingSignIn{state: "s", verifier: "v", returnTo: "/", startedAt: time.UnixMilli(1)}
	f.Add(p.encode())
	maxAge := time.Minute
	full := pendingSignIn{
		state: "s", verifier: "v", returnTo: "/a?b", appState: "a", invitationToken: "i", startedAt: time.UnixMilli(2).UTC(), maxAge: &maxAge,
		crossOrigin: true, restarted: true, asked: workos.AuthorizationParams{
			Provider: "p", ConnectionID: "c", OrganizationID: "o", ScreenHint: "s", LoginHint: "l", DomainHint: "d", Prompt: "q",
		},
	}
	decoded, err := decodePendingSignIn(full.encode())
	require.NoError(f, err)
	require.Equal(f, full, decoded)
	f.Add(full.encode())
	f.Add([]byte{sealedVersion, tagStartedAt, 1, 2})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		p, err := decodePendingSignIn(encoded)
		if err != nil {
			require.ErrorIs(t, err, errSealed)
			return
		}
		again, err := decodePendingSignIn(p.encode())
		require.NoError(t, err)
		require.Equal(t, p, again)
	})
}
