// The two sides: their checkouts and their programs.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const (
	module  = "github.com/authkit-go/authkit"
	program = module + "/bench/compare/requests"
)

// checkOut returns the folder of a checkout. side is that folder, or a commit, which is checked out in target until remove
// is called.
func checkOut(ctx context.Context, side, target string) (folder string, remove func() error, err error) {
	if _, err := os.Stat(filepath.Join(side, "go.mod")); err == nil {
		folder, err := filepath.Abs(side)
		return folder, func() error { return nil }, err
	}
	if err := command(ctx, "git", "worktree", "add", "--quiet", "--detach", target, side); err != nil {
		return "", nil, fmt.Errorf("check out %q, which is neither a folder with a go.mod: %w", side, err)
	}
	return target, func() error {
		return command(context.WithoutCancel(ctx), "git", "worktree", "remove", "--force", target)
	}, nil
}

// build builds the program that sends requests, with the package authkit of a checkout and this module's other packages.
func build(ctx context.Context, checkout, target string) (string, error) {
	mod := target + ".mod" // go build takes the sums from the file with the same name and the extension sum
	for from, to := range map[string]string{"go.mod": mod, "go.sum": target + ".sum"} {
		text, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, text, 0o600)
		}
		if err != nil {
			return "", fmt.Errorf("copy %s (run this command in the folder bench): %w", from, err)
		}
	}
	return target, errors.Join(
		command(ctx, "go", "mod", "edit", "-replace="+module+"="+checkout, mod),
		command(ctx, "go", "build", "-modfile="+mod, "-o", target, program))
}

func command(ctx context.Context, name string, arguments ...string) error {
	if output, err := exec.CommandContext(ctx, name, arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, arguments[0], err, output)
	}
	return nil
}
