// Package server measures whole servers. One process serves an application over HTTP/1.1 on 127.0.0.1. Another process
// generates the load. The process that calls this package runs the fake AuthKit.
package server
