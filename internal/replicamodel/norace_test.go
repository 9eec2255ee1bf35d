// Whether the tests run without the race detector.

//go:build !race

package replicamodel

const raceDetector = false
