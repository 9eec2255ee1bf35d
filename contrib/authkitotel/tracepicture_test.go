// The picture of the traces of one exchange, as an SVG for light and dark pages.

package authkitotel_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// The dimensions of the picture, in pixels.
const (
	drawnSingly  = 12 // waiters with a row of their own
	pictureWidth = 860
	axisLeft     = 238
	axisRight    = 728
	busAt        = 764 // where the links of all waiters join
	axisTop      = 144
	rowPitch     = 22
	barHeight    = 14
	morePitch    = 1.5 // of the waiters that have no row
)

const pictureStyle = `<style>
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328; }
.heading { font-size: 16px; font-weight: 600; }
.group { font-weight: 600; }
.over { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round; }
.note, .tick { fill: #59636e; font-size: 12px; }
.code, .id { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.id { fill: #59636e; }
.page { fill: #ffffff; stroke: #d1d9e0; }
.grid { stroke: #d1d9e0; }
.visit { fill: #e4e9ee; stroke: #9aa5b1; }
.exchange { fill: #2563eb; }
.answered { stroke: #2563eb; stroke-dasharray: 4 3; }
.wait { fill: #c27c12; }
.more { fill: none; stroke: #c27c12; }
.link { fill: none; stroke: #1a7f37; stroke-width: 1.25; }
.from { stroke-dasharray: 2 3; }
.dot, .head { fill: #1a7f37; }
.links { fill: #1a7f37; font-weight: 600; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.note, .tick, .id { fill: #9198a1; }
.over { stroke: #0d1117; }
.page { fill: #0d1117; stroke: #3d444d; }
.grid { stroke: #2f353d; }
.visit { fill: #262c36; stroke: #59636e; }
.exchange { fill: #58a6ff; }
.answered { stroke: #58a6ff; }
.wait { fill: #d29922; }
.more { fill: none; stroke: #d29922; }
.link { stroke: #3fb950; }
.dot, .head, .links { fill: #3fb950; }
}
</style>
`

// tracePicture writes an SVG from top to bottom.
type tracePicture struct {
	bytes.Buffer
	begin time.Time // of the first request
	end   time.Time // of the last
}

func (p *tracePicture) add(format string, arguments ...any) {
	fmt.Fprintf(p, format+"\n", arguments...)
}

func (p *tracePicture) text(class string, x, y float64, text string) {
	p.add(`<text class="%s" x="%.0f" y="%.0f">%s</text>`, class, x, y, text)
}

// request labels the row of a request.
func (p *tracePicture) request(y float64, r tracedRequest) {
	p.text("code", 24, y+11, "GET /account")
	p.text("id", 124, y+11, "trace "+r.visit.SpanContext.TraceID().String()[:8])
}

// x returns where a time is on the axis.
func (p *tracePicture) x(at time.Time) float64 {
	return axisLeft + (axisRight-axisLeft)*float64(at.Sub(p.begin))/float64(p.end.Sub(p.begin))
}

// bar draws a span.
func (p *tracePicture) bar(class string, y, height float64, span tracetest.SpanStub) {
	left, right := p.x(span.StartTime), p.x(span.EndTime)
	p.add(`<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2"/>`, class, left, y, max(1, right-left), height)
}

// axis draws the times, in milliseconds.
func (p *tracePicture) axis(bottom float64) {
	total := float64(p.end.Sub(p.begin)) / float64(time.Millisecond)
	step := math.Pow(10, math.Floor(math.Log10(total)))
	for _, divisor := range []float64{10, 5, 2, 1} {
		if total/(step/divisor) <= 8 {
			step /= divisor
			break
		}
	}
	for ms := 0.0; ms <= total; ms += step {
		x := p.x(p.begin.Add(time.Duration(ms * float64(time.Millisecond))))
		p.add(`<line class="grid" x1="%.1f" y1="%d" x2="%.1f" y2="%.0f"/>`, x, axisTop-12, x, bottom)
		p.add(`<text class="tick" x="%.1f" y="%d" text-anchor="middle">%g ms</text>`, x, axisTop-18, ms)
	}
}

func milliseconds(span tracetest.SpanStub) string {
	return fmt.Sprintf("%.1f ms", float64(span.EndTime.Sub(span.StartTime))/float64(time.Millisecond))
}

