// Webhooks: which deliveries are accepted, and what each attack gets.

package workos_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/workos"
)

const (
	webhookSecret = "whsec_current-secret"
	webhookBody   = `{"id":"event_01A","event":"user.updated","data":{"id":"user_01A","first_name":"Łucja <&>"},"created_at":"2026-05-04T10:00:00.000Z"}`
)

var webhookTime = time.Date(2026, 5, 4, 10, 0, 0, 123_000_000, time.UTC)

// hmacOf returns the signature of a timestamp and a body, as WorkOS computes it.
func hmacOf(secret, timestamp, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "." + body))
	return hex.EncodeToString(mac.Sum(nil))
}

// signedHeader returns the header of a delivery.
func signedHeader(secret string, at time.Time, body string) string {
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	return "t=" + timestamp + ", v1=" + hmacOf(secret, timestamp, body)
}

func parseWebhook(header, body string, secrets ...string) (workos.Event, error) {
	return workos.ParseWebhook(http.Header{"Workos-Signature": {header}}, []byte(body), webhookTime, secrets...)
}

// The vector was computed with OpenSSL: printf '%s.%s' "$t" "$body" | openssl dgst -sha256 -hmac "$secret".
func TestAWebhookOfWorkOSIsAccepted(t *testing.T) {
	const body = `{"id":"event_01A","event":"user.deleted","data":{"id":"user_01A"},"created_at":"2026-05-04T10:00:00.000Z"}`
	event, err := parseWebhook("t=1777888800000, v1=e6b88f60e8578f5f7a2938f638ea810c5c92230e78c6954b3bc3326e97090a2d", body, "whsec_example")
	require.NoError(t, err)
	assert.Equal(t, "event_01A", event.ID)
	assert.Equal(t, workos.EventUserDeleted, event.Type)
	assert.Equal(t, time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC), event.CreatedAt)
	wire, err := event.MarshalJSON()
	require.NoError(t, err)
	assert.Equal(t, body, string(wire))
}

func TestAWebhookIsAcceptedInEveryFormThatItMayHave(t *testing.T) {
	good := signedHeader(webhookSecret, webhookTime, webhookBody)
	timestamp, signature, _ := strings.Cut(good, ", ")
	zeros := "v1=" + strings.Repeat("00", 32)
	for name, header := range map[string]string{
		"as WorkOS sends it":            good,
		"without a space":               timestamp + "," + signature,
		"in another order":              signature + ", " + timestamp,
		"with another scheme":           good + ", v2=abc, v0=",
		"with an older signature first": timestamp + ", " + zeros + ", " + signature,
		"with a signature of junk":      timestamp + ", v1=zz, v1=, v1=00, " + signature,
		"with 16 signatures":            timestamp + strings.Repeat(", "+zeros, 15) + ", " + signature,
		"180 s old":                     signedHeader(webhookSecret, webhookTime.Add(-180*time.Second), webhookBody),
		"180 s in the future":           signedHeader(webhookSecret, webhookTime.Add(180*time.Second), webhookBody),
		"in capital letters":            timestamp + ", v1=" + strings.ToUpper(strings.TrimPrefix(signature, "v1=")),
	} {
		t.Run(name, func(t *testing.T) {
			event, err := parseWebhook(header, webhookBody, webhookSecret)
			require.NoError(t, err)
			assert.Equal(t, "event_01A", event.ID)
			again, err := parseWebhook(header, webhookBody, webhookSecret)
			require.NoError(t, err, "a repeated delivery is accepted: the caller distinguishes events by their ID")
			assert.Equal(t, event, again)
		})
	}
	for _, secrets := range [][]string{{"whsec_next", webhookSecret}, {webhookSecret, "whsec_next"}} {
		_, err := parseWebhook(good, webhookBody, secrets...)
		assert.NoError(t, err)
		_, err = parseWebhook(signedHeader("whsec_next", webhookTime, webhookBody), webhookBody, secrets...)
		assert.NoError(t, err)
	}
}

