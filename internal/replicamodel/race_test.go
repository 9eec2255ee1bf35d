// Whether the tests run with the race detector.

//go:build race

package replicamodel

const raceDetector = true
