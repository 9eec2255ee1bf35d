// The store of the session: a file that only its owner can read, atomic replacement of that file, and a lock.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/authkit-go/authkit/workos"
)

// store is a directory that contains at most one session.
type store struct {
	dir   string
	clock workos.Clock
}

// errNoSession means that the user is not signed in.
var errNoSession = errors.New("you are not signed in; run login")

func (s store) path() string { return filepath.Join(s.dir, "session.json") }

// prepare creates the directory and checks its mode.
func (s store) prepare() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return s.checkDirectory()
}

// load returns the session. It refuses a session that other users can read. Without a session the error is
// errNoSession.
func (s store) load() (*session, error) {
	loaded, info, err := s.read()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.checkDirectory(), checkPrivate(s.path(), info)); err != nil {
		return nil, err
	}
	return loaded, nil
}

// read returns the session, even if other users can read it.
func (s store) read() (*session, fs.FileInfo, error) {
	file, err := os.Open(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errNoSession
	}
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat() // of the open file: the path may name another one by now
	if err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, nil, err
	}
	stored := new(session)
	// The decoder's error is not returned: it may quote a token.
	if json.Unmarshal(content, stored) != nil || !stored.isComplete() {
		return nil, nil, fmt.Errorf("%s does not contain a valid session; run login", s.path())
	}
	return stored, info, nil
}

// save replaces the stored session. The replacement is atomic: at any time, also after a crash, a reader gets either the
// old session or the new one. The caller must hold the lock.
func (s store) save(next *session) error {
	content, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(s.dir, "session-*.tmp") // with mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(append(content, '\n'))
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), s.path())
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// delete removes the session, if there is one. The caller must hold the lock.
func (s store) delete() error {
	if err := os.Remove(s.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s store) checkDirectory() error {
	info, err := os.Stat(s.dir)
	if err != nil {
		return err
	}
	return checkPrivate(s.dir, info)
}

// checkPrivate returns an error if other users may read or write the file or directory. The program does not change the
// mode by itself: the directory may be shared on purpose, and the user must end a session that others may have read.
func checkPrivate(path string, info fs.FileInfo) error {
	if runtime.GOOS == "windows" {
		return nil // mode bits have no meaning there; other users cannot read a user's profile
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s is open to other users (mode %04o); run chmod go= on it and, if another user may have read it, log out and in again", path, mode)
	}
	return nil
}

const (
	lockRetryInterval = 50 * time.Millisecond
	lockTimeout       = 45 * time.Second // a process holds the lock for less than 30 s
)

// errLocked means that another process holds the lock.
var errLocked = errors.New("another command is using the session; try again")

// lock waits for exclusive access to the session. A refresh token can be exchanged once. If two processes exchanged it at
// the same time, WorkOS might refuse one of them (429), and the last to store its answer might store the older tokens.
// With the lock, the first process refreshes and the next one finds the new tokens in the store.
func (s store) lock(ctx context.Context) (release func(), err error) {
	deadline := s.clock.Now().Add(lockTimeout)
	for {
		release, err := tryLock(filepath.Join(s.dir, "lock"))
		if !errors.Is(err, errLocked) || !s.clock.Now().Before(deadline) {
			return release, err
		}
		elapsed := make(chan struct{})
		stop := s.clock.AfterFunc(lockRetryInterval, func() { close(elapsed) })
		select {
		case <-elapsed:
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		}
	}
}
