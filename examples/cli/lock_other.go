//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

// The lock on systems without flock(2): a file that exists while a process holds the lock.

package main

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// staleLockAge is longer than a running process holds the lock: a refresh takes at most 10 s for the exchange and 5 s for
// each fetch of the signing keys.
const staleLockAge = 30 * time.Second

// tryLock takes the lock, or returns errLocked. A process that dies leaves its file behind, so a file older than
// staleLockAge is removed. Two processes may do that at the same time and both continue. WorkOS then answers both with
// the same tokens: it accepts a used refresh token for another 30 s.
func tryLock(path string) (release func(), err error) {
	if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > staleLockAge {
		_ = os.Remove(path)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil, errLocked
	case errors.Is(err, fs.ErrPermission):
		// Windows returns this error for a file that is being removed. If the permission is really missing, the caller
		// gets the error when its attempts time out.
		return nil, errors.Join(errLocked, err)
	case err != nil:
		return nil, err
	}
	return func() {
		file.Close()
		_ = os.Remove(path)
	}, nil
}
