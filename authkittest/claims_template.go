// The language of JWT templates: JSON with expressions such as {{ user.email || 'none' }}.
// See https://workos.com/docs/authkit/jwt-templates

package authkittest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// claimsTemplate is a template in parts.
type claimsTemplate []templatePart

// templatePart is a piece of JSON text, or an expression.
type templatePart struct {
	text     string
	operands []templateOperand // of an expression; the first one that is not null is its value
	quoted   bool              // the expression is in a JSON string
}

// templateOperand is a path or a string.
type templateOperand struct {
	path    []string // such as user, metadata, plan
	literal string   // without a path
}

// parseClaimsTemplate splits a template into its parts.
func parseClaimsTemplate(content string) (claimsTemplate, error) {
	var parts claimsTemplate
	quoted := false // at the end of the text so far
	for content != "" {
		text, rest, found := strings.Cut(content, "{{")
		parts = append(parts, templatePart{text: text})
		quoted = endsInString(text, quoted)
		if !found {
			break
		}
		operands, length, err := parseExpression(rest)
		if err != nil {
			return nil, err
		}
		parts = append(parts, templatePart{operands: operands, quoted: quoted})
		content = rest[length:]
	}
	return parts, nil
}

// endsInString reports whether the end of a JSON text is in a string. quoted says whether its start is.
func endsInString(text string, quoted bool) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		}
	}
	return quoted
}

var (
	// operandPattern matches an operand and what follows it: another operand, or the end of the expression.
	operandPattern = regexp.MustCompile(`^\s*(?:'([^']*)'|"([^"]*)"|([a-zA-Z_][\w-]*(?:\.[\w:-]+)*))\s*(\|\||\}\})`)
	emptyPattern   = regexp.MustCompile(`^\s*\}\}`)
)

// parseExpression parses an expression from after its {{. It returns its length with its }}.
func parseExpression(text string) (operands []templateOperand, length int, err error) {
	switch {
	case !strings.Contains(text, "}}"):
		return nil, 0, errors.New("template parse error: missing '}}'")
	case emptyPattern.MatchString(text):
		return nil, 0, errors.New("expression cannot be empty")
	}
	for {
		match := operandPattern.FindStringSubmatch(text[length:])
		if match == nil {
			return nil, 0, errors.New("invalid expression segment")
		}
		length += len(match[0])
		operand := templateOperand{literal: match[1] + match[2]}
		if match[3] != "" {
			operand.path = strings.Split(match[3], ".")
		}
		operands = append(operands, operand)
		if match[4] == "}}" {
			return operands, length, nil
		}
	}
}

// value returns the value of an operand, which is nil for null. It reports whether the context can have the path.
func (o templateOperand) value(context map[string]any) (v any, known bool) {
	if o.path == nil {
		return o.literal, true
	}
	v = context
	free := false // the names below are those of the application
	for _, name := range o.path {
		switch object := v.(type) {
		case map[string]any:
			member, found := object[name]
			if !found && !free {
				return nil, false
			}
			v = member
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 {
				return nil, false
			}
			v = nil
			if i < len(object) {
				v = object[i]
			}
		case nil:
		default:
			return nil, false
		}
		free = free || name == "metadata" || name == "custom_attributes"
	}
	return v, true
}

// check returns an error for a template that is not valid. sample has every path that exists.
func (t claimsTemplate) check(sample map[string]any) error {
	for _, part := range t {
		for _, operand := range part.operands {
			v, known := operand.value(sample)
			switch {
			case !known:
				return fmt.Errorf("invalid path: %q", strings.Join(operand.path, "."))
			case part.quoted && !isScalar(v):
				return errors.New("string encapsulated expression cannot contain object reference")
			}
		}
	}
	if len(t) == 0 || !strings.HasPrefix(strings.TrimSpace(t[0].text), "{") {
		return errNoObject
	}
	claims, err := t.render(sample)
	if err != nil {
		return err
	}
	for _, name := range reservedClaims {
		if _, used := claims[name]; used {
			return fmt.Errorf("key reserved: %q", name)
		}
	}
	return nil
}

var errNoObject = errors.New("template must render to an object with at least one explicitly defined top-level key")

func isScalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// render returns the claims for a context. Claims that are null are omitted.
func (t claimsTemplate) render(context map[string]any) (map[string]any, error) {
	var text strings.Builder
	for _, part := range t {
		text.WriteString(part.text)
		if part.operands != nil {
			text.WriteString(part.rendered(context))
		}
	}
	decoder := json.NewDecoder(strings.NewReader(text.String()))
	decoder.UseNumber()
	var claims map[string]any
	if err := decoder.Decode(&claims); err != nil || claims == nil || decoder.More() {
		return nil, errNoObject
	}
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	trimmed(claims)
	return claims, nil
}

// rendered returns the JSON text of an expression. In a string, null is the empty string.
func (p templatePart) rendered(context map[string]any) string {
	values := make([]any, len(p.operands))
	for i, operand := range p.operands {
		values[i], _ = operand.value(context)
	}
	i := slices.IndexFunc(values, func(v any) bool { return v != nil })
	switch {
	case i < 0 && p.quoted:
		return ""
	case i < 0:
		return "null"
	}
	text, err := json.Marshal(values[i])
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err)) // not possible: the value is from JSON
	}
	if _, isString := values[i].(string); isString && p.quoted {
		return string(text[1 : len(text)-1])
	}
	return string(text)
}
