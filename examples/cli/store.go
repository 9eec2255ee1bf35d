// Where the session is kept: a file that its owner alone can read, replaced as a whole, and a lock around that.

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

// store is a directory that holds one session at most.
type store struct {
	dir   string
	clock workos.Clock
}

// errNoSession says that nobody is signed in.
var errNoSession = errors.New("you are not signed in; run login")

func (s store) path() string { return filepath.Join(s.dir, "session.json") }

// prepare makes the directory.
func (s store) prepare() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	return s.checkDirectory()
}

// load reads the session, unless others could have read it too. The error is errNoSession where there is none.
func (s store) load() (*session, error) {
	loaded, info, err := s.read()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.checkDirectory(), ownersAlone(s.path(), info)); err != nil {
		return nil, err
	}
	return loaded, nil
}

// read reads the session, whoever else can.
func (s store) read() (*session, fs.FileInfo, error) {
	file, err := os.Open(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errNoSession
	}
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat() // of what has been opened, not of what may be there by now
	if err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return nil, nil, err
	}
	found := new(session)
	// The error of the decoder is left out: it may quote a token.
	if json.Unmarshal(content, found) != nil || !found.complete() {
		return nil, nil, fmt.Errorf("%s holds no session that can be read; run login", s.path())
	}
	return found, info, nil
}

// save puts a session in place of the one before. Whoever reads meanwhile reads the one or the other, and so does
// whoever comes after a crash. The caller holds the lock.
func (s store) save(next *session) error {
	content, err := json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(s.dir, "session-*.tmp") // with 0600, whatever the umask
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

// forget removes the session, if there is one. The caller holds the lock.
func (s store) forget() error {
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
	return ownersAlone(s.dir, info)
}

// ownersAlone refuses what others may read or write. Setting that right is up to the owner: the directory may be one
// that is shared on purpose, and a token that others have read should be given up.
func ownersAlone(path string, info fs.FileInfo) error {
	if runtime.GOOS == "windows" {
		return nil // the bits mean nothing there; a user's profile is closed to others
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("%s is open to others (mode %04o); close it with chmod go= and, if anybody may have looked, log out and in again", path, mode)
	}
	return nil
}

const (
	lockPause = 50 * time.Millisecond // between attempts
	lockLimit = 45 * time.Second      // of attempts; nobody holds it for half a minute
)

// errLocked says that another process holds the lock.
var errLocked = errors.New("another command is at work on the session")

// lock makes the processes that change the session take turns. A refresh token is good for one exchange: of two that
// present it at once WorkOS may refuse one (429), and whichever stores its answer last may store the older one. So who
// gets the lock first renews, and who comes next finds the new tokens in the store.
func (s store) lock(ctx context.Context) (release func(), err error) {
	deadline := s.clock.Now().Add(lockLimit)
	for {
		release, err := tryLock(filepath.Join(s.dir, "lock"))
		if !errors.Is(err, errLocked) || !s.clock.Now().Before(deadline) {
			return release, err
		}
		over := make(chan struct{})
		stop := s.clock.AfterFunc(lockPause, func() { close(over) })
		select {
		case <-over:
		case <-ctx.Done():
			stop()
			return nil, ctx.Err()
		}
	}
}
