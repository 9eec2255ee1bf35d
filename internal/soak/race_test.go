// The default number of browsers with the race detector.

//go:build race

package soak

// defaultBrowsers is smaller with the race detector, which makes each browser slower.
const defaultBrowsers = 300
