// Package testrun says how the tests of a package run: how long those are that have a length, and how often the garbage
// collector works.
package testrun
