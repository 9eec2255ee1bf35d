// Command replicas starts three instances of an application that act as one, with one command:
//
//	go run .
//
// It starts a fake AuthKit, three processes of the program in the folder app, and a front that sends each request to the
// next instance. Open http://localhost:8080/instances to watch them. ADDR sets the address of the front.
//
// The instances share the store in REDIS_URL or DATABASE_URL, by default Redis on this machine. With -no-store they share
// nothing. Arguments after "--" are passed to the fake:
//
//	go run . -- -strict -lock -latency 2s -lifetime 1m
package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("replicas", flag.ContinueOnError)
	noStore := flags.Bool("no-store", false, "start the instances without a store")
	flags.Usage = func() {
		fmt.Fprintln(flags.Output(), "Usage: go run . [-no-store] [-- arguments of the fake, such as -strict]")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	var shared engine
	if !*noStore {
		var err error
		if shared, err = findEngine(ctx, os.Getenv); err != nil {
			return err
		}
	}
	programs, remove, err := findPrograms(ctx)
	if err != nil {
		return err
	}
	defer remove()
	listener, err := net.Listen("tcp", cmp.Or(os.Getenv("ADDR"), "localhost:8080"))
	if err != nil {
		return err
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	home := "http://localhost:" + port // the cookies and the redirect URI have one host

	workOS, err := startFake(filepath.Join(programs, "fake"), append([]string{"-app", home}, flags.Args()...))
	if err != nil {
		return err
	}
	defer workOS.stop()
	instances := newFleet(filepath.Join(programs, "app"), []string{"A", "B", "C"}, environment(workOS.env, home, shared))
	defer instances.stop()
	if err := instances.start(); err != nil {
		return err
	}

	server := &http.Server{
		Handler:           routes(newFront(instances), controlClient{workOS.control}, shared.String()),
		ReadHeaderTimeout: 5 * time.Second,
		MaxHeaderBytes:    64 << 10, // a session has up to 32 KB in eight cookies
	}
	fmt.Printf("Open %s\n", home)
	fmt.Printf("Watch the instances at %s/instances\n", home)
	fmt.Printf("Store: %s. The fake AuthKit is at http://%s:%s, its control handler at %s\n",
		shared, workOS.env["WORKOS_API_HOSTNAME"], workOS.env["WORKOS_API_PORT"], workOS.control)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	stop() // a second signal ends the program at once
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(grace)
}

// findPrograms returns the folder with the programs app and fake. If they are not beside this program, it builds them, and
// remove removes them.
func findPrograms(ctx context.Context) (folder string, remove func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	folder = filepath.Dir(self)
	if _, err := exec.LookPath(filepath.Join(folder, "app")); err == nil {
		return folder, func() {}, nil
	}
	folder, err = os.MkdirTemp("", "authkit-replicas-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(folder) }
	if err := build(ctx, folder, "./app", "./fake"); err != nil {
		remove()
		return "", nil, err
	}
	return folder, remove, nil
}

// build builds programs of this module into a folder.
func build(ctx context.Context, folder string, packages ...string) error {
	command := exec.CommandContext(ctx, "go", append([]string{"build", "-o", folder + string(filepath.Separator)}, packages...)...)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("replicas: build %s: %w\n%s", strings.Join(packages, " "), err, output)
	}
	return nil
}

// environment returns the variables of the instances.
func environment(workOS map[string]string, home string, shared engine) map[string]string {
	env := map[string]string{"ADDR": "127.0.0.1:0", "WORKOS_REDIRECT_URI": home + "/callback"}
	for name, value := range workOS {
		env[name] = value
	}
	if shared.variable != "" {
		env[shared.variable] = shared.url
	}
	return env
}

// newFleet returns an instance of a program for each name.
func newFleet(program string, names []string, env map[string]string) fleet {
	var instances fleet
	for _, name := range names {
		instances = append(instances, &instance{name: name, output: os.Stderr, command: func() *exec.Cmd {
			command := exec.Command(program)
			command.Env = append(inherited(), "INSTANCE="+name)
			for name, value := range env {
				command.Env = append(command.Env, name+"="+value)
			}
			return command
		}})
	}
	return instances
}

// inherited returns the environment without the variables of the application: those of WorkOS, and the store.
func inherited() []string {
	var env []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "WORKOS_") && name != redisURL && name != databaseURL {
			env = append(env, variable)
		}
	}
	return env
}

// fakeProcess is the program of the folder fake.
type fakeProcess struct {
	command *exec.Cmd
	env     map[string]string // the variables of an instance
	control string            // URL of the control handler
}

// startFake starts the fake and reads the variables that it prints.
func startFake(program string, args []string) (*fakeProcess, error) {
	f := &fakeProcess{command: exec.Command(program, args...), env: map[string]string{}}
	f.command.Stderr = os.Stderr
	stdout, err := f.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := f.command.Start(); err != nil {
		return nil, err
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		if name == "CONTROL_URL" {
			f.control = value
			return f, nil
		}
		f.env[name] = value
	}
	_ = f.command.Wait()
	return nil, fmt.Errorf("replicas: the fake AuthKit ended: %s", f.command.ProcessState)
}

func (f *fakeProcess) stop() {
	_ = f.command.Process.Kill() // it has nothing to save
	_ = f.command.Wait()
}
