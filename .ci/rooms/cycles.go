// Cycles of arrows, and the layers of the graph. Both come from the strongly
// connected components of the root package's files (Tarjan's algorithm).

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// components returns the strongly connected components of the root's files.
// The files of each are sorted. A component follows those that it uses.
func components(l *layout) [][]string {
	var (
		found   [][]string
		stack   []string
		counter int
		index   = map[string]int{} // 1 for the first file visited
		low     = map[string]int{}
		onStack = map[string]bool{}
	)
	var visit func(file string)
	visit = func(file string) {
		counter++
		index[file], low[file] = counter, counter
		stack, onStack[file] = append(stack, file), true
		for _, next := range l.targets(file) {
			if !slices.Contains(l.files, next) {
				continue
			}
			if index[next] == 0 {
				visit(next)
				low[file] = min(low[file], low[next])
			} else if onStack[next] {
				low[file] = min(low[file], index[next])
			}
		}
		if low[file] != index[file] {
			return
		}
		at := slices.Index(stack, file)
		component := slices.Clone(stack[at:])
		stack = stack[:at]
		for _, member := range component {
			onStack[member] = false
		}
		slices.Sort(component)
		found = append(found, component)
	}
	for _, file := range l.files {
		if index[file] == 0 {
			visit(file)
		}
	}
	return found
}

// cycles returns the components that have more than one file.
func cycles(l *layout) [][]string {
	return slices.DeleteFunc(components(l), func(c []string) bool { return len(c) < 2 })
}

// shortestCycle returns the files of a shortest cycle of arrows in a component.
// The last file is the first one again.
func shortestCycle(l *layout, component []string) []string {
	var shortest []string
	for _, start := range component {
		before := map[string]string{}
		queue := []string{start}
		for len(queue) > 0 && before[start] == "" {
			file := queue[0]
			queue = queue[1:]
			for _, next := range l.targets(file) {
				if slices.Contains(component, next) && before[next] == "" {
					before[next] = file
					queue = append(queue, next)
				}
			}
		}
		cycle := []string{start}
		for file := before[start]; file != start; file = before[file] {
			cycle = append(cycle, file)
		}
		cycle = append(cycle, start)
		slices.Reverse(cycle)
		if shortest == nil || len(cycle) < len(shortest) {
			shortest = cycle
		}
	}
	return shortest
}

func writeCycle(w io.Writer, l *layout, cycle []string) {
	fmt.Fprintf(w, "a cycle of %d files: %s\n", len(cycle), strings.Join(cycle, " "))
	fmt.Fprintln(w, "  a shortest cycle:")
	shortest := shortestCycle(l, cycle)
	for i, from := range shortest[:len(shortest)-1] {
		first := l.arrows[arrow{from, shortest[i+1]}][0]
		fmt.Fprintf(w, "    %s → %s via %s (%s)\n", from, shortest[i+1], first.what, first.at)
	}
}

// layers returns the components by layer. Those of layer 0 use no other file.
// Every other component uses at least one component of the layer below its own.
func layers(l *layout) [][][]string {
	var found [][][]string
	height := map[string]int{}
	for _, component := range components(l) {
		own := 0
		for _, file := range component {
			for _, next := range l.targets(file) {
				if slices.Contains(l.files, next) && !slices.Contains(component, next) {
					own = max(own, height[next]+1)
				}
			}
		}
		for _, file := range component {
			height[file] = own
		}
		for len(found) <= own {
			found = append(found, nil)
		}
		found[own] = append(found[own], component)
	}
	return found
}

// writeGraph lists every arrow of the root's files, lowest layer first.
func writeGraph(w io.Writer, l *layout) {
	for height, layer := range layers(l) {
		fmt.Fprintf(w, "layer %d\n", height)
		slices.SortFunc(layer, slices.Compare[[]string])
		for _, component := range layer {
			if len(component) > 1 {
				fmt.Fprintf(w, "  a cycle of %d files\n", len(component))
			}
			for _, file := range component {
				writeFile(w, l, file)
			}
		}
	}
	fmt.Fprintln(w)
}

func writeFile(w io.Writer, l *layout, file string) {
	fmt.Fprintf(w, "  %s\n", file)
	for _, to := range l.targets(file) {
		if !slices.Contains(l.files, to) && !slices.Contains(l.others, to) {
			continue
		}
		var what []string
		for _, u := range l.arrows[arrow{file, to}] {
			what = append(what, u.what)
		}
		fmt.Fprintf(w, "    → %s: %s\n", l.show(to), strings.Join(what, ", "))
	}
}

// writeDot prints the arrows between root files for Graphviz. Those of a cycle
// are red.
func writeDot(w io.Writer, l *layout) {
	cycleOf := map[string]int{}
	for i, cycle := range cycles(l) {
		for _, file := range cycle {
			cycleOf[file] = i + 1
		}
	}
	fmt.Fprintln(w, "digraph rooms {\n\tnode [shape=box]")
	for _, file := range l.files {
		fmt.Fprintf(w, "\t%q\n", file)
	}
	for _, a := range l.fileArrows() {
		color := ""
		if cycleOf[a.from] != 0 && cycleOf[a.from] == cycleOf[a.to] {
			color = " [color=red]"
		}
		fmt.Fprintf(w, "\t%q -> %q%s\n", a.from, a.to, color)
	}
	fmt.Fprintln(w, "}")
}
