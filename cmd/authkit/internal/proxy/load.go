// Loading of a configuration file: all faults at once, each with its line.

package proxy

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/authkit-go/authkit/internal/gate"
)

// Faults are all faults of a configuration, one text each. No text has a secret.
type Faults []string

func (f Faults) Error() string { return strings.Join(f, "\n") }

// maxFile bounds a configuration file and a file with a secret.
const maxFile = 1 << 20

// Load reads a configuration file in YAML. A key that does not exist is a fault. The error is a [Faults]: with a fault of form, such as
// a number in place of a list, it also has the faults of meaning in the rest of the file. Otherwise [Config.Check] reports those.
func Load(name string) (*Config, error) {
	content, err := readFile(name)
	if err != nil {
		return nil, Faults{err.Error()}
	}
	return parse(name, content)
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxFile:
		return nil, fmt.Errorf("%s is larger than 1 MiB", name)
	}
	return content, nil
}

func parse(name string, content []byte) (*Config, error) {
	c := Default()
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	err := decoder.Decode(c)
	var types *yaml.TypeError
	switch {
	case errors.Is(err, io.EOF):
		return nil, Faults{name + ": the file is empty"}
	case errors.As(err, &types): // c has the rest of the file
	case err != nil:
		return nil, Faults{name + ": " + strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	if decoder.Decode(new(yaml.Node)) != io.EOF {
		return nil, Faults{name + ": the file has a second document (---), and needs exactly one"}
	}
	var root yaml.Node
	if err := yaml.Unmarshal(content, &root); err != nil {
		return nil, Faults{name + ": " + err.Error()}
	}
	c.source = sha256.Sum256(content)
	c.lines = map[string]int{}
	recordLines(c.lines, "", root.Content[0])
	var form []string
	if types != nil {
		form = types.Errors
	}
	if form = append(form, missingValues(root.Content[0])...); len(form) > 0 {
		return nil, c.allFaults(form)
	}
	return c, nil
}

// missingValues returns a fault for hosts without a host, and for each key of a rule that has no value. YAML reads a missing value as null,
// which would let every host pass or remove a requirement.
func missingValues(root *yaml.Node) (faults []string) {
	check := func(place string, line int, value *yaml.Node) {
		if value = target(value); value.Tag == "!!null" || value.Kind == yaml.SequenceNode && len(value.Content) == 0 && place == "hosts" {
			faults = append(faults, fmt.Sprintf("line %d: %s has no value; give one or remove it", line, place))
		}
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key := root.Content[i]
		if key.Value != "rules" && key.Value != "hosts" {
			continue
		}
		if key.Value == "hosts" {
			check(key.Value, key.Line, root.Content[i+1])
		}
		for n, item := range target(root.Content[i+1]).Content {
			place := fmt.Sprintf("%s[%d]", key.Value, n)
			check(place, item.Line, item)
			for k := 0; k+1 < len(item.Content); k += 2 {
				check(place+"."+item.Content[k].Value, item.Content[k].Line, item.Content[k+1])
			}
		}
	}
	return faults
}

// target returns the node that an alias stands for, or the node itself.
func target(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

// allFaults returns faults of form, which begin with "line N: ", and those of meaning at other lines.
func (c *Config) allFaults(form []string) error {
	all := &faultList{}
	ofForm := map[int]bool{}
	for _, text := range form {
		var line int
		_, _ = fmt.Sscanf(text, "line %d:", &line) // 0 for a text without one
		ofForm[line] = true
		all.found = append(all.found, placed{line, readable(text)})
	}
	meaning := &faultList{lines: c.lines}
	c.check(meaning)
	for _, fault := range meaning.found {
		if fault.line == 0 || !ofForm[fault.line] { // at the same line, it may follow from the fault of form
			all.found = append(all.found, fault)
		}
	}
	return all.err()
}

// sectionType matches a type of Go for what has keys in the file.
var sectionType = regexp.MustCompile(`into (proxy\.\w+|map\[string\]string)`)

// readable makes a text for people of one of package yaml, which names Go's types.
func readable(text string) string {
	before, after, found := strings.Cut(text, " not found in type ")
	if found {
		section := strings.ToLower(after[strings.LastIndexByte(after, '.')+1:])
		if section == "config" {
			section = "the file"
		}
		return before + " does not exist in " + section
	}
	text = sectionType.ReplaceAllString(text, "into keys and values")
	for from, to := range map[string]string{"time.Duration": "a duration such as 30s", "[]string": "a list", "into bool": "into true or false", "into int": "into a number"} {
		text = strings.ReplaceAll(text, from, to)
	}
	return text
}

// recordLines stores the line of each place, such as rules[2].roles.
func recordLines(lines map[string]int, place string, node *yaml.Node) {
	lines[place] = node.Line
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			inner := strings.TrimPrefix(place+"."+node.Content[i].Value, ".")
			recordLines(lines, inner, node.Content[i+1])
			lines[inner] = node.Content[i].Line
		}
	case yaml.SequenceNode:
		for i, item := range node.Content {
			recordLines(lines, fmt.Sprintf("%s[%d]", place, i), item)
		}
	}
}

// faultList collects faults by their place.
type faultList struct {
	lines map[string]int
	found []placed
}

type placed struct {
	line int
	text string
}

// add adds a fault. Its line is that of the place, or of the nearest one around it.
func (l *faultList) add(place, format string, args ...any) {
	text := place + ": " + fmt.Sprintf(format, args...)
	for at, _, _ := strings.Cut(place, " "); at != ""; { // without the variables
		if line, ok := l.lines[at]; ok {
			l.found = append(l.found, placed{line, fmt.Sprintf("line %d: %s", line, text)})
			return
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
	l.found = append(l.found, placed{0, text})
}

// addError adds the faults of an error of the gate, or the error itself.
func (l *faultList) addError(place string, err error) {
	var faults gate.Faults
	if !errors.As(err, &faults) {
		l.add(place, "%v", err)
		return
	}
	for _, fault := range faults {
		at := fault.Place
		if strings.HasPrefix(at, "headers.") {
			at = "identity." + at
		}
		if at == "trusted_origins" {
			at = "session." + at
		}
		l.add(at, "%s", fault.Problem)
	}
}

// err returns the faults in the order of their lines, or nil.
func (l *faultList) err() error {
	if len(l.found) == 0 {
		return nil
	}
	slices.SortStableFunc(l.found, func(a, b placed) int { return a.line - b.line })
	faults := make(Faults, len(l.found))
	for i, fault := range l.found {
		faults[i] = fault.text
	}
	return faults
}

// secretFile returns the content of a file with a secret, without the line break at its end. The error does not have the content.
func secretFile(name string) (string, error) {
	content, err := readFile(name)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		return "", fmt.Errorf("%s is empty", name)
	}
	return secret, nil
}
