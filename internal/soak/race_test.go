//go:build race

package soak

// defaultBrowsers are fewer under the race detector, where each costs more.
const defaultBrowsers = 300