func TestAWebhookThatIsNotAuthenticIsRefused(t *testing.T) {
	good := signedHeader(webhookSecret, webhookTime, webhookBody)
	timestamp, signature, _ := strings.Cut(good, ", ")
	var reserialized any
	require.NoError(t, json.Unmarshal([]byte(webhookBody), &reserialized))
	proxied, err := json.Marshal(reserialized)
	require.NoError(t, err)
	seconds := strconv.FormatInt(webhookTime.Unix(), 10)
	micros := strconv.FormatInt(webhookTime.UnixMicro(), 10)
	signature1 := func(timestamp string) string {
		return "t=" + timestamp + ", v1=" + hmacOf(webhookSecret, timestamp, webhookBody)
	}
	large := `{"id":"event_01A","event":"x","data":"` + strings.Repeat("x", workos.MaxWebhookBody) + `"}`
	for name, c := range map[string]struct {
		headers []string
		body    string // webhookBody if empty
		want    error
		text    string
	}{
		"forged, without the secret":        {[]string{signedHeader("guess", webhookTime, webhookBody)}, "", workos.ErrWebhookSignature, "none of the secrets"},
		"the secret of another endpoint":    {[]string{signedHeader("whsec_other", webhookTime, webhookBody)}, "", workos.ErrWebhookSignature, "none of the secrets"},
		"an empty secret":                   {[]string{signedHeader("", webhookTime, webhookBody)}, "", workos.ErrWebhookSignature, "none of the secrets"},
		"another body":                      {[]string{good}, strings.Replace(webhookBody, "user_01A", "user_01B", 1), workos.ErrWebhookSignature, "none of the secrets"},
		"JSON re-serialized by a proxy":     {[]string{good}, string(proxied), workos.ErrWebhookSignature, "the body was changed on its way"},
		"a final line feed added":           {[]string{good}, webhookBody + "\n", workos.ErrWebhookSignature, "none of the secrets"},
		"an old signature with a new time":  {[]string{"t=" + strconv.FormatInt(webhookTime.UnixMilli()+1, 10) + ", " + signature}, "", workos.ErrWebhookSignature, "none of the secrets"},
		"a truncated signature":             {[]string{timestamp + ", " + signature[:20]}, "", workos.ErrWebhookSignature, "none of the secrets"},
		"stale":                             {[]string{signedHeader(webhookSecret, webhookTime.Add(-180*time.Second-time.Millisecond), webhookBody)}, "", workos.ErrWebhookTimestamp, "signed more than 3m0s ago"},
		"from the future":                   {[]string{signedHeader(webhookSecret, webhookTime.Add(180*time.Second+time.Millisecond), webhookBody)}, "", workos.ErrWebhookTimestamp, "in the future"},
		"seconds":                           {[]string{signature1(seconds)}, "", workos.ErrWebhookTimestamp, "the timestamp is in seconds, want milliseconds"},
		"seconds without the secret":        {[]string{"t=" + seconds + ", " + signature}, "", workos.ErrWebhookSignature, "none of the secrets"},
		"microseconds":                      {[]string{signature1(micros)}, "", workos.ErrWebhookSignature, "not a number of milliseconds"},
		"a time in the year 33,000":         {[]string{signature1("999999999999999")}, "", workos.ErrWebhookTimestamp, "in the future"},
		"time zero":                         {[]string{signature1("0")}, "", workos.ErrWebhookTimestamp, "seconds"},
		"a negative time":                   {[]string{signature1("-1777888800000")}, "", workos.ErrWebhookSignature, "not a number of milliseconds"},
		"a time with a sign":                {[]string{signature1("+1777888800000")}, "", workos.ErrWebhookSignature, "not a number of milliseconds"},
		"a time with an exponent":           {[]string{signature1("1.7e12")}, "", workos.ErrWebhookSignature, "not a number of milliseconds"},
		"an empty time":                     {[]string{signature1("")}, "", workos.ErrWebhookSignature, "not a number of milliseconds"},
		"a time of a thousand digits":       {[]string{signature1(strings.Repeat("1", 1000))}, "", workos.ErrWebhookSignature, "not a number of milliseconds"},
		"no header":                         {nil, "", workos.ErrWebhookSignature, "the header is missing"},
		"an empty header":                   {[]string{""}, "", workos.ErrWebhookSignature, "the header is missing"},
		"the header twice":                  {[]string{good, good}, "", workos.ErrWebhookSignature, "came more than once"},
		"a forged header before the header": {[]string{signedHeader("guess", webhookTime, webhookBody), good}, "", workos.ErrWebhookSignature, "came more than once"},
		"two times":                         {[]string{"t=1, " + good}, "", workos.ErrWebhookSignature, "several timestamps"},
		"no time":                           {[]string{signature}, "", workos.ErrWebhookSignature, "no timestamp"},
		"no signature":                      {[]string{timestamp}, "", workos.ErrWebhookSignature, "no v1 signature"},
		"another scheme only":               {[]string{timestamp + ", v2=" + signature[3:]}, "", workos.ErrWebhookSignature, "no v1 signature"},
		"an empty signature":                {[]string{timestamp + ", v1="}, "", workos.ErrWebhookSignature, "none of the secrets"},
		"junk":                              {[]string{"\x00\xff junk"}, "", workos.ErrWebhookSignature, "malformed"},
		"a comma at the end":                {[]string{good + ","}, "", workos.ErrWebhookSignature, "malformed"},
		"17 signatures":                     {[]string{timestamp + strings.Repeat(", v1=00", 16) + ", " + signature}, "", workos.ErrWebhookSignature, "more than 16 signatures"},
		"1000 signatures":                   {[]string{timestamp + strings.Repeat(", "+signature, 1000)}, "", workos.ErrWebhookSignature, "longer than 4096 bytes"},
		"oversized, and signed":             {[]string{signedHeader(webhookSecret, webhookTime, large)}, large, workos.ErrWebhookTooLarge, "more than 1048576 bytes"},
		"signed, but not JSON":              {[]string{signedHeader(webhookSecret, webhookTime, "hello")}, "hello", workos.ErrWebhookBody, "not JSON"},
		"signed, but an action":             {[]string{signedHeader(webhookSecret, webhookTime, `{"object":"authentication_action_context"}`)}, `{"object":"authentication_action_context"}`, workos.ErrWebhookBody, "missing id"},
		"signed, but null":                  {[]string{signedHeader(webhookSecret, webhookTime, "null")}, "null", workos.ErrWebhookBody, "missing id"},
		"signed, without a type":            {[]string{signedHeader(webhookSecret, webhookTime, `{"id":"event_01A"}`)}, `{"id":"event_01A"}`, workos.ErrWebhookBody, "missing event"},
	} {
		t.Run(name, func(t *testing.T) {
			body := c.body
			if body == "" {
				body = webhookBody
			}
			event, err := workos.ParseWebhook(http.Header{"Workos-Signature": c.headers}, []byte(body), webhookTime, webhookSecret, "whsec_previous-secret")
			assert.Equal(t, workos.Event{}, event)
			require.ErrorIs(t, err, c.want)
			assert.ErrorContains(t, err, "workos: webhook: "+c.want.Error()+": ")
			assert.ErrorContains(t, err, c.text)
			assert.NotContains(t, err.Error(), "secret,")
			for _, secret := range []string{webhookSecret, "whsec_previous-secret", signature[3:], "Łucja", "user_01A"} {
				assert.NotContains(t, err.Error(), secret)
			}
			for _, other := range []error{workos.ErrWebhookSignature, workos.ErrWebhookTimestamp, workos.ErrWebhookTooLarge, workos.ErrWebhookBody} {
				assert.Equal(t, other == c.want, errors.Is(err, other))
			}
		})
	}
}

