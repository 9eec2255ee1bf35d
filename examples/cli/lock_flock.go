//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

// The lock where there is flock(2).

package main

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock, or returns errLocked. The kernel takes it back from a process that dies. The file stays: were
// it removed, one process could hold the lock on the old file and another that on a new one.
func tryLock(path string) (release func(), err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, &os.PathError{Op: "flock", Path: path, Err: err}
	}
	return func() { file.Close() }, nil // and the lock goes with it
}
