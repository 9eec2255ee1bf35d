// The default sizes with the race detector.

//go:build race

package soak

// The default sizes are smaller with the race detector, which makes each step slower.
const (
	defaultBrowsers = 300
	defaultEvents   = 10_000
)
