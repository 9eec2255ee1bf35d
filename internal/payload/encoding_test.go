// Tests of this module's own format.

package payload

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/fields"
	"github.com/authkit-go/authkit/workos"
)

// typicalToken has the form of an access token. Its signature is not valid.
var typicalToken = strings.Join([]string{
	base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"sso_oidc_key_pair_01"}`)),
	base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"https://api.workos.com","sub":"user_1","sid":"session_1","exp":1767225900}`)),
	base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xa5, 0x00, 0xff, 0x3e}, 64)),
}, ".")

// fullSession returns a session with a value in every field.
func fullSession() Session {
	at := time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)
	s := Session{
		AccessToken:          NewToken(typicalToken),
		RefreshToken:         "refresh-1",
		Impersonator:         &workos.Impersonator{Email: "ops@example.com", Reason: "ticket 9"},
		AuthenticationMethod: "GoogleOAuth",
		SignedInAt:           at,
		RefreshedAt:          at.Add(5 * time.Minute),
	}
	s.SetUser(workos.User{
		ID: "user_1", Email: "kim@example.com", EmailVerified: true, FirstName: "Kim", LastName: "Oduya", Name: "Kim Oduya",
		ProfilePictureURL: "https://example.com/kim.png", ExternalID: "42", Locale: "en-GB",
		Metadata:     map[string]string{"plan": "pro", "empty": "", "山": "Ωμέγα"},
		LastSignInAt: at, CreatedAt: at.Add(-time.Hour), UpdatedAt: at.Add(time.Millisecond),
	})
	return s
}

func TestASessionDecodesToWhatWasEncoded(t *testing.T) {
	for name, change := range map[string]func(*Session){
		"full":             func(*Session) {},
		"a change":         func(s *Session) { s.CurrentTo = time.UnixMilli(1_773_480_413_123).UTC() },
		"an origin":        func(s *Session) { s.Origin = "\x00\xff01234567890123" },
		"minimal":          func(s *Session) { *s = Session{AccessToken: NewToken("t"), User: workos.User{ID: "u"}} },
		"no refresh token": func(s *Session) { s.RefreshToken = "" },
		"no times": func(s *Session) {
			s.SignedInAt, s.RefreshedAt, s.User.CreatedAt = time.Time{}, time.Time{}, time.Time{}
		},
		"times before 1970":                 func(s *Session) { s.User.CreatedAt = time.Date(1901, 2, 3, 4, 5, 6, 7_000_000, time.UTC) },
		"the first instant of 1970":         func(s *Session) { s.User.CreatedAt = time.UnixMilli(0).UTC() },
		"a time in the far future":          func(s *Session) { s.User.CreatedAt = time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC) },
		"an impersonator without reason":    func(s *Session) { s.Impersonator.Reason = "" },
		"an impersonator without email":     func(s *Session) { s.Impersonator.Email = "" },
		"an impersonator without either":    func(s *Session) { s.Impersonator = &workos.Impersonator{} },
		"no impersonator":                   func(s *Session) { s.Impersonator = nil },
		"an unverified address":             func(s *Session) { s.User.EmailVerified = false },
		"no metadata":                       func(s *Session) { s.metadata = nil },
		"metadata under an empty key":       func(s *Session) { s.metadata = metadata{"", "x", "a", "1", "b", "2"} },
		"an empty value under an empty key": func(s *Session) { s.metadata = metadata{"", ""} },
		"several scripts": func(s *Session) {
			s.User.FirstName, s.User.LastName = "Ζωή 👩‍🚀", "山田\u0000\r\n;=,"
		},
		"a name of both names":           func(s *Session) { s.User.Name = s.User.FirstName + " " + s.User.LastName },
		"another name":                   func(s *Session) { s.User.Name = "K. Oduya" },
		"no name":                        func(s *Session) { s.User.Name = "" },
		"no names":                       func(s *Session) { s.User.Name, s.User.FirstName, s.User.LastName = "", "", "" },
		"a space as a name":              func(s *Session) { s.User.Name, s.User.FirstName, s.User.LastName = " ", "", "" },
		"another user than in the token": func(s *Session) { s.User.ID = "user_2" },
		"the beginning of the user's ID": func(s *Session) { s.User.ID = "user" },
		"a token that is no JWT":         func(s *Session) { s.AccessToken = NewToken("user_1") },
		"bytes that are not UTF-8":       func(s *Session) { s.User.Name = "\xff\xfe" },
		"a long name":                    func(s *Session) { s.User.Name = strings.Repeat("x", 70_000) },
	} {
		t.Run(name, func(t *testing.T) {
			s := fullSession()
			change(&s)
			for name, encoded := range map[string][]byte{"usual": Encode(&s), "short": EncodeShort(&s)} {
				back, err := Decode(encoded)
				require.NoError(t, err, name)
				assert.Equal(t, s, back, name)
			}
		})
	}
}