// drawTrace draws the request that has made an exchange, and those that have waited for it.
func drawTrace(starter tracedRequest, waiters []tracedRequest) []byte {
	p := &tracePicture{begin: starter.visit.StartTime, end: starter.visit.EndTime}
	for _, w := range waiters {
		if w.visit.StartTime.Before(p.begin) {
			p.begin = w.visit.StartTime
		}
		if w.visit.EndTime.After(p.end) {
			p.end = w.visit.EndTime
		}
	}
	var singly, more []tracedRequest
	for i, w := range waiters {
		if i*drawnSingly/len(waiters) != (i+1)*drawnSingly/len(waiters) { // evenly spread over the order of their begin
			singly = append(singly, w)
		} else {
			more = append(more, w)
		}
	}

	const visitY = axisTop + 24.0
	const exchangeY = visitY + rowPitch
	const waitersY = exchangeY + rowPitch + 50
	moreY := waitersY + float64(len(singly))*rowPitch + 6
	bottom := moreY + float64(len(more))*morePitch + 8
	height := bottom + 32
	p.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %.0f" width="%d" height="%.0f" role="img" aria-labelledby="title desc">`, pictureWidth, height, pictureWidth, height)
	p.add(`<title id="title">%d requests, one refresh: the traces</title>`, 1+len(waiters))
	p.add(`<desc id="desc">Bars on a time axis in milliseconds. The first request has the span GET /account and, below it, the span authkit.refresh with authkit.waiters = %d. %d other requests have a span authkit.refresh_wait each, and all of them end when authkit.refresh has ended. A link leads from each authkit.refresh_wait to authkit.refresh.</desc>`, len(waiters), len(waiters))
	p.WriteString(pictureStyle)
	p.add(`<rect class="page" x="0.5" y="0.5" width="%d" height="%.0f" rx="8"/>`, pictureWidth-1, height-1)
	p.text("heading", 24, 34, fmt.Sprintf("%d requests, one refresh: the traces", 1+len(waiters)))
	p.text("note", 24, 54, fmt.Sprintf("The access token of a session has expired. %d requests with its cookie arrive at once. One of them exchanges the refresh token", 1+len(waiters)))
	p.text("note", 24, 71, fmt.Sprintf("at WorkOS. The %d others wait for that exchange, and go on with its result. Each request has a trace of its own.", len(waiters)))
	p.legend()
	p.axis(bottom)

	p.text("group", 24, axisTop+10, "The request that refreshes")
	p.request(visitY, starter)
	p.bar("visit", visitY, barHeight, starter.visit)
	p.text("code", 24, exchangeY+11, "└ authkit.refresh")
	p.bar("exchange", exchangeY, barHeight, starter.child)
	end := p.x(starter.child.EndTime)
	p.add(`<line class="answered" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.0f"/>`, end, exchangeY+barHeight+2, end, bottom)
	p.add(`<text class="note" x="%.1f" y="%.0f" text-anchor="middle">WorkOS has answered</text>`, end, bottom+16)
	p.text("note over", p.x(starter.child.StartTime)+4, exchangeY+barHeight+16, fmt.Sprintf("%s, <tspan class=\"code\">authkit.waiters = %d</tspan>", milliseconds(starter.child), len(waiters)))

	p.text("group", 24, waitersY-12, fmt.Sprintf("The %d requests that wait", len(waiters)))
	for i, w := range singly {
		y := waitersY + float64(i)*rowPitch
		p.request(y, w)
		p.bar("visit", y, barHeight, w.visit)
		p.bar("wait", y+3, barHeight-6, w.child)
		p.linkFrom(p.x(w.child.EndTime), y+barHeight/2)
	}
	p.text("note", 24, moreY+float64(len(more))*morePitch/2+4, fmt.Sprintf("and %d more", len(more)))
	var lines strings.Builder
	last := 0.0
	for i, w := range more {
		x := p.x(w.child.EndTime)
		fmt.Fprintf(&lines, "M%.1f %.2fH%.1f", p.x(w.child.StartTime), moreY+float64(i)*morePitch+0.5, x)
		last = max(last, x)
	}
	p.add(`<path class="wait more" d="%s"/>`, &lines)
	moreMiddle := moreY + float64(len(more))*morePitch/2
	p.add(`<path class="link from-more" d="M%.1f %.1fV%.1fM%.1f %.1fH%d"/>`, last+6, moreY, moreY+float64(len(more))*morePitch, last+6, moreMiddle, busAt)
	p.add(`<path class="link" d="M%d %.1fV%.1fH%.1f"/>`, busAt, moreMiddle, exchangeY+barHeight/2, end+8)
	p.add(`<path class="head" d="M%.1f %.1fl9 -4.5v9z"/>`, end+1, exchangeY+barHeight/2)
	p.text("links", busAt+8, exchangeY+11, fmt.Sprintf("%d links", len(waiters)))
	p.WriteString("</svg>\n")
	return p.Bytes()
}

// linkFrom draws the link of one waiter, to where all links join.
func (p *tracePicture) linkFrom(x, y float64) {
	p.add(`<path class="link from" d="M%.1f %.1fH%d"/>`, x, y, busAt)
	p.add(`<circle class="dot" cx="%.1f" cy="%.1f" r="2.5"/>`, x, y)
}

func (p *tracePicture) legend() {
	const y = 98.0
	p.add(`<rect class="visit key" x="24" y="%.0f" width="22" height="12" rx="2"/>`, y-10)
	p.text("note", 52, y, "the span of a request")
	p.add(`<rect class="exchange key" x="196" y="%.0f" width="22" height="12" rx="2"/>`, y-10)
	p.text("code", 224, y, "authkit.refresh")
	p.add(`<rect class="wait key" x="356" y="%.0f" width="22" height="8" rx="2"/>`, y-8)
	p.text("code", 384, y, "authkit.refresh_wait")
	p.add(`<path class="link key from" d="M556 %.0fH578"/>`, y-4)
	p.text("note", 586, y, "its link to authkit.refresh")
}

// element is one element of an SVG, with the text that is directly in it.
type element struct {
	name       string
	attributes map[string]string
	text       string
}

func elements(t *testing.T, svg []byte) (all []element) {
	t.Helper()
	var open []int
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attributes: map[string]string{}}
			for _, a := range token.Attr {
				e.attributes[a.Name.Local] = a.Value
			}
			open, all = append(open, len(all)), append(all, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				all[open[len(open)-1]].text += string(token)
			}
		}
	}
}

var aTime = regexp.MustCompile(`[\d.]+ ms`)

// structure returns what a picture shows, one element a line, without the times and the IDs of one run.
func structure(t *testing.T, svg []byte) string {
	t.Helper()
	var lines []string
	for _, e := range elements(t, svg) {
		class := e.attributes["class"]
		if class == "grid" || class == "tick" {
			continue
		}
		if class == "id" {
			e.text = "ID"
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", e.name, class, e.attributes["y"], aTime.ReplaceAllString(e.text, "N ms"))))
	}
	return strings.Join(lines, "\n")
}
