// The calls against the OpenAPI description that WorkOS publishes. The description is not in this repository. To run these
// tests, get it from https://github.com/workos/openapi-spec and name its path:
//
//	AUTHKIT_OPENAPI=/path/to/open-api-spec.yaml go test ./workos -run Description

package workos_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/internal/openapi"
)

// deviations are the faults that are right, each with its reason. A key is the name of a case and its fault.
var deviations = map[string]string{
	"UpdateOrganization with all fields: body.metadata.old: is no string": "null removes a key, as the Node SDK sends it; the description has strings only",
	"UpdateUser with all fields: body.metadata.old: is no string":         "null removes a key, as the Node SDK sends it; the description has strings only",
}

// readDescription reads the description, or skips the test without one.
func readDescription(t *testing.T) *openapi.Description {
	t.Helper()
	description, err := openapi.FromEnv()
	require.NoError(t, err)
	if description == nil {
		t.Skip(openapi.Variable + " does not name the OpenAPI description of WorkOS")
	}
	return description
}

func TestTheListOfOperationsIsThatOfTheDescription(t *testing.T) {
	var described []operation
	for _, o := range readDescription(t).Operations() {
		method, path, _ := strings.Cut(o.Name, " ")
		described = append(described, operation{method, path, o.Tag})
	}
	assert.ElementsMatch(t, operations(t), described)
}

func TestEveryCallConformsToTheDescription(t *testing.T) {
	description := readDescription(t)
	used := map[string]bool{}
	report := func(name, fault string) {
		key := name + ": " + fault
		if deviations[key] == "" {
			t.Error(key)
		}
		used[key] = true
	}
	tested := 0
	codes := map[*openapi.Operation][]string{}
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		tt := calls[name]
		if strings.HasPrefix(name, "Call ") {
			continue
		}
		o := description.Operation(tt.method, tt.path)
		if o == nil {
			_, ok := findOperation(undescribed, tt.method, tt.path)
			assert.True(t, ok, "%s is in no list", name)
			continue
		}
		tested++
		for _, fault := range slices.Concat(o.CheckQuery(tt.query), o.CheckBody([]byte(tt.body)), o.CheckResponse(tt.status, []byte(tt.response))) {
			report(name, fault)
		}
		for _, response := range tt.errors {
			codes[o] = append(codes[o], response.code)
		}
	}
	for o := range codes {
		for _, code := range o.ErrorCodes() {
			if !slices.Contains(codes[o], code) {
				report(o.Name, "no wire test has the code "+code)
			}
		}
	}
	for key := range deviations {
		assert.True(t, used[key], "deviations has %q, which does not occur", key)
	}
	t.Logf("%d calls make %d operations; %d deviations are listed", tested, len(codes), len(deviations))
}
