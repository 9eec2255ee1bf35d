// The table of rules: which rules the readings of a path are under.

package gate

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// table finds rules by path. It does not change after its construction.
type table struct {
	rules      []Rule
	asWritten  paths
	folded     paths // of paths without regard to case
	hasMethods bool
}

// paths has the indexes of rules by path. Those with methods come before those without.
type paths struct {
	exact map[string][]int
	below map[string][]int // by the path without "/*"
	// longest is the length of the longest path in below. What is longer is not looked for, so that a path of many segments costs little.
	longest int
}

func newTable(rules []Rule, faults *Faults) *table {
	t := &table{
		rules:     rules,
		asWritten: paths{exact: map[string][]int{}, below: map[string][]int{}},
		folded:    paths{exact: map[string][]int{}, below: map[string][]int{}},
	}
	for i := range rules {
		rules[i].check(rulePlace(i), faults)
		t.hasMethods = t.hasMethods || len(rules[i].Methods) > 0
		text, isPrefix := strings.CutSuffix(rules[i].Path, "/*")
		// A client escapes what is not ASCII. A reading may keep the escapes.
		texts := slices.Compact([]string{text, (&url.URL{Path: text}).EscapedPath()})
		for n, text := range texts {
			t.asWritten.add(text, isPrefix, i, t.rules)
			other, found := t.folded.add(fold(text), isPrefix, i, t.rules)
			if found && n == 0 {
				faults.add(rulePlace(i)+".path", "%s and a method are also in %s; two rules may not differ in case alone", rules[i].Path, rulePlace(other))
			}
		}
	}
	return t
}

// add adds a rule. It returns another rule that a request of the path could be under as well.
func (p *paths) add(text string, isPrefix bool, rule int, rules []Rule) (other int, found bool) {
	list := p.exact
	if isPrefix {
		list, p.longest = p.below, max(p.longest, len(text))
	}
	for _, i := range list[text] {
		a, b := rules[i].Methods, rules[rule].Methods
		if len(a) == 0 && len(b) == 0 || slices.ContainsFunc(a, func(method string) bool { return slices.Contains(b, method) }) {
			other, found = i, true
		}
	}
	if len(rules[rule].Methods) > 0 {
		list[text] = append([]int{rule}, list[text]...)
	} else {
		list[text] = append(list[text], rule)
	}
	return other, found
}

// find returns the most specific rule for a path and a method.
func (p *paths) find(path, method string, rules []Rule) int {
	if i, ok := first(p.exact[path], method, rules); ok {
		return i
	}
	if len(path) > p.longest {
		path = path[:strings.LastIndexByte(path[:p.longest+1], '/')]
	}
	for {
		if i, ok := first(p.below[path], method, rules); ok {
			return i
		}
		// withDefault has added a rule for all paths and methods, so that the loop ends.
		path = path[:strings.LastIndexByte(path, '/')]
	}
}

func first(candidates []int, method string, rules []Rule) (int, bool) {
	for _, i := range candidates {
		methods := rules[i].Methods
		if len(methods) == 0 || slices.Contains(methods, method) || method == http.MethodHead && slices.Contains(methods, http.MethodGet) {
			return i, true
		}
	}
	return 0, false
}

// match returns the rules that a request with the readings and the methods is under, each once.
func (t *table) match(readings, methods []string) []int {
	var matched []int
	add := func(i int) {
		if !slices.Contains(matched, i) {
			matched = append(matched, i)
		}
	}
	for _, path := range readings {
		lower := fold(path)
		path = upperEscapes(path)
		for _, method := range methods {
			add(t.asWritten.find(path, method, t.rules))
			add(t.folded.find(lower, method, t.rules))
		}
	}
	return matched
}

// maxMethods bounds the methods of a request. An honest client names at most one besides its own.
const maxMethods = 8

// methods returns the method of a request, and those that it names for a framework that lets a header or a query replace the
// method of a POST.
func (t *table) methods(r *http.Request) ([]string, error) {
	all := []string{r.Method}
	if !t.hasMethods {
		return all, nil
	}
	var err error
	add := func(method string) {
		switch method = strings.ToUpper(strings.TrimSpace(method)); {
		case method == "" || slices.Contains(all, method):
		case len(all) == maxMethods:
			err = errMethods
		default:
			all = append(all, method)
		}
	}
	add(r.Method)
	for name, values := range r.Header {
		switch normalName(name) {
		case "x-http-method-override", "x-http-method", "x-method-override":
			for _, value := range values {
				for method := range strings.SplitSeq(value, ",") {
					add(method)
				}
			}
		}
	}
	for pair := range strings.FieldsFuncSeq(r.URL.RawQuery, func(c rune) bool { return c == '&' || c == ';' }) {
		name, method, _ := strings.Cut(pair, "=")
		if isMethodParameter(unescapeQuery(name)) {
			add(unescapeQuery(method))
		}
	}
	return all, err
}

// unescapeQuery decodes a part of a query. url.ParseQuery does not split at ";" and returns nothing for a query of many parameters.
func unescapeQuery(part string) string { return decode(strings.ReplaceAll(part, "+", " ")) }

// isMethodParameter reports whether a program may read the name of a parameter as _method. PHP removes spaces in front, ends a name at a
// NUL, and takes "." and "[" for "_".
func isMethodParameter(name string) bool {
	name, _, _ = strings.Cut(strings.TrimLeft(name, " "), "\x00")
	return isNormally(name, "-method")
}

// upperEscapes returns a path whose escapes have capital letters, as those of the table have.
func upperEscapes(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	b := []byte(path)
	for i := range b {
		if i >= 1 && b[i-1] == '%' || i >= 2 && b[i-2] == '%' {
			b[i] = byte(unicode.ToUpper(rune(b[i])))
		}
	}
	return string(b)
}

// fold returns a text in which letters that differ in case alone are the same.
func fold(text string) string {
	isLower := func() bool {
		for i := range len(text) {
			if c := text[i]; 'A' <= c && c <= 'Z' || c >= 0x80 {
				return false
			}
		}
		return true
	}
	if isLower() {
		return text
	}
	return strings.Map(func(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }, text)
}
