// Verdicts: the signed answer to an Action.

package workos

import (
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDenialMessage is the greatest length of an error_message, in UTF-16 code units, which are the characters of JavaScript.
// See https://workos.com/docs/authkit/actions
const maxDenialMessage = 500

// Verdict is the answer to an [Action]: [Allow] or [Deny]. Two verdicts can be compared with ==. The zero Verdict is no
// answer: return it if the question could not be decided. WorkOS then does what the endpoint's setting for errors says,
// which is to deny unless you have changed it.
type Verdict struct {
	verdict string
	message string
}

// Allow lets the user sign in or register.
func Allow() Verdict { return Verdict{verdict: "Allow"} }

// Deny refuses the sign-in or the registration. WorkOS shows the message to the user. An empty message leaves the text to
// WorkOS.
//
// No message makes a denial invalid, because WorkOS could then let the user in: it depends on the endpoint's setting for
// errors. Invalid UTF-8, such as half of a surrogate pair, is replaced by U+FFFD. A message of more than 500 characters, the
// most that WorkOS accepts, is cut. Characters are counted as in JavaScript: an emoji counts as two or more.
func Deny(message string) Verdict { return Verdict{verdict: "Deny", message: shorten(message)} }

// IsAllow reports whether the verdict is [Allow].
func (v Verdict) IsAllow() bool { return v.verdict == "Allow" }

// IsDeny reports whether the verdict is [Deny].
func (v Verdict) IsDeny() bool { return v.verdict == "Deny" }

// Message returns the message of a [Deny], as it is sent.
func (v Verdict) Message() string { return v.message }

// String returns "Allow", "Deny", "Deny: " and the message, or "no verdict".
func (v Verdict) String() string {
	switch {
	case v.verdict == "":
		return "no verdict"
	case v.message != "":
		return v.verdict + ": " + v.message
	}
	return v.verdict
}

// errNoVerdict is the error of a response without a verdict.
var errNoVerdict = errors.New("workos: Response: the zero Verdict is no answer; use Allow or Deny")

// Response returns the body of the response to WorkOS, as JSON: the verdict, with now as its timestamp, and a signature.
// Send it with status 200 and the content type application/json. It is signed with the secret that has verified the
// request, because WorkOS verifies the response with the same one. The zero [Verdict] is an error.
//
// The signature is the HMAC-SHA256 of the timestamp, a full stop and the text that JSON.stringify of JavaScript returns for
// the payload, as in the library of WorkOS for Node.js. So the characters <, >, &, U+2028 and U+2029 are not escaped.
//
// See https://workos.com/docs/authkit/actions
func (a *Action) Response(v Verdict, now time.Time) ([]byte, error) {
	if v.verdict == "" {
		return nil, errNoVerdict
	}
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	payload := `{"timestamp":` + timestamp + `,"verdict":"` + v.verdict + `"`
	if v.message != "" {
		payload += `,"error_message":` + quoteLikeJavaScript(v.message)
	}
	payload += `}`
	sum := hex.EncodeToString(signature(timestamp, []byte(payload), a.secret))
	return []byte(`{"object":"` + a.object + `","payload":` + payload + `,"signature":"` + sum + `"}`), nil
}

// quoteLikeJavaScript returns a text as JSON.stringify does (ECMA-262, section 25.5.4.3, QuoteJSONString). The text is valid
// UTF-8. encoding/json cannot be used: it escapes U+2028, U+2029 and, by default, the characters of HTML.
func quoteLikeJavaScript(text string) string {
	const digits = "0123456789abcdef"
	quoted := make([]byte, 0, len(text)+2)
	quoted = append(quoted, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"', c == '\\':
			quoted = append(quoted, '\\', c)
		case c == '\b':
			quoted = append(quoted, `\b`...)
		case c == '\t':
			quoted = append(quoted, `\t`...)
		case c == '\n':
			quoted = append(quoted, `\n`...)
		case c == '\f':
			quoted = append(quoted, `\f`...)
		case c == '\r':
			quoted = append(quoted, `\r`...)
		case c < ' ':
			quoted = append(quoted, `\u00`...)
			quoted = append(quoted, digits[c>>4], digits[c&15])
		default:
			quoted = append(quoted, c)
		}
	}
	return string(append(quoted, '"'))
}

// shorten makes a text valid UTF-8 and cuts it after maxDenialMessage UTF-16 code units, between two code points.
func shorten(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	units := 0
	for i, r := range text {
		units++
		if r > 0xFFFF {
			units++
		}
		if units > maxDenialMessage {
			return text[:i]
		}
	}
	return text
}
