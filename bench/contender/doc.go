// Package contender holds the ways from a request to who is asking that are measured side by side, the traffic that they
// are measured under, and the benchmarks that do it. They all look at the same token and the same profile.
package contender
