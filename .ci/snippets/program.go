// The program that a snippet becomes.

package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/scanner"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// program is the source of a package that compiles if its snippet does.
type program string

// declaration is a name that snippets may use, with its type.
type declaration struct{ name, typ string }

// parseDeclarations reads one declaration from each line.
func parseDeclarations(text string) (declarations []declaration, err error) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, typ, found := strings.Cut(line, " ")
		if !found || !token.IsIdentifier(name) {
			return nil, fmt.Errorf("%q is not a name and a type", line)
		}
		if _, err := parser.ParseExpr(typ); err != nil {
			return nil, fmt.Errorf("%q is not a type: %w", typ, err)
		}
		declarations = append(declarations, declaration{name, strings.TrimSpace(typ)})
	}
	return declarations, nil
}

// parseNames reads names.txt. The names after a line such as ./workos are for that
// directory, those before the first such line for all.
func parseNames(text string) (names map[string][]declaration, err error) {
	names, directory := map[string][]declaration{}, ""
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "./") {
			directory = strings.TrimSpace(line)
			continue
		}
		found, err := parseDeclarations(line)
		if err != nil {
			return nil, fmt.Errorf("names.txt: %w", err)
		}
		names[directory] = append(names[directory], found...)
	}
	return names, nil
}

// program returns the program of a snippet. The snippet is a whole file, a list of
// declarations, or a list of statements. Line directives make go vet report the
// place in the documentation.
func (s snippet) program(dir string) (program, error) {
	if formatted, err := format.Source([]byte(s.code)); err == nil && strings.TrimSpace(string(formatted)) != strings.TrimSpace(s.code) {
		return "", errors.New("not formatted as gofmt does")
	}
	if strings.Contains(s.code, "http.ListenAndServe(") {
		return "", errors.New("http.ListenAndServe has no time limits: show an http.Server with ReadHeaderTimeout")
	}
	place := fmt.Sprintf("//line %s:%d\n", filepath.Join(dir, s.file), s.line)
	if strings.HasPrefix(s.code, "package ") {
		if _, err := parse(s.code); err != nil {
			return "", err
		}
		return program(place + s.code), nil
	}
	text := place + s.code
	if _, err := parse("package snippet\n" + text); err != nil {
		body, err := usesItsVariables(s.code)
		if err != nil {
			return "", err
		}
		text = "func _() {\n" + place + body + "}\n"
	}
	return s.withNames(text)
}

// withNames returns a program of declarations, with the imports and the variables
// that they need.
func (s snippet) withNames(text string) (program, error) {
	missing, err := unresolved(text)
	if err != nil {
		return "", err
	}
	var variables []string
	for _, d := range s.names {
		if missing[d.name] {
			variables = append(variables, "var "+d.name+" "+d.typ+"\n")
			delete(missing, d.name)
		} else if s.own {
			return "", fmt.Errorf("the comment before it declares %s, which it does not use", d.name)
		}
	}
	text = strings.Join(variables, "") + text
	if missing, err = unresolved(text); err != nil {
		return "", err
	}
	var imported strings.Builder
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		if path, known := imports[name]; known {
			fmt.Fprintf(&imported, "import %s %q\n", name, path)
		}
	}
	return program("package snippet\n\n" + imported.String() + text), nil
}

// unresolved returns the names that a program uses and does not declare.
func unresolved(text string) (map[string]bool, error) {
	file, err := parse("package snippet\n" + text)
	if err != nil {
		return nil, err
	}
	missing := map[string]bool{}
	for _, name := range file.Unresolved {
		missing[name.Name] = true
	}
	return missing, nil
}

// usesItsVariables returns statements with a use of each variable that they
// declare at the top. A fragment may end before its variables are used.
func usesItsVariables(code string) (string, error) {
	const before = "package snippet\nfunc _() {\n"
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", before+code+"}\n", 0)
	if err != nil {
		var faults scanner.ErrorList
		if errors.As(err, &faults) { // its positions are not those of the document
			err = errors.New(faults[0].Msg)
		}
		return "", fmt.Errorf("neither declarations nor statements: %w", err)
	}
	statements := file.Decls[0].(*ast.FuncDecl).Body.List
	for i := len(statements) - 1; i >= 0; i-- {
		define, ok := statements[i].(*ast.AssignStmt)
		if !ok || define.Tok != token.DEFINE {
			continue
		}
		uses := ""
		for _, left := range define.Lhs {
			if name, ok := left.(*ast.Ident); ok && name.Name != "_" {
				uses += "; _ = " + name.Name
			}
		}
		end := files.Position(define.End()).Offset - len(before)
		code = code[:end] + uses + code[end:]
	}
	return code, nil
}

func parse(source string) (*ast.File, error) {
	return parser.ParseFile(token.NewFileSet(), "", source, 0)
}

// imports are the import paths of the packages that snippets use, by the names
// that the snippets use for them.
var imports = map[string]string{
	"bufio":    "bufio",
	"context":  "context",
	"errors":   "errors",
	"fmt":      "fmt",
	"http":     "net/http",
	"httptest": "net/http/httptest",
	"httputil": "net/http/httputil",
	"io":       "io",
	"json":     "encoding/json",
	"log":      "log",
	"os":       "os",
	"rand":     "crypto/rand",
	"signal":   "os/signal",
	"slog":     "log/slog",
	"sql":      "database/sql",
	"strings":  "strings",
	"syscall":  "syscall",
	"testing":  "testing",
	"time":     "time",
	"url":      "net/url",

	"authkitfiber": "github.com/authkit-go/authkit/contrib/authkitfiber",
	"authkitgin":   "github.com/authkit-go/authkit/contrib/authkitgin",
	"authkitgrpc":  "github.com/authkit-go/authkit/contrib/authkitgrpc",
	"authkitmcp":   "github.com/authkit-go/authkit/contrib/authkitmcp",
	"authkitotel":  "github.com/authkit-go/authkit/contrib/authkitotel",
	"authkit":      "github.com/authkit-go/authkit",
	"authkittest":  "github.com/authkit-go/authkit/authkittest",
	"jwks":         "github.com/authkit-go/authkit/jwks",
	"pgstore":      "github.com/authkit-go/authkit/contrib/pgstore",
	"pkce":         "github.com/authkit-go/authkit/pkce",
	"redisstore":   "github.com/authkit-go/authkit/contrib/redisstore",
	"resource":     "github.com/authkit-go/authkit/resource",
	"seal":         "github.com/authkit-go/authkit/seal",
	"storetest":    "github.com/authkit-go/authkit/storetest",
	"workos":       "github.com/authkit-go/authkit/workos",

	"auth":      "github.com/modelcontextprotocol/go-sdk/auth",
	"mcp":       "github.com/modelcontextprotocol/go-sdk/mcp",
	"adaptor":   "github.com/gofiber/fiber/v3/middleware/adaptor",
	"chi":       "github.com/go-chi/chi/v5",
	"cors":      "github.com/rs/cors",
	"fiber":     "github.com/gofiber/fiber/v3",
	"grpc":      "google.golang.org/grpc",
	"gin":       "github.com/gin-gonic/gin",
	"pgxpool":   "github.com/jackc/pgx/v5/pgxpool",
	"redis":     "github.com/redis/go-redis/v9",
	"recoverer": "github.com/gofiber/fiber/v3/middleware/recover",
}
