// Package proxy holds authkit against a load balancer: a real nginx in front of
// two instances of one application, which takes an instance out of rotation for
// a minute once it has answered 502 or 503, closed the connection or sent a
// header larger than its buffer. What is tested here is what only a proxy
// decides: whether anything that a stranger sends makes it do that, and whether
// headers fit into the buffers that it has by default. It has tests and nothing
// else.
//
// They need nginx 1.19.5 or newer, on Debian:
//
//	apt-get install nginx-light
//	go test ./internal/proxy
//
// Without it no test is run, and -v says so; where AUTHKIT_NGINX is "required"
// that is a failure. No configuration of the machine is read, nothing is
// written outside of the test's own folder, and no rights are needed.
package proxy
