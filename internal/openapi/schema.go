// The check of JSON values against the schemas of a description, with the keywords of JSON Schema that WorkOS uses.

package openapi

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// resolve returns a part of the description, or the part that it refers to.
func (d *Description) resolve(part any) map[string]any {
	object, _ := part.(map[string]any)
	for {
		reference, ok := object["$ref"].(string)
		if !ok {
			return object
		}
		var target any = d.document
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
func (d *Description) check(schema any, value any, path string) (faults []string) {
	if schema == false {
		return []string{path + ": no value is allowed"}
	}
	fault := func(format string, args ...any) { faults = append(faults, path+": "+fmt.Sprintf(format, args...)) }
	rules := d.resolve(schema)
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
				faults = append(faults, d.check(part, value, path)...)
			}
		case "anyOf", "oneOf":
			faults = append(faults, d.checkAlternatives(keyword, rule.([]any), value, path)...)
		case "not":
			if len(d.check(rule, value, path)) == 0 {
				fault("matches a schema that it must not match")
			}
		default:
			if slices.Contains(annotations, keyword) || strings.HasPrefix(keyword, "x-") {
				continue
			}
			checked := d.checkString(keyword, rule, value, fault) || d.checkNumber(keyword, rule, value, fault) ||
				d.checkArray(keyword, rule, value, path, &faults) || d.checkObject(keyword, rules, value, path, &faults)
			if !checked {
				fault("the schema has the unknown keyword %q", keyword)
			}
		}
	}
	return faults
}

func (d *Description) checkAlternatives(keyword string, alternatives []any, value any, path string) []string {
	var matches int
	var all []string
	for _, alternative := range alternatives {
		faults := d.check(alternative, value, path)
		if len(faults) == 0 {
			matches++
		}
		all = append(all, faults...)
	}
	if matches == 0 {
		if chosen := d.chosen(alternatives, value); len(chosen) == 1 {
			return d.check(chosen[0], value, path)
		}
	}
	if matches == 0 || keyword == "oneOf" && matches > 1 {
		return []string{fmt.Sprintf("%s: matches %d schemas of %s: %s", path, matches, keyword, strings.Join(all, ", "))}
	}
	return nil
}

// chosen returns the alternatives whose constant members a value has, such as the schema of an event of its type.
func (d *Description) chosen(alternatives []any, value any) (chosen []any) {
	members, _ := value.(map[string]any)
	for _, alternative := range alternatives {
		properties, _ := d.resolve(alternative)["properties"].(map[string]any)
		constants, equal := 0, 0
		for name, schema := range properties {
			if constant, ok := d.resolve(schema)["const"]; ok {
				constants++
				if reflect.DeepEqual(constant, members[name]) {
					equal++
				}
			}
		}
		if constants > 0 && equal == constants {
			chosen = append(chosen, alternative)
		}
	}
	return chosen
}

// Each of the next functions reports whether it knows the keyword.

func (d *Description) checkString(keyword string, rule, value any, fault func(string, ...any)) bool {
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

func (d *Description) checkNumber(keyword string, rule, value any, fault func(string, ...any)) bool {
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

func (d *Description) checkArray(keyword string, rule, value any, path string, faults *[]string) bool {
	elements, _ := value.([]any)
	isArray := elements != nil
	broken := false
	switch keyword {
	case "items":
		for i, element := range elements {
			*faults = append(*faults, d.check(rule, element, fmt.Sprintf("%s.%d", path, i))...)
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

func (d *Description) checkObject(keyword string, rules map[string]any, value any, path string, faults *[]string) bool {
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
				*faults = append(*faults, d.check(schema, members[name], path+"."+name)...)
			}
		}
	case "propertyNames":
		for _, name := range slices.Sorted(maps.Keys(members)) {
			*faults = append(*faults, d.check(rules[keyword], name, path+"."+name)...)
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
func (d *Description) unknown(alternatives []any, value any, path string) (faults []string) {
	all := d.flatten(alternatives)
	switch value := value.(type) {
	case []any:
		var items []any
		for _, rules := range all {
			if rules["items"] != nil {
				items = append(items, rules["items"])
			}
		}
		for i, element := range value {
			faults = append(faults, d.unknown(items, element, fmt.Sprintf("%s.%d", path, i))...)
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
			faults = append(faults, d.unknown(found, value[name], path+"."+name)...)
		}
	}
	return faults
}

// flatten returns the schemas and their parts and alternatives.
func (d *Description) flatten(parts []any) (all []map[string]any) {
	for _, part := range parts {
		rules := d.resolve(part)
		all = append(all, rules)
		for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
			below, _ := rules[keyword].([]any)
			all = append(all, d.flatten(below)...)
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
