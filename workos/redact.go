// Redaction: masks for the secrets in this package's values, and sanitizing of texts from a server.

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

	// maxText limits the length, in bytes, of a quoted text from a server.
	maxText = 300
)

// mask returns the mask of a secret. An empty secret stays empty, so that its absence is visible.
func mask(secret string) string {
	if secret == "" {
		return ""
	}
	return redacted
}

// format prints v with the verb and the flags of a Format method. Types with secrets mark them json:"-" and pass a
// masked copy without methods here. This covers fmt, encoding/json and the handlers of log/slog.
func format(s fmt.State, verb rune, v any) {
	fmt.Fprintf(s, fmt.FormatString(s, verb), v)
}

// secretPattern matches JSON Web Tokens, parts of them and API keys, also with a masked secret inside.
var secretPattern = regexp.MustCompile(`(eyJ|\bsk_)[\w.` + placeholder + `-]+`)

// placeholder replaces a secret while other secrets are searched. It is not printable, so it occurs in no text.
const placeholder = "\x00"

// sanitize prepares a text from a server for a log line. The result is short, printable and on one line. Secrets of the
// request are masked, because the API quotes codes in its messages, and so is everything that looks like a secret. The
// text is shortened last, because a secret is found only if it is whole.
func sanitize(text string, secrets []string) string {
	text = oneLine(text)
	known := slices.Clone(secrets)
	for _, secret := range secrets {
		known = append(known, oneLine(secret)) // as oneLine has changed it in the text
	}
	// Longest first: otherwise a secret that is a prefix of another would leave the rest of the other visible.
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

// sanitizeCode is sanitize for a text that callers compare. A text in the form of an API name stays unchanged.
// Otherwise a password that is a part of an error code would change the meaning of the error.
func sanitizeCode(text string, secrets []string) string {
	if len(text) <= maxText && !strings.ContainsFunc(text, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
		return text
	}
	return sanitize(text, secrets)
}

// oneLine removes unprintable characters and replaces each run of white space by one space.
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
