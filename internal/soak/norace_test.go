// The default sizes without the race detector.

//go:build !race

package soak

const (
	defaultBrowsers = 1000
	defaultEvents   = 100_000
)
