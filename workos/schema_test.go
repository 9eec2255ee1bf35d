// A check of JSON values against the schemas of an OpenAPI 3.1 description, with the keywords that WorkOS's description uses.

package workos_test

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// schemas checks values against the schemas of a description.
type schemas struct{ description map[string]any }

// resolve returns a part of the description, or the part that it refers to.
func (s schemas) resolve(part any) map[string]any {
	object, _ := part.(map[string]any)
	for {
		reference, ok := object["$ref"].(string)
		if !ok {
			return object
		}
		var target any = s.description
		for name := range strings.SplitSeq(strings.TrimPrefix(reference, "#/"), "/") {
			name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
			target = target.(map[string]any)[name]
		}
		object = target.(map[string]any)
	}
}

// annotations are keywords that refuse no value.
var annotations = []string{"description", "example", "examples", "default", "deprecated", "title", "discriminator"}

// check returns what is wrong with a value.
func (s schemas) check(schema any, value any, path string) (faults []string) {
	if schema == false {
		return []string{path + ": no value is allowed"}
	}
	fault := func(format string, args ...any) { faults = append(faults, path+": "+fmt.Sprintf(format, args...)) }
	rules := s.resolve(schema)
	for _, keyword := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[keyword]
		switch keyword {
		case "type":
			if !slices.ContainsFunc(listed(rule), func(name any) bool { return hasType(value, name.(string)) }) {
				fault("is no %v", rule)
			}
		case "enum":
			if !slices.ContainsFunc(rule.([]any), func(allowed any) bool { return reflect.DeepEqual(allowed, value) }) {
				fault("%v is not in the enum", value)
			}
		case "const":
			if !reflect.DeepEqual(rule, value) {
				fault("%v is not %v", value, rule)
			}
		case "allOf":
			for _, part := range rule.([]any) {
				faults = append(faults, s.check(part, value, path)...)
			}
		case "anyOf", "oneOf":
			faults = append(faults, s.checkAlternatives(keyword, rule.([]any), value, path)...)
		case "not":
			if len(s.check(rule, value, path)) == 0 {
				fault("matches a schema that it must not match")
			}
		default:
			if slices.Contains(annotations, keyword) || strings.HasPrefix(keyword, "x-") {
				continue
			}
			checked := s.checkString(keyword, rule, value, fault) || s.checkNumber(keyword, rule, value, fault) ||
				s.checkArray(keyword, rule, value, path, &faults) || s.checkObject(keyword, rules, value, path, &faults)
			if !checked {
				fault("the schema has the unknown keyword %q", keyword)
			}
		}
	}
	return faults
}

func (s schemas) checkAlternatives(keyword string, alternatives []any, value any, path string) []string {
	var matches int
	var all []string
	for _, alternative := range alternatives {
		faults := s.check(alternative, value, path)
		if len(faults) == 0 {
			matches++
		}
		all = append(all, faults...)
	}
	if matches == 0 || keyword == "oneOf" && matches > 1 {
		return []string{fmt.Sprintf("%s: matches %d schemas of %s: %s", path, matches, keyword, strings.Join(all, ", "))}
	}
	return nil
}

// Each of the next functions reports whether it knows the keyword.

func (s schemas) checkString(keyword string, rule, value any, fault func(string, ...any)) bool {
	text, isString := value.(string)
	broken := false
	switch keyword {
	case "pattern":
		broken = isString && !regexp.MustCompile(rule.(string)).MatchString(text)
	case "minLength":
		broken = isString && float64(utf8.RuneCountInString(text)) < rule.(float64)
	case "maxLength":
		broken = isString && float64(utf8.RuneCountInString(text)) > rule.(float64)
	case "format":
		if rule == "date-time" && isString {
			_, err := time.Parse(time.RFC3339, text)
			broken = err != nil
		}
	default:
		return false
	}
	if broken {
		fault("%q breaks %s %v", text, keyword, rule)
	}
	return true
}

func (s schemas) checkNumber(keyword string, rule, value any, fault func(string, ...any)) bool {
	number, isNumber := value.(float64)
	broken := false
	switch keyword {
	case "minimum":
		broken = isNumber && number < rule.(float64)
	case "maximum":
		broken = isNumber && number > rule.(float64)
	default:
		return false
	}
	if broken {
		fault("%v breaks %s %v", number, keyword, rule)
	}
	return true
}

