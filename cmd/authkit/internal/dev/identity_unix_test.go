//go:build unix

// Files of --env-file that are no plain files.

package dev

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestASymbolicLinkToAnEnvFileStaysALink(t *testing.T) {
	dir := t.TempDir()
	link, file := filepath.Join(dir, ".env.local"), filepath.Join(dir, "shared.env")
	require.NoError(t, writeEnvFile(file, map[string]string{"A": "1"}))
	require.NoError(t, os.Symlink("shared.env", link))
	require.NoError(t, checkEnvFile(link))
	require.NoError(t, writeEnvFile(link, map[string]string{"A": "2"}))
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.Equal(t, os.ModeSymlink, info.Mode().Type())
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(text), "A=2\n")
}

func TestAPipeIsNoEnvFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	checked := make(chan error, 1)
	go func() { checked <- checkEnvFile(path) }()
	select {
	case err := <-checked:
		assert.ErrorContains(t, err, "is no plain file")
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for somebody who writes into the pipe")
	}
}
