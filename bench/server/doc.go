// Package server measures whole servers: one process serves an application over HTTP/1.1 on 127.0.0.1, another one loads
// it, and a third, the one that calls this package, is WorkOS to the first.
package server
