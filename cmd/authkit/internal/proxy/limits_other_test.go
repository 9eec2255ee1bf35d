//go:build !unix

// Systems without a limit of open files.

package proxy_test

import "testing"

// idleConnections returns how many connections a test can hold.
func idleConnections(testing.TB) int { return 10_000 }
