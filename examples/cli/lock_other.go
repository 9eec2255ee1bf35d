//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

// The lock where there is no flock(2): a file that exists while somebody holds it.

package main

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// lockHeld is longer than anybody holds the lock: a renewal has 10 s for the exchange, and 5 s for each look at the keys.
const lockHeld = 30 * time.Second

// tryLock takes the lock, or returns errLocked. A process that dies leaves its file behind, so one that is older than
// lockHeld counts for nothing. Two processes may find that out at once and both go on; WorkOS then answers both with the
// same tokens, as it does for 30 s.
func tryLock(path string) (release func(), err error) {
	if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > lockHeld {
		_ = os.Remove(path)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, errLocked
	case errors.Is(err, fs.ErrPermission):
		// Windows says so of a file that is just being removed. Where it is meant, it is said until the time is up.
		return nil, errors.Join(errLocked, err)
	case err != nil:
		return nil, err
	}
	return func() {
		file.Close()
		_ = os.Remove(path)
	}, nil
}
