// The reader of a seed file: YAML into structs, with every fault at once and its line.

package dev

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// lineFaults are the faults of a file. Each begins with its line.
type lineFaults []error

func (f *lineFaults) add(line int, format string, args ...any) {
	*f = append(*f, fmt.Errorf("line %d: "+format, append([]any{line}, args...)...))
}

// decodeYAML decodes a document into a struct, whose fields have the tag yaml. A field named Line of type int gets the line of its
// mapping. Unlike yaml.Decoder, it reports every unknown and every repeated member, with the members that are known.
func decodeYAML(text []byte, into any) (faults lineFaults) {
	var document, second yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); err != nil && err != io.EOF {
		return lineFaults{errors.New(strings.TrimPrefix(err.Error(), "yaml: "))}
	}
	if err := decoder.Decode(&second); err != io.EOF {
		return lineFaults{errors.New("the file has more than one document: it has a line ---")}
	}
	if len(document.Content) > 0 { // not an empty file
		faults.decode(document.Content[0], reflect.ValueOf(into).Elem())
	}
	return faults
}

// decode decodes a node into a value.
func (f *lineFaults) decode(n *yaml.Node, v reflect.Value) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case n.Tag == "!!null":
	case v.Kind() == reflect.Struct:
		f.decodeStruct(n, v)
	case v.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			value := reflect.New(v.Type().Elem()).Elem()
			f.decode(item, value)
			v.Set(reflect.Append(v, value))
		}
	case v.Kind() == reflect.Slice:
		f.add(n.Line, "want a list, not %q", n.Value)
	case v.Kind() == reflect.String && n.Kind == yaml.ScalarNode:
		v.SetString(n.Value)
	case v.Kind() == reflect.Map, n.Kind == yaml.ScalarNode:
		if err := n.Decode(v.Addr().Interface()); err != nil {
			f.add(n.Line, "want %s, not %q", map[reflect.Kind]string{reflect.Bool: "true or false", reflect.Map: "a mapping"}[v.Kind()], n.Value)
		}
	default:
		f.add(n.Line, "want a text, not a list or a mapping")
	}
}

// decodeStruct decodes a mapping.
func (f *lineFaults) decodeStruct(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		f.add(n.Line, "want a mapping of %s", strings.Join(members(v.Type()), ", "))
		return
	}
	if line := v.FieldByName("Line"); line.IsValid() {
		line.SetInt(int64(n.Line))
	}
	known := members(v.Type())
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case seen[key.Value]:
			f.add(key.Line, "%s is repeated", key.Value)
		case !slices.Contains(known, key.Value):
			f.add(key.Line, "unknown member %q; the members here are %s", key.Value, strings.Join(known, ", "))
		default:
			seen[key.Value] = true
			for j := range v.NumField() {
				if v.Type().Field(j).Tag.Get("yaml") == key.Value {
					f.decode(n.Content[i+1], v.Field(j))
				}
			}
		}
	}
}

// members returns the names of the members of a struct.
func members(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "" {
			names = append(names, name)
		}
	}
	return names
}
