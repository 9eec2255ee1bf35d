// One command: how long it is waited for, and the text of its error.

package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var errUnexpected = errors.New("unexpected reply: another program has changed the key")

// silenceError is the error of a command that the server has not answered.
type silenceError struct{ after time.Duration }

func (e silenceError) Error() string { return fmt.Sprintf("no reply for %s", e.after) }

// Timeout reports true, as for a [net.Error].
func (e silenceError) Timeout() bool { return true }

// Is reports whether target is [context.DeadlineExceeded].
func (e silenceError) Is(target error) bool { return target == context.DeadlineExceeded }

// run runs a script with one key. A script that the server does not know is sent
// as a whole.
func (s *Store) run(ctx context.Context, script *redis.Script, key string, args ...any) ([]any, error) {
	reply, err := await(ctx, s.patience, func(ctx context.Context) (any, error) {
		return script.Run(ctx, s.client, []string{key}, args...).Result()
	})
	if err != nil {
		s.reloadCluster(err)
		return nil, err
	}
	list, _ := reply.([]any) // appendScript returns a number
	return list, nil
}

// reloadCluster makes a cluster client ask which node has which keys, after a node
// did not answer. By itself, go-redis asks once a minute and when a node answers
// that another one has the key. So it would call a dead master for a minute after
// its replica has taken over. ReloadState does not wait, and runs once at a time.
func (s *Store) reloadCluster(err error) {
	var answered redis.Error
	if errors.Is(err, context.Canceled) || errors.As(err, &answered) && !redis.IsClusterDownError(err) {
		return
	}
	if c, isCluster := s.client.(interface{ ReloadState(context.Context) }); isCluster {
		c.ReloadState(context.Background())
	}
}

// await calls command and returns its result. It returns an error as soon as ctx
// ends or patience is over. go-redis does not: by default it ignores the deadline
// of a context while it waits for a reply, and it always ignores a cancellation.
// Then command ends later, at the latest after the client's ReadTimeout.
func await[T any](ctx context.Context, patience time.Duration, command func(context.Context) (T, error)) (T, error) {
	var none T
	if ctx.Err() != nil {
		return none, ctx.Err()
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ended := func() error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return silenceError{patience}
	}
	type result struct {
		reply T
		err   error
	}
	results := make(chan result, 1)
	go func() {
		reply, err := command(limited)
		results <- result{reply, err}
	}()
	select {
	case r := <-results:
		if r.err != nil && limited.Err() != nil {
			return none, ended()
		}
		return r.reply, r.err
	case <-limited.Done():
		return none, ended()
	}
}

// failed returns the error of an operation. key is empty for the log.
func failed(operation, key string, err error) error {
	if key != "" {
		operation += " " + key
	}
	text, arguments, _ := strings.Cut(err.Error(), ", with args beginning with:")
	switch {
	case arguments != "":
		// Redis repeats the arguments of a command that it does not know. They contain
		// the value.
		return fmt.Errorf("redisstore: %s: %s", operation, text)
	case redis.IsOOMError(err) || strings.Contains(text, "OOM command not allowed"):
		return fmt.Errorf("redisstore: %s: Redis has reached maxmemory and refuses to write: raise maxmemory: %w", operation, err)
	}
	return fmt.Errorf("redisstore: %s: %w", operation, err)
}
