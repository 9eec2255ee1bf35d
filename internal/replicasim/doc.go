// Package replicasim simulates the load that instances put on a store that they share
// (authkit.WithStore). It counts the commands of each kind, the values that the store
// keeps, and the notices of its log. It does not check the protocol: package
// replicamodel does that.
//
// It is a discrete-event simulation. Browsers make page views at random times. A load
// balancer without stickiness sends each request to a random instance. A seed
// determines all random decisions. [Simulation.Run] calls a function for each event,
// so that a test can repeat the same events with real instances and compare the
// counts.
//
// The sizing in docs/replicas.md comes from
//
//	go test -v -run TestTheLoadOfManySessions ./internal/replicasim -sim.sessions 10000000 -sim.instances 200 -sim.fraction 0.001 -sim.retention 10m
//
// This command also compares the result with the document.
//
// Sessions do not affect each other. So only a fraction of them is simulated, and what
// they cause is divided by that fraction.
//
// What is left out: session caches that evict entries, exchanges that fail, organization
// switches, and sessions that WorkOS has ended.
package replicasim
