// Ports that nothing else takes.

package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"syscall"
)

const (
	// lowest is above the ports that services usually have.
	lowest = 10_000
	// defaultFirst is where the ephemeral ports of Linux begin. Those of other systems begin higher.
	defaultFirst = 32_768
	defaultLast  = 60_999
	// enough is how many ports a range must have, so that several test binaries rarely choose the same one.
	enough = 1_000
)

// Port is a TCP port of 127.0.0.1 that is reserved for a server.
//
// The system gives it to no outgoing connection and to no listener without a port of its own choice, because it is outside
// the ephemeral ports. Other tests do not get it: each reservation holds the UDP port with the same number, also while the
// server does not run.
type Port struct {
	Number int
	held   []net.PacketConn
}

// Reserve returns a port on which nothing listens. Each offset is the distance to a further port that is reserved with it:
// a node of a Redis Cluster also listens on its port plus 10,000.
func Reserve(offsets ...int) (*Port, error) {
	farthest := 0
	for _, offset := range offsets {
		farthest = max(farthest, offset)
	}
	first, last := ephemeral()
	from, to := outside(first, last, farthest)
	var err error
	for range 1_000 {
		var p *Port
		if p, err = take(from+rand.IntN(to-from-farthest), offsets...); err == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("testserver: none of 1000 ports from %d to %d is free, the last one because of: %w", from, to-1, err)
}

// take reserves a port. The error says why it is not free.
func take(number int, offsets ...int) (*Port, error) {
	p := &Port{Number: number}
	for _, offset := range append([]int{0}, offsets...) {
		address := fmt.Sprintf("127.0.0.1:%d", number+offset)
		held, err := net.ListenPacket("udp4", address)
		if err != nil {
			return nil, errors.Join(err, p.Release())
		}
		p.held = append(p.held, held)
		if err := tryToListen(address); err != nil {
			return nil, errors.Join(err, p.Release())
		}
	}
	return p, nil
}

// tryToListen listens on an address and stops at once. Meanwhile this process starts no other one: until that ran its
// program, it would have a copy of the listener, and the port would stay in use.
func tryToListen(address string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	return listener.Close()
}

// String returns the number.
func (p *Port) String() string { return strconv.Itoa(p.Number) }

// Addr returns the address: 127.0.0.1 and the port.
func (p *Port) Addr() string { return "127.0.0.1:" + p.String() }

// Release ends the reservation. Later calls do nothing.
func (p *Port) Release() error {
	var errs []error
	for _, held := range p.held {
		errs = append(errs, held.Close())
	}
	p.held = nil
	return errors.Join(errs...)
}

// ephemeral returns the first and the last port that the system chooses for connections.
func ephemeral() (first, last int) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		_, err = fmt.Sscan(string(text), &first, &last)
	}
	if err != nil {
		return defaultFirst, defaultLast // not Linux
	}
	return first, last
}

// outside returns a range of ports, without to, that contains no ephemeral port and has enough room for the farthest offset:
// below the ephemeral ports, or else above them. If a system has set nearly all ports as ephemeral, the range contains them.
// Then a server still starts, on one of several ports.
func outside(first, last, farthest int) (from, to int) {
	if below := min(first, defaultFirst); below >= lowest+farthest+enough {
		return lowest, below
	}
	if above := max(last+1, lowest); 1<<16 >= above+farthest+enough {
		return above, 1 << 16
	}
	return lowest, 1 << 16
}