func TestAWebhookOfTheGreatestSizeIsAccepted(t *testing.T) {
	body := `{"id":"event_01A","event":"x","data":""}`
	body = body[:len(body)-2] + strings.Repeat("x", workos.MaxWebhookBody-len(body)) + body[len(body)-2:]
	require.Len(t, body, workos.MaxWebhookBody)
	_, err := parseWebhook(signedHeader(webhookSecret, webhookTime, body), body, webhookSecret)
	assert.NoError(t, err)
}

func TestParseWebhookPanicsWithoutASecret(t *testing.T) {
	header := http.Header{"Workos-Signature": {signedHeader("", webhookTime, webhookBody)}}
	for _, secrets := range [][]string{nil, {}, {""}, {webhookSecret, ""}, {"", webhookSecret}} {
		assert.Panics(t, func() { _, _ = workos.ParseWebhook(header, []byte(webhookBody), webhookTime, secrets...) }, "%q", secrets)
	}
}

// FuzzWebhook feeds arbitrary headers and bodies to ParseWebhook. It accepts only a body that one of the signatures in the
// header signs, within the tolerance.
func FuzzWebhook(f *testing.F) {
	good := signedHeader(webhookSecret, webhookTime, webhookBody)
	for _, header := range []string{good, "", "t=,v1=", "t=1,t=2,v1=00", good + ", v1=00", strings.Replace(good, "t=", "t=0", 1), "v1=" + good} {
		f.Add(header, []byte(webhookBody), int64(0))
		f.Add(header, []byte(`{}`), int64(180_000))
	}
	f.Fuzz(func(t *testing.T, header string, body []byte, late int64) {
		now := webhookTime.Add(time.Duration(late%1_000_000) * time.Millisecond)
		event, err := workos.ParseWebhook(http.Header{"Workos-Signature": {header}}, body, now, webhookSecret)
		if err != nil {
			if len(err.Error()) > 300 || strings.Contains(err.Error(), webhookSecret) {
				t.Fatalf("the error text is too long or contains the secret: %q", err)
			}
			return
		}
		_, rest, _ := strings.Cut(header, "t=")
		timestamp, _, _ := strings.Cut(rest, ",")
		timestamp = strings.TrimSpace(timestamp)
		milliseconds, parseErr := strconv.ParseInt(timestamp, 10, 64)
		if parseErr != nil || now.Sub(time.UnixMilli(milliseconds)).Abs() > workos.WebhookTolerance {
			t.Fatalf("accepted with the timestamp %q at %s", timestamp, now)
		}
		if !strings.Contains(strings.ToLower(header), hmacOf(webhookSecret, timestamp, string(body))) {
			t.Fatal("accepted without a signature of the secret")
		}
		if event.ID == "" || event.Type == "" || !json.Valid(body) {
			t.Fatalf("accepted %q", body)
		}
	})
}
