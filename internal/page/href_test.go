// Tests of where a page can lead.

package page

import (
	"html"
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ourOrigins are the origins that pages of these tests may lead to.
var ourOrigins = []string{"https://api.workos.test", "http://localhost:3000"}

// hrefs are what a browser would follow in a page.
func hrefs(document string) (found []string) {
	for _, match := range regexp.MustCompile(`(?:href="|content="0;url=)([^"]*)"`).FindAllStringSubmatch(document, -1) {
		found = append(found, html.UnescapeString(match[1]))
	}
	return found
}

func TestAPageLeadsToAPathOrToOneOfItsOrigins(t *testing.T) {
	for _, address := range []string{
		"/", "/account?tab=1&return_to=%2Fa#top", "/a//b", "/https://evil.example/",
		"https://api.workos.test", "https://api.workos.test/sso/logout?session_id=1", "https://api.workos.test?a", "http://localhost:3000#a",
	} {
		p := Page{Link: address, Label: "a", Redirect: true, Origins: ourOrigins}
		assert.Equal(t, []string{address, address}, hrefs(string(p.document())), address)
		p = Page{Home: address, Origins: ourOrigins}
		assert.Equal(t, []string{address}, hrefs(string(p.document())), address)
	}
}

// hostile addresses would lead a browser away, or run a script.
var hostile = []string{
	"//evil.example", `/\evil.example`, `\/evil.example`, `\\evil.example`, "///evil.example", "https:/evil.example", "https:evil.example",
	"https://evil.example/", "HTTPS://API.WORKOS.TEST/", "http://api.workos.test/", "https://api.workos.test.evil.example/",
	"https://api.workos.test@evil.example/", "https://api.workos.test:443@evil.example/", "https://api.workos.test:8443/",
	`https://api.workos.test\@evil.example`, "https://api.workos.test%2eevil.example/", "https://api.workos.tes/",
	"http://localhost:30000/", "http://localhost:3000.evil.example/", "http://localhost:3000\t.evil.example/",
	"javascript:alert(1)", "JavaScript:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "\x01javascript:alert(1)",
	"data:text/html,<script>alert(1)</script>", "vbscript:a", "blob:https://api.workos.test/1", "mailto:kim@acme.test",
	"account", "./account", "?a", "#a", " /account", "\t//evil.example", "\x00/",
}

func TestAPageShowsNoLinkThatLeadsElsewhere(t *testing.T) {
	for _, address := range hostile {
		p := Page{Title: "a", Link: address, Label: "b", Home: address + " ", Redirect: true, Origins: ourOrigins}
		assert.Empty(t, hrefs(string(p.document())), address)
		p.Origins = []string{""}
		assert.Empty(t, hrefs(string(p.document())), address)
	}
}

func TestNoCharacterOfAnAddressEndsItsAttribute(t *testing.T) {
	p := Page{Link: "/\t/evil.example\n\"><script>'`\\é\xff&quot;", Label: "a", Redirect: true}
	document := string(p.document())
	want := `/%09/evil.example%0A%22%3E%3Cscript%3E%27%60\%C3%A9%FF&quot;`
	assert.Equal(t, []string{want, want}, hrefs(document))
	assert.NotContains(t, document, "<script")
}

// reference is the page as html/template writes it.
var reference = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{{if .Redirect}}<meta http-equiv="refresh" content="0;url={{.Link}}">
{{end}}<title>{{.Title}}</title>
<style>` + style + `</style>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{if .Link}}<a href="{{.Link}}">{{.Label}}</a>
{{end}}{{if and .Home (ne .Home .Link)}}<a class="home" href="{{.Home}}">Home page</a>
{{end}}</main>
</html>
`))

// normalized returns a page with its character references and percent-encodings resolved,
// because html/template writes some characters in another way. It encodes a NUL in a link,
// but writes U+FFFD for one in the address of a redirect.
func normalized(document string) string {
	document = html.UnescapeString(document)
	decoded := regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllStringFunc(document, func(octet string) string {
		plain, _ := url.PathUnescape(octet)
		return plain
	})
	return strings.ReplaceAll(decoded, "\x00", "\uFFFD")
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

func FuzzAPageHasTheTextsOfHTMLTemplateAndNoOtherLinks(f *testing.F) {
	for _, address := range append(hostile, "/", "/a?b=\"c\"&d", "https://api.workos.test/a") {
		f.Add("No <access>", "Ask & 'wait' \"here\"", address, "/tool/", true)
		f.Add("<script>alert(1)</script>", "</p>\x00", "/account", address, false)
	}
	f.Add("0", "Ask", "/\x00/", "/tool/", true)
	f.Add("\xe2%82", "\xe2%82", "/\xe2%82%ac", "/%00", true)
	f.Fuzz(func(t *testing.T, title, body, link, home string, redirect bool) {
		p := Page{Title: title, Text: body, Link: link, Label: title, Home: home, Redirect: redirect, Origins: ourOrigins}
		document := string(p.document())
		require.True(t, utf8.ValidString(document))
		require.NotContains(t, document, "\x00")
		for _, address := range hrefs(document) {
			require.NotContains(t, address, "\t")
			base, err := url.Parse("https://app.example/page")
			require.NoError(t, err)
			target, err := base.Parse(address)
			if err != nil {
				continue // a "%" that begins no encoding, which browsers pass on
			}
			origin := target.Scheme + "://" + target.Host
			require.Nil(t, target.User, address)
			require.True(t, origin == "https://app.example" || slices.Contains(ourOrigins, origin), address)
		}
		if p.href(link) == "" || p.href(home) == "" && home != "" {
			return
		}
		p.Title, p.Text, p.Label = valid(title), valid(body), valid(title)
		require.Equal(t, string(p.document()), document)
		p.Link, p.Home = valid(link), valid(home)
		var want strings.Builder
		require.NoError(t, reference.Execute(&want, p))
		require.Equal(t, normalized(want.String()), normalized(string(p.document())))
	})
}
