// QR codes.

package authkittest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The pictures with these checksums were decoded with ZXing.
func TestQRCodesMatchPicturesThatWereScanned(t *testing.T) {
	a := newApp(t)
	for user, want := range map[int]string{1: "b58581334ea02d58", 60: "fa3a728662193411", 150: "4ef4a90e0cf8744f"} {
		got := a.mustCall(http.StatusCreated, http.MethodPost, "/auth/factors/enroll", object{
			"type": "totp", "totp_secret": totpSecret, "totp_user": strings.Repeat("x", user),
		})
		text, _ := strings.CutPrefix(got["totp"].(object)["qr_code"].(string), "data:image/png;base64,")
		picture, err := base64.StdEncoding.DecodeString(text)
		require.NoError(t, err)
		decoded, err := png.Decode(bytes.NewReader(picture))
		require.NoError(t, err)
		sum := sha256.New()
		for y := range decoded.Bounds().Dy() {
			for x := range decoded.Bounds().Dx() {
				r, _, _, _ := decoded.At(x, y).RGBA()
				sum.Write([]byte{byte(r)})
			}
		}
		assert.Equal(t, want, hex.EncodeToString(sum.Sum(nil)[:8]), "%d", user)
	}
}
