// The description: reads it, and finds its operations.

package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/stretchr/testify/assert/yaml"
)

// Variable is the environment variable with the path of the description.
const Variable = "AUTHKIT_OPENAPI"

// Description is an OpenAPI description.
type Description struct {
	document   map[string]any
	operations map[string]*Operation // by their names
}

// Operation is a method of a path.
type Operation struct {
	Name string // such as "GET /user_management/users/{id}"
	Tag  string

	description *Description
	details     map[string]any
}

// FromEnv returns the description that AUTHKIT_OPENAPI names, or nil if the variable is not set. It reads the file once in a
// process.
var FromEnv = sync.OnceValues(func() (*Description, error) {
	path := os.Getenv(Variable)
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("openapi: %s: %w", Variable, err)
	}
	return parse(text)
})

// parse reads a description in YAML or JSON.
func parse(text []byte) (*Description, error) {
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("openapi: the description is no YAML: %w", err)
	}
	encoded, err := json.Marshal(document) // numbers become float64, as in the bodies
	if err != nil {
		return nil, fmt.Errorf("openapi: the description has a key that is no string: %w", err)
	}
	d := &Description{operations: map[string]*Operation{}}
	if err := json.Unmarshal(encoded, &d.document); err != nil {
		return nil, fmt.Errorf("openapi: the description is no object: %w", err)
	}
	paths, _ := d.document["paths"].(map[string]any)
	for path, item := range paths {
		methods, _ := item.(map[string]any)
		for method, part := range methods {
			details, _ := part.(map[string]any)
			if details["responses"] == nil {
				continue
			}
			o := &Operation{Name: strings.ToUpper(method) + " " + path, description: d, details: details}
			if tags, _ := details["tags"].([]any); len(tags) > 0 {
				o.Tag, _ = tags[0].(string)
			}
			d.operations[o.Name] = o
		}
	}
	return d, nil
}

// Operations returns the operations in the order of their names.
func (d *Description) Operations() []*Operation {
	var all []*Operation
	for _, name := range slices.Sorted(maps.Keys(d.operations)) {
		all = append(all, d.operations[name])
	}
	return all
}

// Operation returns the operation of a request with the escaped path, or nil.
func (d *Description) Operation(method, path string) *Operation {
	name, _ := Match(slices.Collect(maps.Keys(d.operations)), method, path)
	return d.operations[name]
}

// Match returns the pattern of a request with the escaped path. A pattern has a method and a path with a {name} for each
// variable segment, such as "GET /user_management/users/{id}". Of several that match, it is the one with the fewest names.
func Match(patterns []string, method, path string) (found string, ok bool) {
	segments := strings.Split(path, "/")
	for _, pattern := range patterns {
		ofMethod, template, _ := strings.Cut(pattern, " ")
		matches := ofMethod == method && slices.EqualFunc(strings.Split(template, "/"), segments, func(name, segment string) bool {
			return name == segment || strings.HasPrefix(name, "{") && segment != ""
		})
		if matches && (!ok || strings.Count(pattern, "{") < strings.Count(found, "{")) {
			found, ok = pattern, true
		}
	}
	return found, ok
}
