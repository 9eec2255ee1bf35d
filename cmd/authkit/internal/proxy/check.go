// Check: whether a configuration is right, without listening or connecting.

package proxy

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/authkit-go/authkit"
)

// Check returns all faults of a configuration as [Faults], or nil. It reads the files that the configuration names and the WORKOS_
// variables. It does not listen and makes no connection.
func (c *Config) Check() error {
	faults := &faultList{lines: c.lines}
	c.check(faults)
	return faults.err()
}

// check adds all faults.
func (c *Config) check(faults *faultList) {
	if _, port, err := net.SplitHostPort(c.Listen); err == nil && len(c.redirectURLs()) == 0 {
		if address := defaultRedirect(c, port); address != "" {
			c.WorkOS.RedirectURLs = []string{address}
		}
	}
	if shared := c.openStore(faults); shared != nil {
		shared.close()
	}
	c.checkServer(faults)
	ak := c.newAuthKit(slog.New(slog.DiscardHandler), faults)
	c.newSite(orStandIn(ak), slog.New(slog.DiscardHandler), nil, nil, faults)
}

// checkServer adds the faults of what a reload does not change.
func (c *Config) checkServer(faults *faultList) {
	checkAddress("listen", c.Listen, faults)
	if c.Admin.Listen != "" {
		checkAddress("admin.listen", c.Admin.Listen, faults)
	}
	switch {
	case (c.TLS.CertificateFile == "") != (c.TLS.KeyFile == ""):
		faults.add("tls", "give both certificate_file and key_file")
	case c.TLS.CertificateFile != "":
		if _, err := newCertificate(c.TLS); err != nil {
			faults.add("tls", "%v", err)
		}
	}
	if _, err := newLogger(c.Log, os.Stderr); err != nil {
		faults.add("log", "%v", err)
	}
	l := c.Limits
	if l.HeaderBytes < 4<<10 || l.HeaderBytes > 1<<20 {
		faults.add("limits.header_bytes", "%d is not between 4096 and 1048576; the cookies of a session can take 32768", l.HeaderBytes)
	}
	for place, d := range map[string]int64{
		"limits.header_timeout": int64(l.HeaderTimeout), "limits.idle_timeout": int64(l.IdleTimeout), "limits.shutdown_timeout": int64(l.ShutdownTimeout),
	} {
		if d <= 0 {
			faults.add(place, "must be more than 0, such as 30s")
		}
	}
	if l.BodyTimeout < 0 || l.WriteTimeout < 0 || l.ShutdownDelay < 0 {
		faults.add("limits", "body_timeout, write_timeout and shutdown_delay must not be negative")
	}
	if c.Session.StreamAfter < 0 {
		faults.add("session.stream_after", "must not be negative; 0s is for ever")
	}
	if len(c.redirectURLs()) == 0 {
		faults.add("workos.redirect_urls", "is missing; give the address of the callback, such as https://app.example.com/callback, here or in WORKOS_REDIRECT_URI")
	}
}

func checkAddress(place, address string, faults *faultList) {
	if _, _, err := net.SplitHostPort(address); err != nil && !strings.HasPrefix(address, "unix:") {
		faults.add(place, "%q is neither host:port, such as localhost:8080 or :8080, nor unix:/path/of/socket", address)
	}
}

// orStandIn returns ak, or an AuthKit that is never used, with which the faults of the rules can be found.
func orStandIn(ak *authkit.AuthKit) *authkit.AuthKit {
	if ak != nil {
		return ak
	}
	standIn, err := authkit.New(authkit.WithAPIKey("sk_check"), authkit.WithClientID("client_check"),
		authkit.WithCookiePassword(strings.Repeat("-", 32)), authkit.WithRedirectURL("https://check.invalid/callback"),
		authkit.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic(fmt.Sprintf("proxy: the stand-in for a check: %v", err))
	}
	return standIn
}
