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
	name       string // lower case, "/form" for an end tag
	attributes map[string]string
	whole      string // the tag and everything after it
	rest       string // everything after it
}

// tags yields the tags of a document one by one. It parses only as far as the caller iterates. It does not skip markup inside
// scripts, because the pages of tests have no forms there.
func tags(document string) iter.Seq[tag] {
	return func(yield func(tag) bool) {
		for {
			at := tagPattern.FindStringSubmatchIndex(document)
			if at == nil {
				return
			}
			whole, rest := document[at[0]:], document[at[1]:]
			if at[4] >= 0 { // not a comment
				t := tag{
					name:       document[at[2]:at[3]] + strings.ToLower(document[at[4]:at[5]]),
					attributes: map[string]string{},
					whole:      whole,
					rest:       rest,
				}
				for _, a := range attributePattern.FindAllStringSubmatch(document[at[6]:at[7]], -1) {
					t.attributes[strings.ToLower(a[1])] = html.UnescapeString(a[2] + a[3] + a[4])
				}
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
	return strings.Join(strings.Fields(html.UnescapeString(tagPattern.ReplaceAllString(inner, ""))), " ")
}

// read parses the links and forms of the page. It returns the target of a meta refresh, or nil.
func (p *Page) read() (refresh *url.URL) {
	var form *Form // the form that is open
	for t := range tags(p.Body) {
		a := t.attributes
		switch t.name {
		case "a":
			if target, err := p.URL.Parse(a["href"]); err == nil && a["href"] != "" {
				p.Links = append(p.Links, Link{URL: target, Text: t.text()})
			}
		case "meta":
			if at := refreshPattern.FindStringSubmatch(a["content"]); at != nil && strings.EqualFold(a["http-equiv"], "refresh") {
				refresh, _ = p.URL.Parse(at[1])
			}
		case "form":
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
	a := t.attributes
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
	a := t.attributes
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
