// A clone whose commit is the working tree, and a clone of a commit.

package releasing

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Snapshot makes a repository in dir, which must not exist, with one commit: the working tree of the repository in root. It has the
// files that git knows or would add, as they are now. So a change is checked before it is committed.
func Snapshot(root, dir string) error {
	files, err := git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimRight(files, "\x00"), "\x00") {
		from, to := filepath.Join(root, filepath.FromSlash(name)), filepath.Join(dir, filepath.FromSlash(name))
		info, err := os.Lstat(from)
		if os.IsNotExist(err) {
			continue // deleted in the working tree
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is no regular file, and no module zip can contain it", name)
		}
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(to, text, info.Mode().Perm()); err != nil {
			return err
		}
	}
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"config", "user.name", "authkit"},
		{"config", "user.email", "authkit@example.com"},
		{"config", "commit.gpgsign", "false"},
		{"config", "tag.gpgsign", "false"},
		{"config", "core.autocrlf", "false"},
		{"add", "--all", "--force"},
		{"commit", "--quiet", "-m", "The working tree"},
	} {
		if _, err := git(dir, args...); err != nil {
			return err
		}
	}
	return nil
}

// Clone clones the commit that is checked out in root to dir, with the identity that git uses in root.
func Clone(root, dir string) error {
	if _, err := git(root, "clone", "--quiet", "--no-tags", root, dir); err != nil {
		return err
	}
	for _, name := range []string{"user.name", "user.email"} {
		value, err := git(root, "config", "--get", name)
		if err != nil {
			return fmt.Errorf("git has no %s for the tags: set it with git config", name)
		}
		if _, err := git(dir, "config", name, strings.TrimSpace(value)); err != nil {
			return err
		}
	}
	return nil
}
