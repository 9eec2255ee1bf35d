// Tests of the check against a schema.

package openapi

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestASchemaRefusesWhatItDoesNotDescribe(t *testing.T) {
	d := &Description{document: map[string]any{"components": map[string]any{"schemas": map[string]any{
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
		got := strings.Join(d.check(object, value, "body"), "\n")
		if tt.want == "" {
			assert.Empty(t, got, "%s %v", tt.member, tt.value)
		} else {
			assert.Contains(t, got, tt.want, "%s %v", tt.member, tt.value)
		}
		assert.Empty(t, d.unknown([]any{object}, value, "body"))
	}
	assert.Equal(t, []string{"body: lacks name"}, d.check(object, map[string]any{}, "body"))
	assert.Equal(t, []string{"body: is no object"}, d.check(object, []any{}, "body"))
	assert.Equal(t, []string{`body: the schema has the unknown keyword "dependentRequired"`}, d.check(map[string]any{"dependentRequired": true}, "x", "body"))
	assert.Equal(t, []string{"body: no value is allowed"}, d.check(false, "x", "body"))
	assert.Equal(t, []string{"body.0: has the unknown member other"},
		d.unknown([]any{map[string]any{"items": map[string]any{"oneOf": []any{object}}}}, []any{map[string]any{"name": "kim", "other": 1.0}}, "body"))
}

func TestTheFaultsOfAnAlternativeAreThoseOfItsConstantMembers(t *testing.T) {
	event := func(name, member string) any {
		return map[string]any{
			"type": "object", "required": []any{"event", member},
			"properties": map[string]any{"event": map[string]any{"const": name}, member: map[string]any{"type": "string"}},
		}
	}
	d := &Description{}
	events := map[string]any{"oneOf": []any{event("user.created", "user"), event("session.created", "session")}}
	for name, tt := range map[string]struct {
		value map[string]any
		want  []string
	}{
		"a valid event":    {map[string]any{"event": "user.created", "user": "kim"}, nil},
		"an invalid event": {map[string]any{"event": "user.created", "session": "kim"}, []string{"body: lacks user"}},
		"an unknown event": {map[string]any{"event": "user.gone"}, []string{
			"body: matches 0 schemas of oneOf: body.event: user.gone is not user.created, body: lacks user, " +
				"body.event: user.gone is not session.created, body: lacks session",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, d.check(events, tt.value, "body"))
		})
	}
}
