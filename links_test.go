// The links of the documents: every file, heading and picture that a document links to is there, the lists of the chapters are
// complete, and the README stays short.

package authkit_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryLinkOfEveryDocumentResolves(t *testing.T) {
	anchors := map[string]map[string]bool{}
	for _, file := range documents(t) {
		anchors[file] = anchorsOf(readDocument(t, file))
	}
	checked := 0
	for _, file := range documents(t) {
		for _, link := range linksOf(readDocument(t, file)) {
			target, anchor, hasAnchor := strings.Cut(link, "#")
			if strings.Contains(target, ":") {
				continue // another site
			}
			checked++
			to := file
			if target != "" {
				to = path.Join(path.Dir(file), target)
				_, err := os.Stat(filepath.FromSlash(to))
				assert.NoError(t, err, "%s links to %s", file, link)
			}
			if hasAnchor && anchors[to] != nil {
				assert.True(t, anchors[to][anchor], "%s links to %s, and %s has no such heading", file, link, to)
			}
		}
	}
	assert.Greater(t, checked, 500)
}

func TestEveryDocumentOnTheWebThatLLMSTxtNamesIsInTheRepository(t *testing.T) {
	const site = "https://raw.githubusercontent.com/authkit-go/authkit/main/"
	links := linksOf(readDocument(t, "llms.txt"))
	require.NotEmpty(t, links)
	for _, link := range links {
		file, ours := strings.CutPrefix(link, site)
		require.True(t, ours, "%s is not below %s", link, site)
		assert.FileExists(t, file)
	}
}

func TestTheListsOfTheChaptersAreComplete(t *testing.T) {
	chapters, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	contents, llms := readDocument(t, "docs/README.md"), readDocument(t, "llms.txt")
	for _, chapter := range chapters {
		chapter = filepath.ToSlash(chapter)
		if chapter != "docs/README.md" {
			assert.Contains(t, contents, "]("+path.Base(chapter)+")", "docs/README.md does not list %s", chapter)
			assert.Contains(t, llms, "/"+chapter+")", "llms.txt does not list %s", chapter)
		}
		_, text, _ := strings.Cut(withoutComments(readDocument(t, chapter)), "\n") // without the title
		text = strings.TrimSpace(text)
		ofCommand := strings.HasPrefix(text, "`authkit ") // the page of a command begins with what it does
		assert.True(t, ofCommand || strings.HasPrefix(text, "This page is for "), "%s does not begin with for whom it is", chapter)
	}
}

func TestTheREADMEHasAtMost200Lines(t *testing.T) {
	assert.LessOrEqual(t, strings.Count(readDocument(t, "README.md"), "\n"), 200)
}

func TestAnchorsAreThoseOfGitHub(t *testing.T) {
	text := "# What happens when …\n## `a.go`, and *b*\n```sh\n# no heading\n```\n## [A link](x.md)\n## a_b: c-d\n## a_b: c-d\n<a id=\"own\"></a>\n"
	want := map[string]bool{"what-happens-when-": true, "ago-and-b": true, "a-link": true, "a_b-c-d": true, "a_b-c-d-1": true, "own": true}
	assert.Equal(t, want, anchorsOf(text))
}

func TestLinksInCodeAreNoLinks(t *testing.T) {
	text := "[a](a.md#x) `[b](b.md)` <img src=\"c.png\"> [![d](d.svg)](e.md)\n```go\nf[0](g.md)\n```\n[h]: i.md\n"
	assert.ElementsMatch(t, []string{"a.md#x", "c.png", "d.svg", "e.md", "i.md"}, linksOf(text))
}

// documents returns the Markdown files of the repository, by their paths with slashes.
func documents(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "node_modules" || name == "testdata" || name == ".git") {
			return filepath.SkipDir
		}
		if !entry.IsDir() && strings.HasSuffix(name, ".md") {
			files = append(files, filepath.ToSlash(file))
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

var (
	codeBlock   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	codeSpan    = regexp.MustCompile("`[^`\n]*`")
	comment     = regexp.MustCompile(`(?s)<!--.*?-->`)
	inlineLink  = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	definedLink = regexp.MustCompile(`(?m)^\[[^\]]+\]: (\S+)$`)
	htmlLink    = regexp.MustCompile(`(?:src|href)="([^"]+)"`)
	heading     = regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
	htmlAnchor  = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
	linkText    = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

func withoutComments(text string) string { return comment.ReplaceAllString(text, "") }

// linksOf returns the targets of all links and pictures of a Markdown text that are not in code.
func linksOf(text string) (links []string) {
	text = codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(withoutComments(text), ""), "")
	for _, pattern := range []*regexp.Regexp{inlineLink, definedLink, htmlLink} {
		for _, match := range pattern.FindAllStringSubmatch(text, -1) {
			links = append(links, match[1])
		}
	}
	return links
}

// anchorsOf returns the anchors of a Markdown text: those that GitHub makes of its headings, and those in HTML.
func anchorsOf(text string) map[string]bool {
	anchors := map[string]bool{}
	text = codeBlock.ReplaceAllString(text, "")
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		anchor := anchorOf(match[1])
		for unique, n := anchor, 1; ; n++ {
			if !anchors[unique] {
				anchors[unique] = true
				break
			}
			unique = anchor + "-" + strconv.Itoa(n)
		}
	}
	for _, match := range htmlAnchor.FindAllStringSubmatch(text, -1) {
		anchors[match[1]] = true
	}
	return anchors
}

// anchorOf returns the anchor that GitHub makes of a heading: lower case, a hyphen for each space, no punctuation.
func anchorOf(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsNumber(r):
			return unicode.ToLower(r)
		}
		return -1
	}, linkText.ReplaceAllString(title, "$1"))
}
