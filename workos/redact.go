// Redaction: masks for the secrets in this package's values, and sanitizing of texts from a server.

package workos

import (
	"fmt"
	"slices"
	"sort"
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

// placeholder replaces a secret while other secrets are searched. It is not printable, so it occurs in no text.
const placeholder = "\x00"

// maskLookalikes replaces what looks like a secret by the placeholder: JSON Web Tokens, parts of them and API keys, also with
// a masked secret inside. Package regexp would make each program that imports this package larger.
func maskLookalikes(text string) string {
	var b strings.Builder
	kept := 0
	for i := 0; i < len(text); i++ {
		rest := text[i:]
		isKey := strings.HasPrefix(rest, "sk_") && (i == 0 || !isWordByte(text[i-1]))
		if !isKey && !strings.HasPrefix(rest, "eyJ") {
			continue
		}
		end := i + 3
		for end < len(text) && (isWordByte(text[end]) || strings.IndexByte("."+placeholder+"-", text[end]) >= 0) {
			end++
		}
		if end > i+3 {
			b.WriteString(text[kept:i])
			b.WriteString(placeholder)
			kept, i = end, end-1
		}
	}
	return b.String() + text[kept:]
}

// isWordByte reports whether c is an ASCII letter, a digit or an underscore.
func isWordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

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
	sort.Slice(known, func(i, j int) bool { return len(known[i]) > len(known[j]) })
	var masks []string
	for _, secret := range known {
		if secret != "" {
			masks = append(masks, secret, placeholder)
		}
	}
	text = strings.NewReplacer(masks...).Replace(text)
	text = maskLookalikes(text)
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
