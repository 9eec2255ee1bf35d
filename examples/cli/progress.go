// Progress while the program waits: one animated line on a terminal, plain lines elsewhere.

package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const tick = time.Second

// progress shows that the program waits, and until when at most.
type progress struct {
	tool  *tool
	label string
	until time.Time

	mu    sync.Mutex  // guards the fields below and the output
	frame int         // of the animation
	width int         // of the animated line, 0 if it is not shown
	stop  func() bool // cancels the next tick
	ended bool
}

// startProgress shows progress until the caller calls end.
func (t *tool) startProgress(label string, until time.Time) *progress {
	p := &progress{tool: t, label: label, until: until}
	if t.terminal {
		p.tick()
	} else {
		t.printf("%s, for %s at most.", label, p.timeLeft())
	}
	return p
}

// notice prints a line that stays, above the animated line.
func (p *progress) notice(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.tool.printf("%s", line)
	if p.tool.terminal && !p.ended {
		p.draw()
	}
}

// end stops the animation and erases its line.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.stop != nil {
		p.stop()
	}
	p.erase()
}

func (p *progress) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	p.frame++
	p.draw()
	p.stop = p.tool.clock.AfterFunc(tick, p.tick)
}

// draw replaces the animated line. It uses only a carriage return, since not every terminal supports escape sequences.
func (p *progress) draw() {
	line := fmt.Sprintf("%c %s, %s left", `|/-\`[p.frame%4], p.label, p.timeLeft())
	fmt.Fprintf(p.tool.stdout, "\r%-*s", p.width, line) // padded to cover the previous line
	p.width = len(line)
}

// erase erases the animated line, and the "^C" that a terminal adds to it after Ctrl-C.
func (p *progress) erase() {
	if p.width > 0 {
		fmt.Fprintf(p.tool.stdout, "\r%s\r", strings.Repeat(" ", p.width+len("^C")))
		p.width = 0
	}
}

// timeLeft returns the remaining time, in minutes and seconds.
func (p *progress) timeLeft() string {
	left := max(p.until.Sub(p.tool.clock.Now()), 0)
	seconds := (left + time.Second - 1) / time.Second
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}
