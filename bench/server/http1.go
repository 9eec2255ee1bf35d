// The client of HTTP/1.1. It does little, since it shares the processors with the server.

package server

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// header is what a browser sends besides the cookies.
var header = [][2]string{
	{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	{"Accept", "text/html"},
	{"Accept-Language", "en-GB,en;q=0.5"},
	{"Sec-Fetch-Dest", "document"},
	{"Sec-Fetch-Mode", "navigate"},
	{"Sec-Fetch-Site", "same-origin"},
}

// http1 is a connection of HTTP/1.1.
type http1 struct {
	conn   net.Conn
	reader *bufio.Reader
	head   string
	status []byte // how every response must begin
	buffer []byte
}

func dialHTTP1(address, path string, status int) (*http1, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	head := "GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\n"
	for _, field := range header {
		head += field[0] + ": " + field[1] + "\r\n"
	}
	return &http1{
		conn: conn, reader: bufio.NewReaderSize(conn, 16<<10), head: head, status: fmt.Appendf(nil, "HTTP/1.1 %d ", status),
	}, nil
}

func (c *http1) close() { _ = c.conn.Close() }

func (c *http1) exchange(cookie string) (setsCookie bool, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		return false, err
	}
	c.buffer = append(c.buffer[:0], c.head...)
	if cookie != "" {
		c.buffer = append(append(append(c.buffer, "Cookie: "...), cookie...), "\r\n"...)
	}
	c.buffer = append(c.buffer, "\r\n"...)
	if _, err := c.conn.Write(c.buffer); err != nil {
		return false, err
	}
	status, err := c.reader.ReadSlice('\n')
	if err != nil {
		return false, err
	}
	if !bytes.HasPrefix(status, c.status) {
		return false, fmt.Errorf("a request got the response %q", strings.TrimSpace(string(status)))
	}
	length := -1
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return false, fmt.Errorf("Content-Length: %w", err)
			}
		}
		setsCookie = setsCookie || bytes.HasPrefix(line, []byte("Set-Cookie: "))
	}
	if length < 0 {
		return false, errors.New("a response has no Content-Length")
	}
	_, err = c.reader.Discard(length)
	return setsCookie, err
}
