// Package proxy tests authkit behind a load balancer: a real nginx in front of
// two instances of one application. nginx takes an instance out of rotation for
// a minute after it answers 502 or 503, closes the connection, or sends a header
// that is larger than nginx's buffer. The tests show that no request of an
// attacker causes that, and that headers fit into nginx's default buffers. The
// package contains only tests.
//
// They need nginx 1.19.5 or newer. On Debian:
//
//	apt-get install nginx-light
//	go test ./internal/proxy
//
// Without nginx no test runs, and go test -v prints the reason. If AUTHKIT_NGINX
// is "required", the tests fail instead. The tests do not read the machine's
// nginx configuration, write only to a temporary folder, and need no special
// rights.
package proxy
