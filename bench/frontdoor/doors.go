// The proxies: how each is built, started and signed in to.

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/bench/server"
	"github.com/authkit-go/authkit/internal/testserver"
)

// programs are the paths of the programs. Without oauth2Proxy or redis, the proxies that need it are left out.
type programs struct{ authkit, oauth2Proxy, redis string }

// door is a proxy that is measured.
type door struct {
	*server.Door
	Name    string // of the program
	Session string // where the sessions are
}

// The names of the proxies. Another setting of authkit proxy follows its name.
const (
	ours   = "authkit proxy"
	theirs = "oauth2-proxy"
)

// The places of sessions.
const (
	inCookie  = "cookie"
	withRedis = "Redis"
)

// stage is everything that is measured.
type stage struct {
	front *server.Front
	fake  *authkittest.Server
	redis *testserver.Server // nil without Redis
	doors []door
}

// buildAuthkit builds the command authkit of a folder into another one, and returns the path of the program.
func buildAuthkit(ctx context.Context, source, folder string) (string, error) {
	program := filepath.Join(folder, "authkit")
	cmd := exec.CommandContext(ctx, "go", "build", "-C", source, "-o", program, ".")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build authkit: %w\n%s", err, output)
	}
	return program, nil
}

// newStage starts everything and signs users in through each proxy. What it starts ends with close or with the context.
func newStage(ctx context.Context, of settings, processes server.Processes, p programs, folder string) (s *stage, err error) {
	s = &stage{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.fake, err = server.StartFake(authkittest.NewFakeClock(time.Now())); err != nil {
		return s, err
	}
	store, storeURL := 0, ""
	if p.redis != "" {
		if s.redis, err = testserver.Start(testserver.Redis(p.redis, folder)); err != nil {
			return s, err
		}
		store, storeURL = s.redis.PID(), "redis://"+s.redis.Port.Addr()
	}
	if s.front, err = server.StartFront(ctx, processes, store); err != nil {
		return s, err
	}
	// Those of one kind come after one another, so that their slices do too.
	for _, kind := range []struct{ session, storeURL string }{{inCookie, ""}, {withRedis, storeURL}} {
		if kind.session == withRedis && storeURL == "" {
			continue
		}
		file := filepath.Join(folder, "authkit-"+kind.session+".yaml")
		d, err := s.startAuthkit(ctx, p.authkit, file, kind.storeURL)
		if err := s.add(ours, kind.session, d, err); err != nil {
			return s, err
		}
		if p.oauth2Proxy == "" {
			continue
		}
		var arguments []string
		if kind.storeURL != "" {
			arguments = []string{"--session-store-type=redis", "--redis-connection-url=" + kind.storeURL}
		}
		d, err = server.StartOAuth2Proxy(ctx, p.oauth2Proxy, s.fake.URL(), s.front.URL(), arguments...)
		if err := s.add(theirs, kind.session, d, err); err != nil {
			return s, err
		}
		if of.gogc == 0 {
			continue
		}
		setting := fmt.Sprintf("GOGC=%d", of.gogc)
		d, err = s.startAuthkit(ctx, p.authkit, file, kind.storeURL, setting)
		if err := s.add(ours+", "+setting, kind.session, d, err); err != nil {
			return s, err
		}
	}
	for _, d := range s.doors {
		if err := d.SignIn(of.sessions); err != nil {
			return s, fmt.Errorf("%s with %s: %w", d.Name, d.Session, err)
		}
	}
	return s, nil
}

// add adds a proxy that has started without an error.
func (s *stage) add(name, session string, d *server.Door, err error) error {
	if err != nil {
		return fmt.Errorf("start %s with %s: %w", name, session, err)
	}
	s.front.Add(d)
	s.doors = append(s.doors, door{d, name, session})
	return nil
}

func (s *stage) close() error {
	var err error
	if s.front != nil {
		err = s.front.Close()
	}
	if s.redis != nil {
		s.redis.Close()
	}
	if s.fake != nil {
		s.fake.Close()
	}
	return err
}

// startAuthkit starts "authkit proxy" with a configuration file, which it writes, and waits until it listens.
func (s *stage) startAuthkit(ctx context.Context, program, file, storeURL string, environment ...string) (d *server.Door, err error) {
	config := fmt.Sprintf(`listen: 127.0.0.1:0
upstreams:
  - url: %s
workos:
  base_url: %s
log:
  level: warn
  access: false
limits:
  shutdown_delay: 0s
`, s.front.URL(), s.fake.URL())
	if storeURL != "" {
		config += "store:\n  url: " + storeURL + "\n"
	}
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, "proxy", "--config", file)
	cmd.Env = append(append(os.Environ(), environment...), "WORKOS_CLIENT_ID="+s.fake.ClientID(), "WORKOS_API_KEY="+s.fake.APIKey(),
		"WORKOS_COOKIE_PASSWORD="+strings.Repeat("correct-horse-", 3))
	cmd.Stderr = os.Stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "Listening on ")
	if !ok {
		_ = cmd.Process.Kill() // it may have ended
		return nil, errors.Join(fmt.Errorf("authkit proxy has printed %q and not where it listens", line), err, cmd.Wait())
	}
	d = server.NewDoor(address, cmd)
	if err := d.AwaitRedirect(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}
