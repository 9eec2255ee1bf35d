// Tests with a standby server, and of a failover to it.

package pgstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startStandby starts a standby of primary.
func startStandby(t *testing.T, primary *server) *server {
	t.Helper()
	s := &server{folder: primary.folder + "-standby"}
	out, err := program(filepath.Join(programs, "pg_basebackup"), "-h", "127.0.0.1", "-p", primary.Port.String(),
		"-U", "postgres", "-D", s.folder, "-R", "-X", "stream", "-c", "fast", "--no-sync").CombinedOutput()
	require.NoError(t, err, string(out))
	t.Cleanup(func() { os.RemoveAll(s.folder) })
	require.NoError(t, s.start())
	t.Cleanup(s.close)
	return s
}

func TestAPostgresStandbyIsRefused(t *testing.T) {
	primary := startServer(t)
	url := primary.newDatabase(t)
	appendAll(t, newStore(t, url), "notice")
	standby := startStandby(t, primary)
	s, err := New(newPool(t, standby.url(url[strings.LastIndex(url, "/")+1:strings.Index(url, "?")]), nil))
	require.NoError(t, err)

	err = s.Follow(t.Context(), func([]byte) { t.Error("a call of f") }, func() { t.Error("a call of caughtUp") })
	assert.ErrorContains(t, err, "the pool must reach the primary server")
	assert.ErrorContains(t, s.Append(t.Context(), []byte("notice")), "the pool must reach the primary server")
	_, _, _, err = s.Swap(t.Context(), "key", nil, []byte("value"), time.Minute)
	assert.ErrorContains(t, err, "the pool must reach the primary server")
}

func TestAFailoverToALaggingPostgresStandbyEndsFollow(t *testing.T) {
	primary := startServer(t)
	proxy, url := newTCPProxy(t, primary.newDatabase(t))
	s := newStore(t, url, WithPollInterval(50*time.Millisecond))
	appendAll(t, s, "one")
	standby := startStandby(t, primary)
	standby.kill()
	appendAll(t, s, "two", "three")
	f := follow(t, s)
	f.awaitNotices(t, 3)

	primary.kill()
	require.NoError(t, os.Remove(filepath.Join(standby.folder, "standby.signal")))
	require.NoError(t, standby.Restart())
	proxy.moveTo(standby.Port.Addr())
	other := newStore(t, strings.Replace(url, proxy.listener.Addr().String(), standby.Port.Addr(), 1))
	appendAll(t, other, "TWO", "THREE") // with the IDs of the notices that are lost
	assert.ErrorIs(t, f.awaitEnd(t), errLogLost)

	again := follow(t, s)
	again.awaitNotices(t, 3)
	assert.Equal(t, []string{"one", "TWO", "THREE"}, again.got())
}
