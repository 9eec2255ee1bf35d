// Following: Follow, its pace, and the announcements of new notices.

package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"
)

const (
	// readLimit is how long one read of the log may take. With it, the pause between
	// two reads and the limit of the link, Follow reports a broken link within the 15
	// seconds of the contract.
	readLimit = 3 * time.Second
	// readPause is the shortest time between two reads of the log. Announcements that
	// arrive meanwhile lead to one read.
	readPause = 20 * time.Millisecond
	// listenPause is the time between two attempts to listen.
	listenPause = time.Second
	// listenCheck is the time between two checks of the connection that listens.
	listenCheck = 30 * time.Second
)

// Follow passes the notices of the log to f, as [authkit.Store] says. It polls the log
// through the pool. Announcements of new notices make it poll earlier.
//
// Follow survives a restart of the server and a broken connection: it continues where
// it was, if the log still has what was read before. It returns an error if the server
// has not answered for ten seconds, or refuses a statement, or if the log has lost what
// was read before.
func (s *Store) Follow(ctx context.Context, f func(notice []byte), caughtUp func()) error {
	wake := make(chan struct{}, 1)
	if !s.options.pollingOnly {
		listening, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			s.listen(listening, wake)
		}()
		defer func() { stop(); <-ended }()
	}
	err := s.follow(ctx, wake, f, caughtUp)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("pgstore: follow: %w", explain(err))
}

func (s *Store) follow(ctx context.Context, wake <-chan struct{}, f func(notice []byte), caughtUp func()) error {
	reader := &logReader{store: s}
	answered := time.Now()
	for {
		asked := time.Now()
		limited, cancel := context.WithTimeout(ctx, min(readLimit, s.linkLimit))
		notices, end, err := reader.next(limited)
		cancel()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && (!isLinkFault(err) || time.Since(answered) >= s.linkLimit):
			return err
		case err == nil:
			answered = time.Now()
			for _, notice := range notices {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				f(notice)
			}
			if !end {
				continue
			}
			caughtUp()
		}
		if !wait(ctx, readPause-time.Since(asked), nil) || !wait(ctx, s.options.pollInterval-time.Since(asked), wake) {
			return ctx.Err()
		}
	}
}

// wait returns after d, or earlier if something arrives at wake. It reports false if
// ctx has ended.
func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// isLinkFault reports whether a read failed because the server did not answer, or is
// about to stop or start. Other errors are answers, which another read gets too.
func isLinkFault(err error) bool {
	if errors.Is(err, errLogLost) || errors.Is(err, errLogHidden) || errors.Is(err, errStandby) || errors.Is(err, puddle.ErrClosedPool) {
		return false
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return true
	}
	switch pg.Code[:2] {
	case "08", "40", "53", "57": // connection, rollback, resources, operator intervention
		return true
	}
	return false
}

// listen sends to wake if another instance announces a notice, until ctx ends. It uses
// a connection of its own, and opens another one if that breaks. Nothing depends on
// it: without announcements, Follow reads the log at its next poll.
func (s *Store) listen(ctx context.Context, wake chan<- struct{}) {
	for ctx.Err() == nil {
		if conn, err := s.pool.Acquire(ctx); err == nil {
			s.listenOn(ctx, conn.Hijack(), wake)
		}
		wait(ctx, listenPause, nil)
	}
}

// listenOn listens until the connection breaks or ctx ends. It closes the connection.
func (s *Store) listenOn(ctx context.Context, conn *pgx.Conn, wake chan<- struct{}) {
	defer func() {
		// A server that does not read must not delay the end of Follow.
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 100*time.Millisecond)
		defer cancel()
		conn.Close(closing)
	}()
	for {
		// Repeated LISTEN changes nothing, and fails if the connection is broken.
		limited, cancel := context.WithTimeout(ctx, readLimit)
		err := execAll(limited, conn, s.sql.listen)
		cancel()
		if err != nil {
			return
		}
		check, cancel := context.WithTimeout(ctx, listenCheck)
		for err == nil {
			_, err = conn.WaitForNotification(check)
			if err == nil {
				select {
				case wake <- struct{}{}:
				default:
				}
			}
		}
		timedOut := check.Err() != nil
		cancel()
		if !timedOut || ctx.Err() != nil {
			return
		}
	}
}
