// The rules of forbidden.txt: which arrows must not be there, and why.

package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// rule forbids arrows.
type rule struct {
	line   int      // of forbidden.txt
	from   []string // nodes
	only   bool     // of this module, from uses itself and the nodes in to alone
	to     []string // nodes that from never uses, unless only is set
	reason string
}

// checkRules returns a text for every forbidden arrow, and for every name in a
// rule that stands for no file and no package. It returns an error for a line
// of the wrong form.
func checkRules(l *layout, text string) (faults []string, err error) {
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		rules, unknown, err := l.parseRules(i+1, line)
		if err != nil {
			return nil, err
		}
		for _, name := range unknown {
			faults = append(faults, fmt.Sprintf(".ci/rooms/forbidden.txt:%d: %s names no file and no package: correct or remove the rule", i+1, name))
		}
		for _, r := range rules {
			faults = append(faults, l.broken(r)...)
		}
	}
	return faults, nil
}

// parseRules reads a line with the columns from | never or only | to | reason.
// It returns a rule for each name in the first column.
func (l *layout) parseRules(number int, line string) (rules []rule, unknown []string, err error) {
	columns := strings.Split(line, "|")
	for i := range columns {
		columns[i] = strings.Join(strings.Fields(columns[i]), " ")
	}
	if len(columns) != 4 || slices.Contains(columns, "") || (columns[1] != "never" && columns[1] != "only") {
		return nil, nil, fmt.Errorf(".ci/rooms/forbidden.txt:%d: want from | never or only | to | reason, have %q", number, line)
	}
	nodes := func(names string) (all []string) {
		for name := range strings.FieldsSeq(names) {
			found := l.expand(name)
			if len(found) == 0 {
				unknown = append(unknown, name)
			}
			all = append(all, found...)
		}
		return all
	}
	only := columns[1] == "only"
	var to []string
	if !only || columns[2] != "nothing" {
		to = nodes(columns[2])
	}
	for name := range strings.FieldsSeq(columns[0]) {
		rules = append(rules, rule{line: number, from: nodes(name), only: only, to: to, reason: columns[3]})
	}
	return rules, unknown, nil
}

// expand returns the nodes that a name in a rule stands for. A name is a file
// of the root package, a package as the go command names it (".", "./jwks",
// "./jwks/..."), or the import path of another module's package.
func (l *layout) expand(name string) []string {
	if strings.HasSuffix(name, ".go") {
		if slices.Contains(l.files, name) {
			return []string{name}
		}
		return nil
	}
	pattern := name
	if name == "." {
		pattern = l.module
	} else if rest, ok := strings.CutPrefix(name, "./"); ok {
		pattern = l.module + "/" + rest
	}
	nodes := map[string]bool{}
	for _, path := range l.packages() {
		if under, all := strings.CutSuffix(pattern, "..."); path == pattern || all && strings.HasPrefix(path+"/", under) {
			nodes[path] = true
		}
	}
	if nodes[l.module] {
		for _, file := range l.files {
			nodes[file] = true
		}
	}
	return slices.Sorted(maps.Keys(nodes))
}

// packages returns the import paths of the module's packages and of those that
// it imports.
func (l *layout) packages() []string {
	paths := append([]string{l.module}, l.others...)
	for a := range l.arrows {
		if !slices.Contains(l.files, a.to) {
			paths = append(paths, a.to)
		}
	}
	return paths
}

// own reports whether a node belongs to this module.
func (l *layout) own(node string) bool {
	return node == l.module || slices.Contains(l.files, node) || slices.Contains(l.others, node)
}

// broken returns a text for every arrow that r forbids.
func (l *layout) broken(r rule) []string {
	var faults []string
	for _, from := range r.from {
		for _, to := range l.targets(from) {
			named := slices.Contains(r.to, to)
			if r.only && (named || !l.own(to) || slices.Contains(r.from, to)) || !r.only && !named {
				continue
			}
			var uses []string
			for _, u := range l.arrows[arrow{from, to}] {
				uses = append(uses, fmt.Sprintf("\n  %s: %s", u.at, u.what))
			}
			faults = append(faults, fmt.Sprintf(".ci/rooms/forbidden.txt:%d: %s uses %s: %s%s",
				r.line, l.show(from), l.show(to), r.reason, strings.Join(uses, "")))
		}
	}
	return faults
}