func (s schemas) checkArray(keyword string, rule, value any, path string, faults *[]string) bool {
	elements, _ := value.([]any)
	isArray := elements != nil
	broken := false
	switch keyword {
	case "items":
		for i, element := range elements {
			*faults = append(*faults, s.check(rule, element, fmt.Sprintf("%s.%d", path, i))...)
		}
	case "minItems":
		broken = isArray && float64(len(elements)) < rule.(float64)
	case "maxItems":
		broken = isArray && float64(len(elements)) > rule.(float64)
	default:
		return false
	}
	if broken {
		*faults = append(*faults, fmt.Sprintf("%s: %d elements break %s %v", path, len(elements), keyword, rule))
	}
	return true
}

func (s schemas) checkObject(keyword string, rules map[string]any, value any, path string, faults *[]string) bool {
	members, _ := value.(map[string]any)
	fault := func(format string, args ...any) { *faults = append(*faults, path+": "+fmt.Sprintf(format, args...)) }
	switch keyword {
	case "required":
		for _, name := range rules[keyword].([]any) {
			if _, present := members[name.(string)]; !present && members != nil {
				fault("lacks %v", name)
			}
		}
	case "properties", "patternProperties", "additionalProperties":
		if keyword == "additionalProperties" && (rules["properties"] != nil || rules["patternProperties"] != nil) {
			return true // checked with them
		}
		if keyword == "patternProperties" && rules["properties"] != nil {
			return true
		}
		for _, name := range slices.Sorted(maps.Keys(members)) {
			for _, schema := range memberSchemas(rules, name) {
				*faults = append(*faults, s.check(schema, members[name], path+"."+name)...)
			}
		}
	case "propertyNames":
		for _, name := range slices.Sorted(maps.Keys(members)) {
			*faults = append(*faults, s.check(rules[keyword], name, path+"."+name)...)
		}
	case "maxProperties":
		if float64(len(members)) > rules[keyword].(float64) {
			fault("has more than %v members", rules[keyword])
		}
	default:
		return false
	}
	return true
}

// memberSchemas returns the schemas of a member of an object.
func memberSchemas(rules map[string]any, name string) (found []any) {
	properties, _ := rules["properties"].(map[string]any)
	if schema, ok := properties[name]; ok {
		found = append(found, schema)
	}
	patterns, _ := rules["patternProperties"].(map[string]any)
	for pattern, schema := range patterns {
		if regexp.MustCompile(pattern).MatchString(name) {
			found = append(found, schema)
		}
	}
	if additional, ok := rules["additionalProperties"]; ok && len(found) == 0 && additional != true {
		found = append(found, additional)
	}
	return found
}

// unknown returns the members of a value that none of the schemas has. A schema allows further members, so check does not
// report them.
func (s schemas) unknown(alternatives []any, value any, path string) (faults []string) {
	all := s.flatten(alternatives)
	switch value := value.(type) {
	case []any:
		var items []any
		for _, rules := range all {
			if rules["items"] != nil {
				items = append(items, rules["items"])
			}
		}
		for i, element := range value {
			faults = append(faults, s.unknown(items, element, fmt.Sprintf("%s.%d", path, i))...)
		}
	case map[string]any:
		if !slices.ContainsFunc(all, func(rules map[string]any) bool { return rules["properties"] != nil }) {
			return nil // a map, or not described
		}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			var found []any
			open := false
			for _, rules := range all {
				found = append(found, memberSchemas(rules, name)...)
				open = open || rules["additionalProperties"] == true
			}
			if len(found) == 0 && !open {
				faults = append(faults, path+": has the unknown member "+name)
			}
			faults = append(faults, s.unknown(found, value[name], path+"."+name)...)
		}
	}
	return faults
}

// flatten returns the schemas and their parts and alternatives.
func (s schemas) flatten(parts []any) (all []map[string]any) {
	for _, part := range parts {
		rules := s.resolve(part)
		all = append(all, rules)
		for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
			below, _ := rules[keyword].([]any)
			all = append(all, s.flatten(below)...)
		}
	}
	return all
}

// listed returns a value as a list, if it is not a list already.
func listed(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

func hasType(value any, name string) bool {
	switch value := value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && value == float64(int64(value))
	case []any:
		return name == "array"
	default:
		return name == "object"
	}
}

