// Several doors in front of one application, under the same loads.

package server

import (
	"context"
	"errors"
	"time"

	"github.com/authkit-go/authkit/bench/cputime"
)

// Front is an application without the middleware, and the doors in front of it.
type Front struct {
	processes   Processes
	application *service
	store       int // the ID of the process of the store that the doors use; 0 for none
	doors       []*Door
}

// StartFront starts the application. The process ends with Close or with the context. store is the ID of the process of a store that
// doors use, or 0.
func StartFront(ctx context.Context, processes Processes, store int) (*Front, error) {
	application, err := start(ctx, processes, config{})
	if err != nil {
		return nil, err
	}
	return &Front{processes: processes, application: application, store: store}, nil
}

// URL returns the address of the application: http://host:port.
func (f *Front) URL() string { return "http://" + f.application.addresses.HTTP }

// Add adds a door, which the Front closes. Its AwaitRedirect must have returned nil.
func (f *Front) Add(d *Door) { f.doors = append(f.doors, d) }

// Close stops the doors and the application.
func (f *Front) Close() error {
	var errs []error
	for _, d := range f.doors {
		errs = append(errs, d.Close())
	}
	return errors.Join(append(errs, f.application.stop())...)
}

// FrontLoad is a load of the page for signed-in users, over HTTP/1.1.
type FrontLoad struct {
	Anonymous   bool // without a session: every response redirects to the sign-in
	Concurrency int
}

// FrontLoads returns all loads of a Front.
func FrontLoads() []FrontLoad {
	return []FrontLoad{{false, Concurrencies[0]}, {false, Concurrencies[1]}, {true, Concurrencies[0]}}
}

// Compare measures a load through all doors in turns, through each for the given time. The CPU time of a result is that of the door
// alone.
func (f *Front) Compare(ctx context.Context, l FrontLoad, measure time.Duration) (Turns, error) {
	var sides []side
	for _, d := range f.doors {
		t := target{addresses: addresses{HTTP: d.address}, Cookies: d.cookies}
		if l.Anonymous {
			t.Cookies, t.Status = nil, d.redirect
		}
		sides = append(sides, side{t, func() (Usage, error) { return f.usage(d) }})
	}
	return Load{SignedIn: true, Protocol: HTTP1, Concurrency: l.Concurrency}.inTurns(ctx, f.processes, measure, sides)
}

// usage returns the CPU times of a door, of the application and of the store.
func (f *Front) usage(d *Door) (u Usage, err error) {
	for pid, into := range map[int]*time.Duration{
		d.cmd.Process.Pid: &u.CPU, f.application.process.cmd.Process.Pid: &u.application, f.store: &u.store,
	} {
		if pid == 0 {
			continue
		}
		used, ofErr := cputime.Of(pid)
		*into, err = used, errors.Join(err, ofErr)
	}
	return u, err
}
