// A TCP proxy between a client and Redis, which delays, partitions and cuts.

package redisstore

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// proxy forwards connections to a server.
type proxy struct {
	t        *testing.T
	listener net.Listener

	mu      sync.Mutex
	changed *sync.Cond
	target  string
	delay   time.Duration
	frozen  bool // nothing is forwarded, and connections stay open
	cutNext bool // the next reply is dropped together with its connection
	conns   map[net.Conn]net.Conn
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &proxy{t: t, listener: l, target: target, conns: map[net.Conn]net.Conn{}}
	p.changed = sync.NewCond(&p.mu)
	go p.accept()
	t.Cleanup(func() {
		_ = l.Close()
		p.thaw()
		p.cut()
	})
	return p
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		target := p.target
		p.mu.Unlock()
		server, err := net.Dial("tcp", target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.mu.Lock()
		p.conns[client] = server
		p.mu.Unlock()
		go p.forward(server, client, false)
		go p.forward(client, server, true)
	}
}

func (p *proxy) forward(to, from net.Conn, isReply bool) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		p.mu.Lock()
		for p.frozen {
			p.changed.Wait()
		}
		delay, cut := p.delay, p.cutNext && isReply
		if cut {
			p.cutNext = false
		}
		p.mu.Unlock()
		if cut {
			return
		}
		if delay > 0 {
			<-time.After(delay)
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// freeze stops all traffic, as a network that drops packets does.
func (p *proxy) freeze() { p.set(func() { p.frozen = true }) }
func (p *proxy) thaw()   { p.set(func() { p.frozen = false }) }

// delayBy delays each piece of a request and of a reply.
func (p *proxy) delayBy(d time.Duration) { p.set(func() { p.delay = d }) }

// cutNextReply closes a connection in the place of its next reply.
func (p *proxy) cutNextReply() { p.set(func() { p.cutNext = true }) }

// moveTo closes all connections and forwards new ones to another server, as an
// address that moves in a failover does.
func (p *proxy) moveTo(target string) {
	p.set(func() { p.target = target })
	p.cut()
}

func (p *proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.changed.Broadcast()
}

// cut closes all connections.
func (p *proxy) cut() {
	p.each(func(client, server net.Conn) {
		_ = client.Close()
		_ = server.Close()
	})
}

// halfClose ends the direction from the server to the client.
func (p *proxy) halfClose() {
	p.each(func(client, _ net.Conn) {
		if c, isTCP := client.(*net.TCPConn); isTCP {
			_ = c.CloseWrite()
		}
	})
}

func (p *proxy) each(f func(client, server net.Conn)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client, server := range p.conns {
		f(client, server)
	}
	clear(p.conns)
}

// client returns a client that connects through the proxy.
func (p *proxy) client(change ...func(*redis.Options)) *redis.Client {
	o := &redis.Options{Addr: p.listener.Addr().String(), MaxRetryBackoff: 20 * time.Millisecond}
	for _, f := range change {
		f(o)
	}
	c := redis.NewClient(o)
	p.t.Cleanup(func() { _ = c.Close() })
	return c
}
