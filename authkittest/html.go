// Parses the links and forms of a page.

package authkittest

import (
	"html"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Page is a response that a Browser shows.
type Page struct {
	URL        *url.URL // after all redirects
	StatusCode int
	Header     http.Header
	Body       string
	Links      []Link
	Forms      []Form

	redirectedBy *url.URL // the address that redirected to this page; nil without a redirect
}

// String returns the status and the address. It omits the query, which can hold secrets.
func (p *Page) String() string { return strconv.Itoa(p.StatusCode) + " " + withoutQuery(p.URL) }

// GoString returns String, for %#v.
func (p *Page) GoString() string { return p.String() }

// Link is an <a> element with an href attribute.
type Link struct {
	URL  *url.URL
	Text string
}

// Form is a form with the values that the page gives its fields.
type Form struct {
	Action  *url.URL
	Method  string     // "GET" or "POST"
	Fields  url.Values // names and values of the fields; checkboxes and radio buttons only if checked
	Buttons []Button
}

// Button is a button that submits its form.
type Button struct {
	Name, Value string // both may be empty
	Text        string
	Action      *url.URL // of its formaction; nil means that of the form
	Method      string   // "GET" or "POST", of its formmethod; empty means that of the form
}

var (
	tagPattern       = regexp.MustCompile(`(?s)<!--.*?-->|<(/?)([a-zA-Z][a-zA-Z0-9]*)((?:[^>"']|"[^"]*"|'[^']*')*)>`)
	refreshPattern   = regexp.MustCompile(`(?i)^\s*0\s*;\s*url\s*=\s*['"]?([^'"]*)`)
	attributePattern = regexp.MustCompile(`(?s)([^\s=/"'>]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?`)
)

// tag is a start or end tag and its position.
type tag struct {
	name  string // lower case, "/form" for an end tag
	inner string // what is between the name and the ">"
	whole string // the tag and everything after it
	rest  string // everything after it
}

// attributes returns the attributes of the tag by their names in lower case.
func (t tag) attributes() map[string]string {
	attributes := map[string]string{}
	for _, a := range attributePattern.FindAllStringSubmatch(t.inner, -1) {
		attributes[strings.ToLower(a[1])] = html.UnescapeString(a[2] + a[3] + a[4])
	}
	return attributes
}

// findTag returns where the first tag or comment of a document begins and ends, and where the name of the tag ends. It returns 0 for
// the end of the name in a comment, and 0 for the end of the tag if there is neither. It finds what tagPattern matches, and takes a
// small part of its time.
func findTag(document string) (from, name, to int) {
	for ; ; from++ {
		next := strings.IndexByte(document[from:], '<')
		if next < 0 {
			return 0, 0, 0
		}
		from += next
		if comment, ok := strings.CutPrefix(document[from:], "<!--"); ok {
			if end := strings.Index(comment, "-->"); end >= 0 {
				return from, 0, len(document) - len(comment) + end + len("-->")
			}
		} else if name = endOfName(document, from); name == 0 {
			continue
		} else if to = endOfTag(document, name); to > 0 {
			return from, name, to
		}
		// The end is missing. Those of the next tags may be missing too, and to read the rest of the document once for each takes long.
		at := tagPattern.FindStringSubmatchIndex(document[from:])
		switch {
		case at == nil:
			return 0, 0, 0
		case at[5] < 0:
			return from + at[0], 0, from + at[1]
		}
		return from + at[0], from + at[5], from + at[1]
	}
}

// endOfName returns where the name of the tag that begins at from ends, and 0 if no tag begins there.
func endOfName(document string, from int) int {
	name := from + len("<")
	if name < len(document) && document[name] == '/' {
		name++
	}
	if name == len(document) || !isLetter(document[name]) {
		return 0
	}
	for name < len(document) && (isLetter(document[name]) || '0' <= document[name] && document[name] <= '9') {
		name++
	}
	return name
}

// endOfTag returns where the tag ends whose name ends at name, and 0 if it does not end.
func endOfTag(document string, name int) int {
	for at := name; at < len(document); at++ {
		switch c := document[at]; c {
		case '>':
			return at + 1
		case '"', '\'':
			length := strings.IndexByte(document[at+1:], c)
			if length < 0 {
				return 0
			}
			at += length + 1
		}
	}
	return 0
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// tags yields the tags of a document one by one. It parses only as far as the caller iterates. It does not skip markup inside
// scripts, because the pages of tests have no forms there.
func tags(document string) iter.Seq[tag] {
	return func(yield func(tag) bool) {
		for {
			from, name, to := findTag(document)
			if to == 0 {
				return
			}
			whole, rest := document[from:], document[to:]
			if name > 0 {
				t := tag{name: strings.ToLower(document[from+1 : name]), inner: document[name : to-1], whole: whole, rest: rest}
				if !yield(t) {
					return
				}
			}
			document = rest
		}
	}
}

// text returns the visible text between a start tag and its end tag.
func (t tag) text() string {
	inner := t.rest
	for end := range tags(t.rest) {
		if end.name == "/"+t.name {
			inner = t.rest[:len(t.rest)-len(end.whole)]
			break
		}
	}
	return strings.Join(strings.Fields(html.UnescapeString(withoutTags(inner))), " ")
}

// withoutTags returns a document without its tags and comments.
func withoutTags(document string) string {
	var text strings.Builder
	for {
		from, _, to := findTag(document)
		if to == 0 {
			return text.String() + document
		}
		text.WriteString(document[:from])
		document = document[to:]
	}
}

// read parses the links and forms of the page. It returns the target of a meta refresh, or nil.
func (p *Page) read() (refresh *url.URL) {
	var form *Form // the form that is open
	for t := range tags(p.Body) {
		switch t.name {
		case "a":
			a := t.attributes()
			if target, err := p.URL.Parse(a["href"]); err == nil && a["href"] != "" {
				p.Links = append(p.Links, Link{URL: target, Text: t.text()})
			}
		case "meta":
			a := t.attributes()
			if at := refreshPattern.FindStringSubmatch(a["content"]); at != nil && strings.EqualFold(a["http-equiv"], "refresh") {
				refresh, _ = p.URL.Parse(at[1])
			}
		case "form":
			a := t.attributes()
			action, err := p.URL.Parse(a["action"])
			if err != nil {
				continue
			}
			p.Forms = append(p.Forms, Form{Action: action, Method: formMethod(a["method"]), Fields: url.Values{}})
			form = &p.Forms[len(p.Forms)-1]
		case "/form":
			form = nil
		case "input", "button", "textarea":
			if form != nil {
				form.add(t, p.URL)
			}
		}
	}
	return refresh
}

// formMethod returns the method of an attribute. An unknown one is GET, as in browsers.
func formMethod(attribute string) string {
	if strings.EqualFold(attribute, http.MethodPost) {
		return http.MethodPost
	}
	return http.MethodGet
}

// button returns a button of a page at base.
func button(t tag, text string, base *url.URL) Button {
	a := t.attributes()
	b := Button{Name: a["name"], Value: a["value"], Text: text}
	if a["formaction"] != "" {
		b.Action, _ = base.Parse(a["formaction"]) // nil if it is not an address
	}
	if method, given := a["formmethod"]; given {
		b.Method = formMethod(method)
	}
	return b
}

// add adds a field or button of a page at base to the form.
func (f *Form) add(t tag, base *url.URL) {
	a := t.attributes()
	kind := strings.ToLower(a["type"])
	_, checked := a["checked"]
	switch {
	case t.name == "button" && (kind == "" || kind == "submit"):
		f.Buttons = append(f.Buttons, button(t, t.text(), base))
	case t.name == "input" && kind == "submit":
		f.Buttons = append(f.Buttons, button(t, a["value"], base))
	case t.name == "button", kind == "button", kind == "reset", a["name"] == "":
	case kind == "checkbox" || kind == "radio":
		if value, given := a["value"]; checked && given {
			f.Fields.Add(a["name"], value)
		} else if checked {
			f.Fields.Add(a["name"], "on")
		}
	case t.name == "textarea":
		f.Fields.Add(a["name"], t.text())
	default:
		f.Fields.Add(a["name"], a["value"])
	}
}
