// Package contender compares libraries that authenticate a request. It contains the contenders, the traffic that they
// are measured with, and the benchmarks. All contenders get the same token and the same profile.
package contender
