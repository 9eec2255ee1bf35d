// The command that runs beside the fake: the application.

package dev

import (
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// runCommand runs a command with variables until it ends. A terminal sends its signals to the command too. SIGTERM comes from elsewhere, and
// goes to everything that the command has started: "go run" does not pass it to the program that it runs. Without a terminal, the command is a
// process group of its own, which gets the signals of this program.
func runCommand(command []string, variables map[string]string, streams Streams) (status int, err error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = streams.In, streams.Out, streams.Err
	cmd.Env = os.Environ()
	for name, value := range variables {
		cmd.Env = append(cmd.Env, name+"="+value) // the last one of a name counts
	}
	ownGroup := !hasTerminal()
	if ownGroup {
		setGroup(cmd)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			switch {
			case ownGroup:
				signalGroup(cmd, s)
			case s == syscall.SIGTERM: // it is for this program alone
				signalDescendants(cmd, s)
			case s != os.Interrupt: // it may be for this program alone
				_ = cmd.Process.Signal(s) // an error means that the command has ended
			}
		case err := <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return max(exit.ExitCode(), 1), nil // -1: a signal ended it
			}
			return 0, err
		}
	}
}
