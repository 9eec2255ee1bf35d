//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

// The lock on systems with flock(2).

package main

import (
	"errors"
	"os"
	"syscall"
)

// tryLock takes the lock, or returns errLocked. The kernel releases the lock of a process that dies. The file is never
// removed: otherwise one process could lock the old file while another locks a new one.
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
	return func() { file.Close() }, nil // closing the file releases the lock
}
