// The logger of an engine, which lives longer than the configuration of Caddy that made it.

package caddyauthkit

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

// relay is a slog.Handler that writes to the log of the newest handler that uses it. Caddy closes the logs of a configuration that a
// reload has replaced. The zero value writes nothing.
type relay struct {
	mu    sync.RWMutex
	users []relayUser // the newest last
}

type relayUser struct {
	handler *Handler
	log     slog.Handler
}

func (l *relay) add(h *Handler, log slog.Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users = append(l.users, relayUser{h, log})
}

func (l *relay) remove(h *Handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users = slices.DeleteFunc(l.users, func(u relayUser) bool { return u.handler == h })
}

// newest returns the log in use.
func (l *relay) newest() slog.Handler {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if len(l.users) == 0 {
		return slog.DiscardHandler
	}
	return l.users[len(l.users)-1].log
}

func (l *relay) Enabled(ctx context.Context, level slog.Level) bool {
	return l.newest().Enabled(ctx, level)
}

func (l *relay) Handle(ctx context.Context, record slog.Record) error {
	return l.newest().Handle(ctx, record)
}

func (l *relay) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &relayWith{l, func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) }}
}

func (l *relay) WithGroup(name string) slog.Handler {
	return &relayWith{l, func(h slog.Handler) slog.Handler { return h.WithGroup(name) }}
}

// relayWith is a relay with attributes and groups, which with adds to the log in use.
type relayWith struct {
	relay *relay
	with  func(slog.Handler) slog.Handler
}

func (l *relayWith) Enabled(ctx context.Context, level slog.Level) bool {
	return l.relay.Enabled(ctx, level)
}

func (l *relayWith) Handle(ctx context.Context, record slog.Record) error {
	return l.with(l.relay.newest()).Handle(ctx, record)
}

func (l *relayWith) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &relayWith{l.relay, func(h slog.Handler) slog.Handler { return l.with(h).WithAttrs(attrs) }}
}

func (l *relayWith) WithGroup(name string) slog.Handler {
	return &relayWith{l.relay, func(h slog.Handler) slog.Handler { return l.with(h).WithGroup(name) }}
}
