// An instance of the application: a process that can be killed and started again.

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startLimit = 60 * time.Second // for a process to print its address, on a busy machine
	stopLimit  = 12 * time.Second // for a process to finish its requests
)

// instance is a process of the application. It is safe for concurrent use.
type instance struct {
	name    string
	command func() *exec.Cmd // returns a new command for each start
	output  io.Writer        // gets what the process prints, except its address

	changing sync.Mutex // held during a start or an end, so that they do not overlap

	mu     sync.Mutex // guards everything below
	host   string     // host and port; empty while the process does not serve
	cmd    *exec.Cmd  // nil while there is no process
	exited chan struct{}
	starts int
}

// instanceState is what the page shows of an instance.
type instanceState struct {
	Name    string
	Host    string
	PID     int
	Running bool
	Starts  int
}

// start starts the process and waits until it listens. It does nothing if the process runs.
func (i *instance) start() error {
	i.changing.Lock()
	defer i.changing.Unlock()
	if i.state().PID != 0 {
		return nil
	}
	cmd := i.command()
	cmd.Stderr = i.output
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("instance %s: %w", i.name, err)
	}
	exited := make(chan struct{})
	i.mu.Lock()
	i.cmd, i.exited = cmd, exited
	i.starts++
	i.mu.Unlock()

	listens := make(chan string, 1)
	go func() {
		defer close(exited)
		i.read(stdout, listens)
		_ = cmd.Wait() // how the process ended is of no interest: it is gone
		i.mu.Lock()
		i.cmd, i.host = nil, ""
		i.mu.Unlock()
	}()
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	select {
	case <-listens:
		return nil
	case <-exited:
		return fmt.Errorf("instance %s ended before it listened: see its output", i.name)
	case <-limit.C:
		_ = cmd.Process.Kill()
		<-exited
		return fmt.Errorf("instance %s does not listen after %v", i.name, startLimit)
	}
}

// read reads the output of the process to its end. The line with the address makes the instance available.
func (i *instance) read(stdout io.Reader, listens chan<- string) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		host, found := strings.CutPrefix(lines.Text(), "Open http://")
		if !found {
			fmt.Fprintln(i.output, lines.Text())
			continue
		}
		i.mu.Lock()
		i.host = host
		i.mu.Unlock()
		select {
		case listens <- host:
		default:
		}
	}
}

// kill ends the process at once, as a crash does, and waits until it is gone.
func (i *instance) kill() { i.end(syscall.SIGKILL) }

// stop lets the process finish its requests, as a rolling restart does, and waits until it is gone.
func (i *instance) stop() { i.end(syscall.SIGTERM) }

func (i *instance) end(signal syscall.Signal) {
	i.changing.Lock()
	defer i.changing.Unlock()
	i.mu.Lock()
	cmd, exited := i.cmd, i.exited
	i.host = "" // the front sends no more requests
	i.mu.Unlock()
	if cmd == nil {
		return
	}
	if err := cmd.Process.Signal(signal); err != nil {
		_ = cmd.Process.Kill() // not every system has SIGTERM
	}
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-exited:
	case <-limit.C:
		_ = cmd.Process.Kill()
		<-exited
	}
}

func (i *instance) state() instanceState {
	i.mu.Lock()
	defer i.mu.Unlock()
	s := instanceState{Name: i.name, Host: i.host, Running: i.host != "", Starts: i.starts}
	if i.cmd != nil {
		s.PID = i.cmd.Process.Pid
	}
	return s
}

// fleet is the instances.
type fleet []*instance

// start starts all instances at the same time and waits until they listen.
func (f fleet) start() error {
	errs := make([]error, len(f))
	f.each(func(n int, i *instance) { errs[n] = i.start() })
	return errors.Join(errs...)
}

// stop stops all instances at the same time.
func (f fleet) stop() { f.each(func(_ int, i *instance) { i.stop() }) }

func (f fleet) each(do func(int, *instance)) {
	var all sync.WaitGroup
	for n, i := range f {
		all.Go(func() { do(n, i) })
	}
	all.Wait()
}

// find returns the instance with a name, or nil.
func (f fleet) find(name string) *instance {
	for _, i := range f {
		if i.name == name {
			return i
		}
	}
	return nil
}
