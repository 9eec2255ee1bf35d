// Package testserver starts servers for tests that are programs of their own and that must be told their port, such as
// Redis and PostgreSQL. A program that chooses its port itself and prints it does not need this package.
//
// A test that asks the system for a free port and closes it again has no port: until the server listens, another process or
// an outgoing connection can take it. [Start] takes a port from outside the system's ephemeral ports. If the server ends
// before it listens, it starts it again on another port. A start that fails returns an error with the output of the server.
package testserver

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	startLimit = 60 * time.Second // for a server to listen, on a busy machine
	starts     = 5                // of a server that ends at once, each on another port
)

// Program is how a server is started.
type Program struct {
	// Command returns a new command for each start. The server must listen on this port of 127.0.0.1. Start sets the outputs.
	Command func(port *Port) (*exec.Cmd, error)
	// Ready is a text that the server prints when it listens. Unlike a connection to the port, it comes from no other server.
	Ready string
	// Offsets are the distances of further ports on which the server listens (see [Reserve]).
	Offsets []int

	limit time.Duration // startLimit if zero
}

// Server is a started server. Its methods must not run at the same time, except Output.
type Server struct {
	Port    *Port
	program Program
	output  output
	cmd     *exec.Cmd
	exited  chan struct{} // closed when the process of cmd is gone
}

// Start starts a server and waits until it listens.
func Start(p Program) (*Server, error) {
	for n := 1; ; n++ {
		port, err := Reserve(p.Offsets...)
		if err != nil {
			return nil, err
		}
		s := &Server{Port: port, program: p}
		if err = s.start(); err == nil {
			return s, nil
		}
		_ = port.Release()
		var ended *endedError
		if !errors.As(err, &ended) {
			return nil, err
		}
		if n == starts {
			return nil, fmt.Errorf("%d starts on %d ports failed, the last one: %w", n, n, err)
		}
	}
}

// Restart kills the server and starts it again on the same port.
func (s *Server) Restart() error {
	s.Kill()
	return s.start()
}

// Kill ends the process as a crash does, and waits until it is gone. The port stays reserved.
func (s *Server) Kill() { s.End(os.Kill) }

// End sends a signal that ends the process, and waits until it is gone. The port stays reserved.
func (s *Server) End(signal os.Signal) {
	_ = s.Signal(signal) // an error means that the process is gone
	<-s.exited
}

// Close kills the server and releases its port.
func (s *Server) Close() {
	s.Kill()
	_ = s.Port.Release()
}

// Signal sends a signal to the process.
func (s *Server) Signal(signal os.Signal) error { return s.cmd.Process.Signal(signal) }

// PID returns the ID of the process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Output returns what the server has printed, in all of its starts on this port.
func (s *Server) Output() string { return s.output.String() }

// endedError is the end of a server before it listened.
type endedError struct {
	name, status, output string
}

func (e *endedError) Error() string {
	return fmt.Sprintf("testserver: %s ended before it listened: %s\n%s", e.name, e.status, e.output)
}

func (s *Server) start() error {
	cmd, err := s.program.Command(s.Port)
	if err != nil {
		return fmt.Errorf("testserver: the command of a server: %w", err)
	}
	name := filepath.Base(cmd.Path)
	ready := s.output.await(s.program.Ready)
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	cmd.WaitDelay = 10 * time.Second // for a child that holds the output open
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("testserver: %s does not start: %w", name, err)
	}
	exited := make(chan struct{})
	s.cmd, s.exited = cmd, exited
	go func() {
		defer close(exited)
		_ = cmd.Wait() // ProcessState has the status
	}()
	limit := s.program.limit
	if limit == 0 {
		limit = startLimit
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-ready:
		return nil
	case <-exited:
		return &endedError{name, cmd.ProcessState.String(), s.output.sinceStart()}
	case <-timer.C:
		s.Kill()
		return fmt.Errorf("testserver: %s has not printed %q after %v:\n%s", name, s.program.Ready, limit, s.output.sinceStart())
	}
}

// output collects what a server prints.
type output struct {
	mu      sync.Mutex // guards everything below
	text    bytes.Buffer
	started int           // length of text at the last start
	want    string        // empty after it has come
	ready   chan struct{} // closed when want comes
}

// await returns a channel that is closed when a text is printed from now on.
func (o *output) await(text string) (printed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.started, o.want, o.ready = o.text.Len(), text, make(chan struct{})
	return o.ready
}

// Write implements [io.Writer].
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	if o.want != "" && strings.Contains(string(o.text.Bytes()[o.started:]), o.want) {
		o.want = ""
		close(o.ready)
	}
	return n, err
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) sinceStart() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text.Bytes()[o.started:])
}