// The sessions of all users end if an encoding changes. testdata holds the
// encodings of fullSession.
func TestTheEncodingsOfASessionDoNotChange(t *testing.T) {
	s := fullSession()
	golden, err := os.ReadFile("testdata/session.base64")
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(golden)), base64.StdEncoding.EncodeToString(Encode(&s)))

	golden, err = os.ReadFile("testdata/session_short.base64")
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(golden)), base64.StdEncoding.EncodeToString(EncodeShort(&s)))
	assert.Less(t, len(EncodeShort(&s)), len(Encode(&s)))

	golden, err = os.ReadFile("testdata/session_shared.json")
	require.NoError(t, err)
	assert.Equal(t, strings.TrimSpace(string(golden)), string(encodeShared(t, s)))
}

func TestTimesAreEncodedInMillisecondsAsUTC(t *testing.T) {
	s := fullSession()
	s.SignedInAt = time.Date(2026, 3, 14, 9, 26, 53, 589_793_238, time.FixedZone("somewhere", 5*60*60+1800))
	back, err := Decode(Encode(&s))
	require.NoError(t, err)
	assert.Equal(t, s.SignedInAt.Truncate(time.Millisecond).UTC(), back.SignedInAt)
}

func TestAnAccessTokenDecodesExactly(t *testing.T) {
	for name, token := range map[string]string{
		"typical":                          typicalToken,
		"opaque":                           "not.a-jwt",
		"one part":                         "AAAA",
		"four parts":                       "AAAA.AAAA.AAAA.AAAA",
		"empty parts":                      "..",
		"an empty signature":               "AAAA.AAAA.",
		"padding":                          "AAAA.AA==.AAAA",
		"unused bits set":                  "AAAA.AB.AAAA",
		"a line break, skipped by base64":  "AA\nAA.AAAA.AAAA",
		"a carriage return":                "AAAA.AAAA.AAAA\r",
		"the standard alphabet":            "AA+/.AAAA.AAAA",
		"a length that base64 cannot have": "AAAAA.AAAA.AAAA",
		"other characters":                 "Ω.AAAA.AAAA",
		"long parts":                       strings.Repeat("A", 171) + "." + strings.Repeat("AAAA", 5000) + ".AA",
	} {
		t.Run(name, func(t *testing.T) {
			s := Session{AccessToken: NewToken(token), User: workos.User{ID: "u"}}
			back, err := Decode(Encode(&s))
			require.NoError(t, err)
			assert.Equal(t, token, back.AccessToken.Text())
		})
	}
}

func TestAPackedTokenIsAQuarterSmaller(t *testing.T) {
	token := NewToken(typicalToken)
	packed, ok := token.pack()
	require.True(t, ok)
	assert.Less(t, len(packed), len(typicalToken)*77/100)
}

func TestASessionWithoutARequiredFieldIsRefused(t *testing.T) {
	for name, s := range map[string]Session{
		"no token": {User: workos.User{ID: "u"}},
		"no user":  {AccessToken: NewToken("t")},
	} {
		_, err := Decode(Encode(&s))
		assert.ErrorIs(t, err, fields.ErrEncoding, name)
	}
}

func TestUnknownFieldsOfASessionAreSkipped(t *testing.T) {
	s := fullSession()
	e := fields.Encoder(Encode(&s))
	e.Text(1_000_000, "of a later release")
	e.Bytes(99, bytes.Repeat([]byte{0xff}, 1000))
	e.Text(tagLocale, "fr")
	back, err := Decode(e)
	require.NoError(t, err)
	s.User.Locale = "fr"
	assert.Equal(t, s, back)
}

