// A Redis for the consumer of redisstore.

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// redis is a Redis that listens on a socket in the file system only.
type redis struct {
	socket string
	stop   func()
}

// startRedis starts a Redis in a directory, and waits until it answers.
func startRedis(dir string) (*redis, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not installed. The consumer of contrib/redisstore needs it")
	}
	socket := filepath.Join(dir, "redis.sock")
	cmd := exec.Command(program, "--port", "0", "--unixsocket", socket, "--save", "", "--dir", dir)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	stop := func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-exited:
		case <-time.After(5 * time.Second):
			_ = cmd.Process.Kill()
			<-exited
		}
	}
	deadline := time.After(10 * time.Second)
	for {
		if conn, err := net.Dial("unix", socket); err == nil {
			conn.Close()
			return &redis{socket: socket, stop: stop}, nil
		}
		select {
		case err := <-exited:
			return nil, fmt.Errorf("redis-server ended: %w", err)
		case <-deadline:
			stop()
			return nil, errors.New("redis-server does not answer on its socket within 10 s")
		case <-time.After(20 * time.Millisecond):
		}
	}
}
