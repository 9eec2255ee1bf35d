// The default number of browsers without the race detector.

//go:build !race

package soak

const defaultBrowsers = 1000
