// What keeps secrets out of texts: masks for values of ours, and the cleaning of texts that a server sent.

package workos

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

const (
	redacted = "[redacted]"

	// maxText bounds, in bytes, what is quoted of a text that a server sent.
	maxText = 300
)

// mask stands in for a secret. That one is absent may be seen.
func mask(secret string) string {
	if secret == "" {
		return ""
	}
	return redacted
}

// format prints v under the verb and flags that a Format method was called with. Types with secrets mark those json:"-"
// and pass here a copy that masks them and has no methods; that covers fmt, encoding/json and log/slog, whose handlers
// print by one or the other.
func format(s fmt.State, verb rune, v any) {
	fmt.Fprintf(s, fmt.FormatString(s, verb), v)
}

// secretForms are what JSON Web Tokens, parts of them, and the API's keys look like, also once a secret in them is masked.
var secretPattern = regexp.MustCompile(`(eyJ|\bsk_)[\w.` + placeholder + `-]+`)

// masked stands in for a secret while others are looked for. It is in no text: it is not printable.
const placeholder = "\x00"

// clean makes a server's text fit to be shown on one line of a log: printable, without any secret that was sent (the
// API quotes codes in its messages) or that looks like one, and short. The order matters: a secret must be whole when it
// is looked for.
func sanitize(text string, secrets []string) string {
	text = oneLine(text)
	known := slices.Clone(secrets)
	for _, secret := range secrets {
		known = append(known, oneLine(secret)) // as the text would quote it now
	}
	// The longest first, lest one that another starts with leaves the other's tail.
	slices.SortFunc(known, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	var masks []string
	for _, secret := range known {
		if secret != "" {
			masks = append(masks, secret, placeholder)
		}
	}
	text = strings.NewReplacer(masks...).Replace(text)
	text = secretPattern.ReplaceAllLiteralString(text, placeholder)
	text = strings.ReplaceAll(text, placeholder, redacted)
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// cleanName is clean for a text that callers dispatch on. What has the form of the API's names is left as it is: a
// password that happens to be a part of one must not change what a refusal means.
func sanitizeCode(text string, secrets []string) string {
	if len(text) <= maxText && !strings.ContainsFunc(text, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
		return text
	}
	return sanitize(text, secrets)
}

// oneLine makes a text printable, its runs of white space single spaces.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
