// Command authkit is the companion of the library authkit:
//
//	go install github.com/authkit-go/authkit/cmd/authkit@latest
//
// "authkit help" lists its commands. It is a module of its own, so that applications do not get its dependencies.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// The exit statuses, which "authkit help" lists.
const (
	exitOK    = 0
	exitFault = 1 // the command has found or had a fault
	exitUsage = 2 // the command line or a configuration is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// statusError is an error with an exit status of its own. Without an error inside, the command has already said what was wrong.
type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

// run runs a command line and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ran := false // whether the command line was understood
	root := newRoot(&ran)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	status := exitUsage
	if ran {
		status = exitFault
	}
	if own := new(statusError); errors.As(err, &own) {
		status = own.status
		if own.err == nil {
			return status
		}
	}
	fmt.Fprintf(stderr, "authkit: %v\n", err)
	if status == exitUsage && !ran {
		fmt.Fprintln(stderr, `Run "authkit help" for the commands, and "authkit COMMAND --help" for the flags of one.`)
	}
	return status
}

// withStatus returns an error with an exit status, or nil for a success.
func withStatus(status int, err error) error {
	if status == exitOK && err == nil {
		return nil
	}
	return &statusError{status, err}
}

func newRoot(ran *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "authkit",
		Short: "WorkOS AuthKit in front of web applications",
		Long: `WorkOS AuthKit in front of web applications.

Exit status: 0 if all went well, 1 for a fault that the command found or had, 2 for a wrong command line or configuration.`,
		Example: `  authkit dev go run .      run an application with a fake AuthKit, without a WorkOS account
  authkit doctor            check the configuration in the environment against WorkOS
  authkit proxy --help      put AuthKit in front of an application without a line of code`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return unknownCommand(cmd, args[0])
		},
		// Without a command, the help. A program that expects something else then sees the status of a wrong command line.
		RunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.ErrOrStderr())
			_ = cmd.Help() // it fails only if the output does
			return &statusError{exitUsage, nil}
		},
		SuggestionsMinimumDistance: 2,

		Version:           version(),
		SilenceErrors:     true, // run writes them
		SilenceUsage:      true,
		PersistentPreRun:  func(*cobra.Command, []string) { *ran = true },
		DisableAutoGenTag: true,
	}
	root.SetVersionTemplate("authkit {{.Version}}\n")
	root.AddCommand(newDev())
	root.AddCommand(newDoctor())
	root.AddCommand(newVersion())
	root.AddCommand(newProxy())
	root.SetHelpCommand(newHelp(root))
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" { // Cobra's prints its help for a wrong shell, with status 0
			c.Args = cobra.ArbitraryArgs
			c.RunE = func(*cobra.Command, []string) error {
				return &statusError{exitUsage, errors.New("give a shell: bash, zsh, fish or powershell")}
			}
		}
	}
	return root
}

// newHelp returns the command "help". Unlike Cobra's, it fails for a command that does not exist.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use:   "help [command]",
		Short: "Print the help of a command",
		RunE: func(_ *cobra.Command, args []string) error {
			found, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return &statusError{exitUsage, unknownCommand(root, args[0])}
			}
			return found.Help()
		},
	}
}

// unknownCommand returns the error for a command that does not exist, with the commands that may be meant.
func unknownCommand(root *cobra.Command, name string) error {
	text := fmt.Sprintf("there is no command %q", name)
	if near := root.SuggestionsFor(name); len(near) > 0 {
		text += "; do you mean " + strings.Join(near, " or ") + "?"
	}
	return errors.New(text)
}

// hasColours reports whether a stream shows colours: it is a terminal that can, and NO_COLOR is not set (https://no-color.org).
func hasColours(stream io.Writer) bool {
	return isTerminal(stream) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream io.Writer) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}
