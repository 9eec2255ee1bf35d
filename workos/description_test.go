// The calls against the OpenAPI description that WorkOS publishes. The description is not in this repository. To run these
// tests, get it from https://github.com/workos/openapi-spec and name its path:
//
//	AUTHKIT_OPENAPI=/path/to/open-api-spec.yaml go test ./workos -run Description

package workos_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/assert/yaml"
	"github.com/stretchr/testify/require"
)

// deviations are the faults that are right, each with its reason. A key is the name of a case and its fault.
var deviations = map[string]string{
	"UpdateOrganization with all fields: body.metadata.old: is no string": "null removes a key, as the Node SDK sends it; the description has strings only",
	"UpdateUser with all fields: body.metadata.old: is no string":         "null removes a key, as the Node SDK sends it; the description has strings only",
}

// readDescription reads the description, or skips the test without one.
func readDescription(t *testing.T) schemas {
	t.Helper()
	path := os.Getenv("AUTHKIT_OPENAPI")
	if path == "" {
		t.Skip("AUTHKIT_OPENAPI does not name the OpenAPI description of WorkOS")
	}
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var document any
	require.NoError(t, yaml.Unmarshal(text, &document))
	encoded, err := json.Marshal(document) // numbers become float64, as in the bodies
	require.NoError(t, err)
	var description map[string]any
	require.NoError(t, json.Unmarshal(encoded, &description))
	return schemas{description}
}

// describe returns the operations of the description.
func (s schemas) describe() map[operation]map[string]any {
	described := map[operation]map[string]any{}
	for path, item := range s.description["paths"].(map[string]any) {
		for method, details := range item.(map[string]any) {
			if details, ok := details.(map[string]any); ok && details["responses"] != nil {
				described[operation{strings.ToUpper(method), path, details["tags"].([]any)[0].(string)}] = details
			}
		}
	}
	return described
}

// content returns the JSON schema of a request body or a response.
func (s schemas) content(part any) (schema any, ok bool) {
	content, _ := s.resolve(part)["content"].(map[string]any)
	media, ok := content["application/json"].(map[string]any)
	return media["schema"], ok
}

func TestTheListOfOperationsIsThatOfTheDescription(t *testing.T) {
	described := readDescription(t).describe()
	assert.ElementsMatch(t, operations(t), slices.Collect(maps.Keys(described)))
}

func TestEveryCallConformsToTheDescription(t *testing.T) {
	s := readDescription(t)
	described := s.describe()
	all := slices.Collect(maps.Keys(described))
	used := map[string]bool{}
	report := func(name, fault string) {
		key := name + ": " + fault
		if deviations[key] == "" {
			t.Error(key)
		}
		used[key] = true
	}
	tested := 0
	codes := map[operation][]string{}
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		tt := calls[name]
		if strings.HasPrefix(name, "Call ") {
			continue
		}
		o, ok := findOperation(all, tt.method, tt.path)
		if !ok {
			_, ok = findOperation(undescribed, tt.method, tt.path)
			assert.True(t, ok, "%s is in no list", name)
			continue
		}
		tested++
		for _, fault := range s.checkRequest(t, described[o], tt) {
			report(name, fault)
		}
		for _, fault := range s.checkResponse(t, described[o], tt) {
			report(name, fault)
		}
		for _, response := range tt.errors {
			codes[o] = append(codes[o], response.code)
		}
	}
	for o := range codes {
		for _, code := range s.codes(described[o]) {
			if !slices.Contains(codes[o], code) {
				report(o.String(), "no wire test has the code "+code)
			}
		}
	}
	for key := range deviations {
		assert.True(t, used[key], "deviations has %q, which does not occur", key)
	}
	t.Logf("%d calls make %d operations; %d deviations are listed", tested, len(codes), len(deviations))
}

// checkRequest returns what is wrong with the request of a call.
func (s schemas) checkRequest(t *testing.T, details map[string]any, tt wire) (faults []string) {
	t.Helper()
	sent, err := url.ParseQuery(tt.query)
	require.NoError(t, err)
	parameters, _ := details["parameters"].([]any)
	for _, part := range parameters {
		parameter := s.resolve(part)
		name, _ := parameter["name"].(string)
		if parameter["in"] != "query" {
			continue
		}
		if parameter["required"] == true && !sent.Has(name) {
			faults = append(faults, "query: lacks "+name)
		}
		for _, text := range sent[name] {
			faults = append(faults, s.checkParameter(parameter["schema"], text, "query."+name)...)
		}
		delete(sent, name)
	}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		faults = append(faults, "query: has the unknown parameter "+name)
	}

	schema, hasBody := s.content(details["requestBody"])
	switch {
	case tt.body == "" && hasBody && s.resolve(details["requestBody"])["required"] == true:
		return append(faults, "body: is missing")
	case tt.body == "":
		return faults
	case !hasBody:
		return append(faults, "body: is not described")
	}
	var body any
	require.NoError(t, json.Unmarshal([]byte(tt.body), &body))
	return slices.Concat(faults, s.check(schema, body, "body"), s.unknown([]any{schema}, body, "body"))
}

// checkParameter returns what is wrong with a query parameter. It may be a number, or a list with commas.
func (s schemas) checkParameter(schema any, text, path string) []string {
	values := []any{text}
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		values = append(values, number)
	}
	if flag, err := strconv.ParseBool(text); err == nil {
		values = append(values, flag)
	}
	var elements []any
	for element := range strings.SplitSeq(text, ",") {
		elements = append(elements, element)
	}
	values = append(values, any(elements))
	var faults []string
	for _, value := range values {
		faults = s.check(schema, value, path)
		if len(faults) == 0 {
			return nil
		}
	}
	return faults
}

// checkResponse returns what is wrong with the response of a call.
func (s schemas) checkResponse(t *testing.T, details map[string]any, tt wire) []string {
	t.Helper()
	described, ok := details["responses"].(map[string]any)[strconv.Itoa(tt.status)]
	if !ok {
		return []string{fmt.Sprintf("response: the status %d is not described", tt.status)}
	}
	schema, ok := s.content(described)
	if !ok || tt.response == "" {
		if ok || tt.response != "" {
			return []string{"response: either the description or the test has no body"}
		}
		return nil
	}
	var body any
	require.NoError(t, json.Unmarshal([]byte(tt.response), &body))
	return s.check(schema, body, "response")
}

// codes returns the codes that an operation refuses with.
func (s schemas) codes(details map[string]any) []string {
	found := map[string]bool{}
	for status, part := range details["responses"].(map[string]any) {
		schema, ok := s.content(part)
		if !ok || status < "400" {
			continue
		}
		for _, rules := range s.flatten([]any{schema}) {
			properties, _ := rules["properties"].(map[string]any)
			for _, name := range []string{"code", "error"} {
				for _, property := range s.flatten([]any{properties[name]}) {
					values, _ := property["enum"].([]any)
					if property["const"] != nil {
						values = append(values, property["const"])
					}
					for _, value := range values {
						if code, ok := value.(string); ok {
							found[code] = true
						}
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}
