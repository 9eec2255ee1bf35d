// The arrows: what a file of the root package uses of other files and packages,
// and what the other packages import.

package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/packages"
)

// layout holds the arrows of a module. A node is a root file ("guard.go")
// or the import path of a package.
type layout struct {
	dir    string
	module string   // the import path of the root package
	files  []string // the root package's files without tests, sorted
	others []string // the module's other packages, sorted
	arrows map[arrow][]use
}

// arrow says that one node uses another one.
type arrow struct{ from, to string }

// use is an identifier that an arrow's origin uses, and the first place of it.
type use struct {
	what string // such as cookies.read, or import
	at   token.Position
}

// load reads the module in dir. It type-checks the root package and reads the
// imports of the others. Test files do not count.
func load(dir string) (*layout, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	l := &layout{dir: dir, arrows: map[arrow][]use{}}
	root, err := loadPackages(dir, packages.NeedName|packages.NeedFiles|packages.NeedCompiledGoFiles|packages.NeedImports|
		packages.NeedTypes|packages.NeedSyntax|packages.NeedTypesInfo, ".")
	if err != nil {
		return nil, err
	}
	l.module = root[0].PkgPath
	l.addRoot(root[0])
	all, err := loadPackages(dir, packages.NeedName|packages.NeedFiles, "./...")
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.PkgPath == l.module {
			continue
		}
		l.others = append(l.others, p.PkgPath)
		if err := l.addImports(p); err != nil {
			return nil, err
		}
	}
	slices.Sort(l.others)
	return l, nil
}

func loadPackages(dir string, mode packages.LoadMode, pattern string) ([]*packages.Package, error) {
	found, err := packages.Load(&packages.Config{Dir: dir, Mode: mode}, pattern)
	if err != nil {
		return nil, err
	}
	var faults []error
	for _, p := range found {
		for _, fault := range p.Errors {
			faults = append(faults, fault)
		}
	}
	if len(found) == 0 {
		faults = append(faults, fmt.Errorf("%s: no package", dir))
	}
	return found, errors.Join(faults...)
}

// addRoot adds the arrows of the root package's files.
func (l *layout) addRoot(p *packages.Package) {
	owners, ignored := fieldOwners(p.Types), centralObjects(p.Types)
	for _, file := range p.Syntax {
		from := l.fileOf(p.Fset, file.Pos())
		l.files = append(l.files, from)
		for _, spec := range file.Imports {
			l.addImport(p.Fset, from, spec)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			id, ok := n.(*ast.Ident)
			if !ok {
				return true
			}
			obj := origin(p.TypesInfo.Uses[id])
			if obj == nil || obj.Pkg() == nil || ignored[obj] {
				return true
			}
			if _, name := obj.(*types.PkgName); name {
				return true // the identifier after it is the use
			}
			to := obj.Pkg().Path()
			if obj.Pkg() == p.Types {
				to = l.fileOf(p.Fset, obj.Pos())
			}
			l.add(from, to, describe(obj, owners), p.Fset.Position(id.Pos()))
			return true
		})
	}
	slices.Sort(l.files)
}

// addImports adds the imports of a package other than the root.
func (l *layout) addImports(p *packages.Package) error {
	fset := token.NewFileSet()
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(fset, name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			l.addImport(fset, p.PkgPath, spec)
		}
	}
	return nil
}

func (l *layout) addImport(fset *token.FileSet, from string, spec *ast.ImportSpec) {
	if path, err := strconv.Unquote(spec.Path.Value); err == nil {
		l.add(from, path, "import", fset.Position(spec.Pos()))
	}
}

// add records one use. It keeps the first place of each identifier, and it
// drops a file's import when the file uses an identifier of that package.
func (l *layout) add(from, to, what string, at token.Position) {
	if from == to {
		return
	}
	at.Filename = l.relative(at.Filename)
	key := arrow{from, to}
	uses := l.arrows[key]
	if slices.ContainsFunc(uses, func(u use) bool { return u.what == what }) {
		return
	}
	if len(uses) == 1 && uses[0].what == "import" && slices.Contains(l.files, from) {
		uses = nil
	}
	l.arrows[key] = append(uses, use{what, at})
}

// fileArrows returns the arrows between files of the root package, sorted.
func (l *layout) fileArrows() []arrow {
	var found []arrow
	for a := range l.arrows {
		if slices.Contains(l.files, a.from) && slices.Contains(l.files, a.to) {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, func(a, b arrow) int {
		return strings.Compare(a.from+" "+a.to, b.from+" "+b.to)
	})
	return found
}

// targets returns the nodes that from uses: root files first, each kind sorted.
func (l *layout) targets(from string) []string {
	to := map[string]bool{}
	for a := range l.arrows {
		if a.from == from {
			to[a.to] = true
		}
	}
	return slices.SortedFunc(maps.Keys(to), func(a, b string) int {
		if inRoot := slices.Contains(l.files, a); inRoot != slices.Contains(l.files, b) {
			if inRoot {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
}

// show shortens the import path of a package of this module to ./path.
func (l *layout) show(node string) string {
	if rest, ok := strings.CutPrefix(node, l.module+"/"); ok {
		return "./" + rest
	}
	if node == l.module {
		return "."
	}
	return node
}

func (l *layout) fileOf(fset *token.FileSet, pos token.Pos) string {
	return filepath.Base(fset.Position(pos).Filename)
}

func (l *layout) relative(file string) string {
	if rel, err := filepath.Rel(l.dir, file); err == nil {
		return filepath.ToSlash(rel)
	}
	return file
}

// centralObjects returns the central type and its fields.
func centralObjects(p *types.Package) map[types.Object]bool {
	ignored := map[types.Object]bool{}
	obj := p.Scope().Lookup(central)
	if obj == nil {
		return ignored
	}
	ignored[obj] = true
	if s, ok := obj.Type().Underlying().(*types.Struct); ok {
		for field := range s.Fields() {
			ignored[field] = true
		}
	}
	return ignored
}

// fieldOwners returns the name of the type that a field is declared in.
func fieldOwners(p *types.Package) map[types.Object]string {
	owners := map[types.Object]string{}
	for _, name := range p.Scope().Names() {
		obj, ok := p.Scope().Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		if s, ok := obj.Type().Underlying().(*types.Struct); ok {
			for field := range s.Fields() {
				if owners[field] == "" {
					owners[field] = name
				}
			}
		}
	}
	return owners
}

// origin returns the declared method or field of an instantiated generic type.
func origin(obj types.Object) types.Object {
	switch obj := obj.(type) {
	case *types.Func:
		return obj.Origin()
	case *types.Var:
		return obj.Origin()
	}
	return obj
}

// describe returns an object's name, with its type before a method or a field.
func describe(obj types.Object, owners map[types.Object]string) string {
	if owner := owners[obj]; owner != "" {
		return owner + "." + obj.Name()
	}
	if f, ok := obj.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil {
			t := recv.Type()
			if p, ok := t.(*types.Pointer); ok {
				t = p.Elem()
			}
			if named, ok := t.(*types.Named); ok {
				return named.Obj().Name() + "." + obj.Name()
			}
		}
	}
	return obj.Name()
}
