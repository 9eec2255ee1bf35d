// Command rooms checks the layout of the module: the arrows between the files
// of the root package, the imports between packages, and the names of tests.
//
// There is an arrow from one file to another if the first uses an identifier
// that the second declares. The command fails if arrows form a cycle, if
// forbidden.txt forbids an arrow, or if two tests share a name. Run it in the
// directory .ci:
//
//	go run ./rooms          # check
//	go run ./rooms -graph   # list every arrow too, lowest layer first
//	go run ./rooms -dot     # print the arrows for Graphviz, check nothing
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
)

// central is the type that most files add methods to. Its name and its fields
// draw no arrow, or every such file would use authkit.go. A call of one of its
// methods draws an arrow to the file that declares the method.
const central = "AuthKit"

//go:embed forbidden.txt
var forbidden string

func main() {
	showGraph := flag.Bool("graph", false, "list every arrow, lowest layer first")
	showDot := flag.Bool("dot", false, "print the arrows for Graphviz and check nothing")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: rooms [-graph | -dot] [directory of the module, by default ..]")
		flag.PrintDefaults()
	}
	flag.Parse()
	dir := ".."
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	l, err := load(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rooms:", err)
		os.Exit(1)
	}
	if *showDot {
		writeDot(os.Stdout, l)
		return
	}
	if *showGraph {
		writeGraph(os.Stdout, l)
	}
	faults, err := check(os.Stdout, l, forbidden)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rooms:", err)
		os.Exit(1)
	}
	if faults > 0 {
		os.Exit(1)
	}
}

// check writes a report about l and returns the number of faults in it.
func check(w io.Writer, l *layout, rules string) (faults int, err error) {
	fmt.Fprintf(w, "files in the root package: %d, arrows between them: %d\n", len(l.files), len(l.fileArrows()))
	for _, cycle := range cycles(l) {
		faults++
		writeCycle(w, l, cycle)
	}
	broken, err := checkRules(l, rules)
	if err != nil {
		return faults, err
	}
	shared, tests, err := sharedTestNames(l.dir)
	if err != nil {
		return faults, err
	}
	for _, fault := range append(broken, shared...) {
		faults++
		fmt.Fprintln(w, fault)
	}
	fmt.Fprintf(w, "tests, examples, benchmarks and fuzz targets: %d\n", tests)
	fmt.Fprintf(w, "faults: %d\n", faults)
	return faults, nil
}
