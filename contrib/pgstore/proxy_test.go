// A TCP proxy in front of a server, which can partition the network.

package pgstore

import (
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// tcpProxy passes bytes between clients and a server.
type tcpProxy struct {
	listener net.Listener

	mu          sync.Mutex
	server      string // where new connections go
	changed     *sync.Cond
	partitioned bool // bytes do not arrive, and connections stay
	closed      bool
	conns       []net.Conn
}

// newTCPProxy starts a proxy for a database, and returns the address of the database
// through it.
func newTCPProxy(t *testing.T, database string) (*tcpProxy, string) {
	t.Helper()
	address, err := url.Parse(database)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &tcpProxy{listener: listener, server: address.Host}
	p.changed = sync.NewCond(&p.mu)
	go p.accept()
	t.Cleanup(p.close)
	address.Host = listener.Addr().String()
	return p, address.String()
}

func (p *tcpProxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		address := p.server
		p.mu.Unlock()
		server, err := net.Dial("tcp", address)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, client, server)
		p.mu.Unlock()
		go p.pass(client, server)
		go p.pass(server, client)
	}
}

func (p *tcpProxy) pass(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		for p.partitioned && !p.closed {
			p.changed.Wait()
		}
		p.mu.Unlock()
		if _, writeErr := to.Write(buffer[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

// partition stops all bytes, or lets them pass again.
func (p *tcpProxy) partition(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.partitioned = on
	p.changed.Broadcast()
}

// moveTo sends new connections to another server.
func (p *tcpProxy) moveTo(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.server = address
}

// cut closes all connections.
func (p *tcpProxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		conn.Close()
	}
	p.conns = nil
}

func (p *tcpProxy) close() {
	p.mu.Lock()
	p.closed = true
	p.changed.Broadcast()
	p.mu.Unlock()
	p.listener.Close()
	p.cut()
}
