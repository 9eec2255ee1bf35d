//go:build !race

package soak

const defaultBrowsers = 1000
