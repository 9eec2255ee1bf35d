package authkit

import (
	"testing"

	"github.com/stretchr/testify/assert"
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
