// The plot: bars on a logarithmic scale, as an SVG for light and dark pages.

package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
)

// bar is one bar of the plot.
type bar struct {
	Label string
	Value float64 // in multiples of the floor
	Ours  bool    // it is authkit
}

// The dimensions of the plot, in pixels.
const (
	plotWidth  = 860
	plotLeft   = 230 // where bars begin
	plotRight  = 90  // room for the values
	plotTop    = 76
	plotBottom = 56
	rowHeight  = 26
	barHeight  = 16
)

const plotStyle = `<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.note { fill: #59636e; font-size: 12px; }
.page { fill: #ffffff; stroke: #d1d9e0; }
.grid { stroke: #d1d9e0; }
.floor { stroke: #59636e; stroke-dasharray: 4 3; }
.peer { fill: #9aa5b1; }
.ours { fill: #2563eb; }
.value { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.note { fill: #9198a1; }
.page { fill: #0d1117; stroke: #3d444d; }
.grid { stroke: #2f353d; }
.floor { stroke: #9198a1; }
.peer { fill: #6e7681; }
.ours { fill: #58a6ff; }
.value { stroke: #0d1117; }
}
</style>
`

// draw draws the bars. The axis starts and ends at a power of ten.
func draw(bars []bar) []byte {
	low, high := math.Inf(1), math.Inf(-1)
	for _, b := range bars {
		low, high = min(low, b.Value), max(high, b.Value)
	}
	first, last := math.Floor(math.Log10(low/2)), math.Ceil(math.Log10(high))
	at := func(v float64) float64 {
		return plotLeft + (plotWidth-plotLeft-plotRight)*(math.Log10(v)-first)/(last-first)
	}
	bottom := plotTop + len(bars)*rowHeight
	height := bottom + plotBottom
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="title">`+"\n",
		plotWidth, height, plotWidth, height)
	out.WriteString(plotStyle)
	fmt.Fprintf(&out, `<rect class="page" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>`+"\n", plotWidth-1, height-1)
	fmt.Fprintf(&out, `<text id="title" class="title" x="24" y="34">CPU time to authenticate a request, in multiples of the floor</text>`+"\n")
	fmt.Fprintf(&out, `<text class="note" x="24" y="54">Shorter is better. Logarithmic scale. The floor: open 2 KB with AES-256-GCM, verify one RSA-2048 signature.</text>`+"\n")
	for exponent := first; exponent <= last; exponent++ {
		x := at(math.Pow(10, exponent))
		class := "grid"
		if exponent == 0 {
			class = "floor"
		}
		fmt.Fprintf(&out, `<line class="%s" x1="%.1f" y1="%d" x2="%.1f" y2="%d"/>`+"\n", class, x, plotTop-6, x, bottom+4)
		fmt.Fprintf(&out, `<text class="note" x="%.1f" y="%d" text-anchor="middle">%gx</text>`+"\n", x, bottom+22, math.Pow(10, exponent))
	}
	fmt.Fprintf(&out, `<text class="note" x="%d" y="%d" text-anchor="middle">CPU time of a request ÷ CPU time of the floor</text>`+"\n",
		plotLeft+(plotWidth-plotLeft-plotRight)/2, bottom+42)
	for i, b := range bars {
		y := plotTop + i*rowHeight
		class := "peer"
		if b.Ours {
			class = "ours"
		}
		fmt.Fprintf(&out, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", plotLeft-12, y+barHeight-3, escape(b.Label))
		fmt.Fprintf(&out, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`+"\n", class, plotLeft, y, at(b.Value)-plotLeft, barHeight)
		fmt.Fprintf(&out, `<text class="value" x="%.1f" y="%d">%s</text>`+"\n", at(b.Value)+8, y+barHeight-3, times(b.Value))
	}
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func escape(s string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(s))
	return out.String()
}
