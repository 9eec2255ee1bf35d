// Package server measures whole servers. One process serves an application on 127.0.0.1, over HTTP/1.1 and over HTTP/2 with
// TLS. Another process generates the load. The process that calls this package runs the fake AuthKit, and asks the processes
// for their results.
package server