func TestASchemaRefusesWhatItDoesNotDescribe(t *testing.T) {
	s := schemas{map[string]any{"components": map[string]any{"schemas": map[string]any{
		"Name": map[string]any{"type": "string", "minLength": 1.0, "maxLength": 3.0, "pattern": "^[a-z]+$"},
	}}}}
	name := map[string]any{"$ref": "#/components/schemas/Name"}
	object := map[string]any{
		"type": "object", "required": []any{"name"}, "description": "An object.", "x-extra": true,
		"properties": map[string]any{
			"name": name, "kind": map[string]any{"enum": []any{"a", nil}}, "one": map[string]any{"const": 1.0},
			"at":   map[string]any{"type": []any{"string", "null"}, "format": "date-time"},
			"list": map[string]any{"type": "array", "items": name, "minItems": 1.0, "maxItems": 2.0},
			"map":  map[string]any{"type": "object", "additionalProperties": name, "maxProperties": 2.0, "propertyNames": map[string]any{"maxLength": 2.0}},
			"size": map[string]any{"type": "integer", "minimum": 1.0, "maximum": 9.0},
			"sort": map[string]any{"oneOf": []any{map[string]any{"type": "string"}, map[string]any{"type": "number"}, map[string]any{"type": "integer"}}},
			"some": map[string]any{"anyOf": []any{map[string]any{"type": "string"}, map[string]any{"type": "boolean"}}},
			"both": map[string]any{"allOf": []any{name, map[string]any{"not": map[string]any{"const": "no"}}}},
		},
	}
	for _, tt := range []struct {
		member string
		value  any
		want   string // "" for a valid value
	}{
		{"name", "kim", ""}, {"name", "", "breaks minLength"}, {"name", "kims", "breaks maxLength"}, {"name", "Kim", "breaks pattern"}, {"name", 7.0, "is no string"},
		{"kind", nil, ""}, {"kind", "b", "not in the enum"}, {"one", 1.0, ""}, {"one", 2.0, "is not 1"},
		{"at", nil, ""}, {"at", "2026-05-04T10:00:00.000Z", ""}, {"at", "yesterday", "breaks format"},
		{"list", []any{"a"}, ""}, {"list", []any{}, "break minItems"}, {"list", []any{"a", "b", "c"}, "break maxItems"}, {"list", []any{"A"}, "list.0"},
		{"map", map[string]any{"a": "b"}, ""}, {"map", map[string]any{"a": "B"}, "map.a"}, {"map", map[string]any{"abc": "b"}, "breaks maxLength"},
		{"map", map[string]any{"a": "a", "b": "b", "c": "c"}, "more than 2"},
		{"size", 1.0, ""}, {"size", 1.5, "is no integer"}, {"size", 0.0, "breaks minimum"}, {"size", 10.0, "breaks maximum"},
		{"sort", "a", ""}, {"sort", 1.5, ""}, {"sort", 1.0, "matches 2"}, {"sort", true, "matches 0"},
		{"some", true, ""}, {"some", 1.0, "matches 0"}, {"both", "yes", ""}, {"both", "no", "must not match"}, {"both", "NO", "breaks pattern"},
	} {
		value := map[string]any{"name": "kim", tt.member: tt.value}
		got := strings.Join(s.check(object, value, "body"), "\n")
		if tt.want == "" {
			assert.Empty(t, got, "%s %v", tt.member, tt.value)
		} else {
			assert.Contains(t, got, tt.want, "%s %v", tt.member, tt.value)
		}
		assert.Empty(t, s.unknown([]any{object}, value, "body"))
	}
	assert.Equal(t, []string{"body: lacks name"}, s.check(object, map[string]any{}, "body"))
	assert.Equal(t, []string{"body: is no object"}, s.check(object, []any{}, "body"))
	assert.Equal(t, []string{`body: the schema has the unknown keyword "dependentRequired"`}, s.check(map[string]any{"dependentRequired": true}, "x", "body"))
	assert.Equal(t, []string{"body: no value is allowed"}, s.check(false, "x", "body"))
	assert.Equal(t, []string{"body.0: has the unknown member other"},
		s.unknown([]any{map[string]any{"items": map[string]any{"oneOf": []any{object}}}}, []any{map[string]any{"name": "kim", "other": 1.0}}, "body"))
}
