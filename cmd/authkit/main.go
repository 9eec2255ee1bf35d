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
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"
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

func newRoot(ran *bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "authkit",
		Short: "WorkOS AuthKit in front of web applications",
		Long: `WorkOS AuthKit in front of web applications.

Exit status: 0 if all went well, 1 for a fault that the command found or had, 2 for a wrong command line or configuration.`,
		Args:              cobra.NoArgs,
		Version:           version(),
		SilenceErrors:     true, // run writes them
		SilenceUsage:      true,
		PersistentPreRun:  func(*cobra.Command, []string) { *ran = true },
		DisableAutoGenTag: true,
	}
	root.SetVersionTemplate("authkit {{.Version}}\n")
	root.AddCommand(newProxy())
	return root
}

// version returns the version of the module, from the build information.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
