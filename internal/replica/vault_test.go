// Tests of names, seals and the authentication of notices.

package replica

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	oldPassword = "an old cookie password of 32 bytes"
	newPassword = "a new cookie password of 32 bytes!"
)

func TestARecordOpensWithItsTokenAndAnyOfThePasswords(t *testing.T) {
	t.Parallel()
	before := newVault([]string{oldPassword}, "client_1", "api.workos.com")
	during := newVault([]string{newPassword, oldPassword}, "client_1", "api.workos.com")
	after := newVault([]string{newPassword}, "client_1", "api.workos.com")
	sealed, err := before.seal(sealPurpose, "t1", []byte("secret"))
	require.NoError(t, err)
	text, err := during.open(sealPurpose, "t1", sealed)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(text))

	changed := []byte(string(sealed))
	changed[len(changed)-1] ^= 1
	for name, open := range map[string]func() ([]byte, error){
		"another password": func() ([]byte, error) { return after.open(sealPurpose, "t1", sealed) },
		"another token":    func() ([]byte, error) { return before.open(sealPurpose, "t2", sealed) },
		"another purpose":  func() ([]byte, error) { return before.open(apiKeyPurpose, "t1", sealed) },
		"another application": func() ([]byte, error) {
			return newVault([]string{oldPassword}, "client_2", "api.workos.com").open(sealPurpose, "t1", sealed)
		},
		"another environment": func() ([]byte, error) {
			return newVault([]string{oldPassword}, "client_1", "api.test").open(sealPurpose, "t1", sealed)
		},
		"a changed record": func() ([]byte, error) { return before.open(sealPurpose, "t1", changed) },
		"a short record":   func() ([]byte, error) { return before.open(sealPurpose, "t1", sealed[:5]) },
		"no record":        func() ([]byte, error) { return before.open(sealPurpose, "t1", nil) },
	} {
		text, err := open()
		assert.ErrorIs(t, err, errSeal, name)
		assert.Nil(t, text, name)
	}
	again, err := before.seal(sealPurpose, "t1", []byte("secret"))
	require.NoError(t, err)
	assert.NotEqual(t, sealed, again, "each seal has a nonce of its own")
}

func TestAKeyTellsNothingOfItsTokenAndFitsEveryStore(t *testing.T) {
	t.Parallel()
	v := newVault([]string{newPassword}, "client_1", "api.workos.com")
	key := v.key("x", Hash("refresh token"))
	assert.NotContains(t, key, "refresh")
	assert.LessOrEqual(t, len(key), 128)
	assert.Equal(t, key, newVault([]string{oldPassword}, "client_1", "api.workos.com").key("x", Hash("refresh token")), "for every password")
	assert.NotEqual(t, key, newVault([]string{newPassword}, "client_2", "api.workos.com").key("x", Hash("refresh token")))
	assert.NotEqual(t, key, v.key("k", Hash("refresh token")))
	assert.False(t, strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }))
}

func TestANoticeIsReadByEveryInstanceThatKnowsOneOfItsPasswords(t *testing.T) {
	t.Parallel()
	with := func(passwords ...string) *vault { return newVault(passwords, "client_1", "api.workos.com") }
	n := Notice{Kind: SessionEnded, Hash: Hash("session_1"), At: time.UnixMilli(1773480413589), Until: time.UnixMilli(1773480713589)}
	for name, c := range map[string]struct {
		writer, reader *vault
		ok             bool
	}{
		"the same password":       {with(newPassword), with(newPassword), true},
		"first step of rotation":  {with(oldPassword, newPassword), with(oldPassword), true},
		"second step of rotation": {with(newPassword, oldPassword), with(oldPassword, newPassword), true},
		"last step of rotation":   {with(newPassword), with(newPassword, oldPassword), true},
		"an unknown password":     {with(oldPassword), with(newPassword), false},
	} {
		signed := c.writer.sign(c.writer.encodeNotice(n))
		got, ok := c.reader.decodeNotice(signed)
		assert.Equal(t, c.ok, ok, name)
		if c.ok {
			assert.Equal(t, n, got, name)
		}
		for i := range noticeSize {
			changed := append([]byte{}, signed...)
			changed[i] ^= 1
			_, ok := c.reader.decodeNotice(changed)
			assert.False(t, ok, "%s: byte %d changed", name, i)
		}
	}
}

func FuzzNotice(f *testing.F) {
	v := newVault([]string{newPassword, oldPassword}, "client_1", "api.workos.com")
	signed := v.sign(v.encodeNotice(Notice{Kind: UserEnded, Hash: Hash("user_1"), At: time.UnixMilli(1), Until: time.UnixMilli(2)}))
	f.Add(signed)
	f.Add(signed[:noticeSize])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, notice []byte) {
		n, ok := v.decodeNotice(notice)
		if ok {
			assert.Equal(t, string(v.encodeNotice(n)), string(notice[:noticeSize]))
			assert.True(t, v.verify(notice, noticeSize))
		}
		r := v.decode("key", value{bytes: notice, left: time.Hour})
		if r.kind == Ended || r.kind == Superseded {
			assert.True(t, r.forged, "the fuzzer knows no password")
		}
	})
}
