// The snippets of a Markdown file, and those of the doc comments of a Go file.

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"strings"
)

// declares matches the line before a snippet that declares names.
var declares = regexp.MustCompile(`^\s*<!-- snippet: (.*) -->\s*$`)

// markdownSnippets returns the snippets between ```go and ``` of a Markdown file.
func markdownSnippets(file, text string) (snippets []snippet, problems []string) {
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		indent, fence, found := strings.Cut(lines[i], "```go")
		if !found || strings.TrimSpace(indent) != "" || strings.TrimSpace(fence) != "" {
			continue
		}
		s := snippet{file: file, line: i + 2}
		if i > 0 {
			if match := declares.FindStringSubmatch(lines[i-1]); match != nil {
				s.own = true
				var err error
				if s.names, err = parseDeclarations(strings.ReplaceAll(match[1], "; ", "\n")); err != nil {
					problems = append(problems, fmt.Sprintf("%s:%d: %v", file, i, err))
				}
			}
		}
		for i++; i < len(lines) && strings.TrimSpace(lines[i]) != "```"; i++ {
			s.code += strings.TrimPrefix(lines[i], indent) + "\n"
		}
		snippets = append(snippets, s)
	}
	return snippets, problems
}

// commentSnippets returns the code blocks of the doc comments of a Go file. It
// leaves out those whose first word is in notGo.
func commentSnippets(file, text string, known map[string][]declaration, notGo []string) (snippets []snippet, err error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	if parsed.Name.Name == "main" || strings.HasPrefix(file, "internal/") || strings.Contains(file, "/internal/") {
		return nil, nil // no user imports it
	}
	isNotGo := map[string]bool{}
	for _, word := range notGo {
		isNotGo[word] = true
	}
	names := append(known["."+"/"+path.Dir(file)], known[""]...)
	for _, doc := range docComments(parsed) {
		for _, block := range codeBlocks(files, doc) {
			if word := strings.Fields(block.code)[0]; !isNotGo[word] {
				block.file, block.names = file, names
				snippets = append(snippets, block)
			}
		}
	}
	return snippets, nil
}

// docComments returns the comments that godoc shows: of the package, of the
// declarations, and of the fields and methods in them.
func docComments(file *ast.File) (docs []*ast.CommentGroup) {
	ast.Inspect(file, func(n ast.Node) bool {
		var doc *ast.CommentGroup
		switch n := n.(type) {
		case *ast.File:
			doc = n.Doc
		case *ast.FuncDecl:
			doc = n.Doc
		case *ast.GenDecl:
			doc = n.Doc
		case *ast.TypeSpec:
			doc = n.Doc
		case *ast.ValueSpec:
			doc = n.Doc
		case *ast.Field:
			doc = n.Doc
		case *ast.BlockStmt:
			return false
		}
		if doc != nil {
			docs = append(docs, doc)
		}
		return true
	})
	return docs
}

// codeBlocks returns the code blocks of a comment: the lines that begin with a
// tab, with the empty lines between them.
func codeBlocks(files *token.FileSet, doc *ast.CommentGroup) (blocks []snippet) {
	var block *snippet
	for _, comment := range doc.List {
		line, isLine := strings.CutPrefix(comment.Text, "//")
		switch {
		case isLine && strings.HasPrefix(line, "\t"):
			if block == nil {
				blocks = append(blocks, snippet{line: files.Position(comment.Pos()).Line})
				block = &blocks[len(blocks)-1]
			}
			block.code += strings.TrimPrefix(line, "\t") + "\n"
		case isLine && strings.TrimSpace(line) == "" && block != nil:
			block.code += "\n"
		default:
			block = nil
		}
	}
	for i := range blocks {
		blocks[i].code = strings.TrimRight(blocks[i].code, "\n") + "\n"
	}
	return blocks
}
