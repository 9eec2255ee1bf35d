package authkit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestALocationKeepsPrintableASCIIAndNothingElse(t *testing.T) {
	assert.Equal(t, "/!~%20%7F%00%1F%80%FF", asciiURL("/!~ \x7f\x00\x1f\x80\xff"))
}

// The token would refuse such a session later; nothing is made of it before.
func TestASessionOfOthersWithoutAUserDoesNotDecode(t *testing.T) {
	token := NewSession(SessionParams{}).AccessToken()
	for name, user := range map[string]string{"no user": `null`, "no ID": `{"email":"kim@example.com"}`, "an empty ID": `{"id":""}`} {
		_, err := decodeFamily([]byte(`{"accessToken":"` + token + `","user":` + user + `}`))
		assert.ErrorIs(t, err, errSealed, name)
		_, err = decodeWorkOSGo([]byte(`{"access_token":"` + token + `","user":` + user + `}`))
		assert.ErrorIs(t, err, errSealed, name)
	}
}

func TestASessionOfOthersWithoutATokenDoesNotDecode(t *testing.T) {
	times := `"authkit":{"signedInAt":"2026-03-14T09:26:53.000Z","renewedAt":"2026-03-14T09:26:53.000Z"}`
	for name, token := range map[string]string{"none": ``, "an empty one": `"accessToken":"",`, "null": `"accessToken":null,`} {
		_, err := decodeFamily([]byte(`{` + token + times + `,"user":{"id":"user_kim"}}`))
		assert.ErrorIs(t, err, errSealed, name)
	}
}

func TestASharedSessionInPersonNamesNoImpersonator(t *testing.T) {
	s := NewSession(SessionParams{User: User{ID: "user_kim"}})
	sealed, err := decodeFamily([]byte(`{"accessToken":"` + s.AccessToken() + `","impersonator":null,"user":{"id":"user_kim"}}`))
	require.NoError(t, err)
	encoded, err := encodeFamily(makeSession(sealed, s.claims))
	require.NoError(t, err)
	assert.NotContains(t, string(encoded), "impersonator")
}

func TestAFieldThatIsEmptyTakesNoRoomAndOneThatIsCutIsRefused(t *testing.T) {
	e := newEncoder()
	e.text(tagEmail, "")
	assert.Len(t, e, 1, "the version alone")
	none := func(uint64, []byte) error { return nil }
	assert.NoError(t, decodeFields([]byte{sealedVersion, tagEmail, 0}, none))
	for _, cut := range [][]byte{{}, {sealedVersion, tagEmail}, {sealedVersion, 0x80}, {sealedVersion, tagEmail, 0x80}, {sealedVersion, tagEmail, 1}} {
		assert.ErrorIs(t, decodeFields(cut, none), errSealed, "%x", cut)
	}
}