func TestBytesInNoKnownEncodingAreRefused(t *testing.T) {
	s := fullSession()
	whole := Encode(&s)
	field := func(tag uint64, value ...byte) []byte {
		e := fields.Encoder(bytes.Clone(whole))
		e = binary.AppendUvarint(e, tag)
		e = binary.AppendUvarint(e, uint64(len(value)))
		return append(e, value...)
	}
	place := func(value ...byte) []byte { return field(tagUserIDInToken, value...) }
	token, _ := splitToken(typicalToken)
	for name, encoded := range map[string][]byte{
		"nothing":                        {},
		"only the version":               {fields.Version},
		"another version":                append([]byte{2}, whole[1:]...),
		"version zero":                   append([]byte{0}, whole[1:]...),
		"a length beyond the end":        append(bytes.Clone(whole), tagEmail, 1),
		"a length beyond memory":         binary.AppendUvarint(append(bytes.Clone(whole), tagEmail), 1<<63),
		"a length of all ones":           binary.AppendUvarint(append(bytes.Clone(whole), tagEmail), 1<<64-1),
		"a tag that does not end":        append(bytes.Clone(whole), bytes.Repeat([]byte{0x80}, 11)...),
		"a length that does not end":     append(append(bytes.Clone(whole), tagEmail), bytes.Repeat([]byte{0xff}, 11)...),
		"an empty time":                  field(tagCreatedAt),
		"a time with trailing bytes":     field(tagCreatedAt, 2, 2),
		"a time that does not end":       field(tagCreatedAt, 0x80),
		"a token in two parts":           field(tagAccessToken, 1, 'a', 1, 'b'),
		"a token in four parts":          field(tagAccessToken, 0, 0, 0, 0),
		"a token part beyond the end":    field(tagAccessToken, 9, 'a', 0, 0),
		"a token part beyond memory":     field(tagAccessToken, binary.AppendUvarint(nil, 1<<64-1)...),
		"a metadata value without a key": append([]byte{fields.Version, tagMetadataValue, 1, 'x'}, whole[1:]...),
		"an empty packed token":          field(tagAccessToken),
		"an empty place":                 place(),
		"a place without a length":       place(1),
		"a place of no length":           place(1, 0),
		"a place beyond the token":       place(100, 1),
		"a place beyond the end":         place(1, 100),
		"a place one octet beyond it":    place(binary.AppendUvarint([]byte{1}, uint64(len(token.Payload)))...),
		"a place of a huge length":       place(binary.AppendUvarint([]byte{1}, 1<<64-1)...),
		"a place at a huge position":     place(append(binary.AppendUvarint(nil, 1<<64-1), 1)...),
		"a place with more behind it":    place(1, 1, 0),
		"a place before the token":       append(fields.Encoder{fields.Version, tagUserIDInToken, 2, 1, 1}, field(tagAccessToken, 1, 'a', 1, 'b', 1, 'c')[1:]...),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode(encoded)
			assert.ErrorIs(t, err, fields.ErrEncoding)
		})
	}
	for i := range whole {
		_, err := Decode(whole[:i])
		if err != nil {
			require.ErrorIs(t, err, fields.ErrEncoding, "cut to %d bytes", i)
		}
	}
}

func FuzzDecodeSealedSession(f *testing.F) {
	s := fullSession()
	f.Add(Encode(&s))
	f.Add(EncodeShort(&s))
	f.Add([]byte{fields.Version})
	f.Add([]byte{fields.Version, tagMetadataKey, 1, 'k', tagMetadataValue, 1, 'v'})
	f.Fuzz(func(t *testing.T, encoded []byte) {
		s, err := Decode(encoded)
		if err != nil {
			require.ErrorIs(t, err, fields.ErrEncoding)
			return
		}
		again, err := Decode(Encode(&s))
		require.NoError(t, err)
		require.Equal(t, s.AccessToken.Text(), again.AccessToken.Text())
		require.Equal(t, s.RefreshToken, again.RefreshToken)
		require.Equal(t, s.Impersonator != nil, again.Impersonator != nil)
		require.Equal(t, s.metadata, again.metadata)
	})
}
