// What is shown while the program waits: on a terminal, one line that moves; elsewhere, lines.

package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const tick = time.Second

// progress shows that something is being waited for.
type progress struct {
	tool  *tool
	label string
	until time.Time

	mu    sync.Mutex // guards what follows, and the output
	turns int
	width int         // of the line that moves, 0 where none is shown
	stop  func() bool // calls the next tick off
	ended bool
}

// startProgress begins to show. It goes on until end.
func (t *tool) startProgress(label string, until time.Time) *progress {
	p := &progress{tool: t, label: label, until: until}
	if t.terminal {
		p.tick()
	} else {
		t.say("%s, for %s at most.", label, p.left())
	}
	return p
}

// say shows a line that stays.
func (p *progress) say(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	p.tool.say("%s", line)
	if p.tool.terminal && !p.ended {
		p.draw()
	}
}

// end takes the line that moves away.
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
	p.turns++
	p.draw()
	p.stop = p.tool.clock.AfterFunc(tick, p.tick)
}

// draw replaces the line. It needs no more of a terminal than a carriage return: no escapes, which not all of them know.
func (p *progress) draw() {
	line := fmt.Sprintf("%c %s, %s left", `|/-\`[p.turns%4], p.label, p.left())
	fmt.Fprintf(p.tool.stdout, "\r%-*s", p.width, line) // wide enough to cover the one before
	p.width = len(line)
}

// erase takes the line away, and what the terminal itself shows behind it when somebody interrupts.
func (p *progress) erase() {
	if p.width > 0 {
		fmt.Fprintf(p.tool.stdout, "\r%s\r", strings.Repeat(" ", p.width+len("^C")))
		p.width = 0
	}
}

// left is the time that is left, in minutes and seconds.
func (p *progress) left() string {
	left := max(p.until.Sub(p.tool.clock.Now()), 0)
	seconds := (left + time.Second - 1) / time.Second
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}
