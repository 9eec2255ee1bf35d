// Reload: a changed configuration file, without an end of sessions or connections.

package proxy

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"reflect"
	"slices"
	"time"
)

// watchInterval is the time between two looks at the files.
const watchInterval = 2 * time.Second

// watch looks at the files until ctx ends, and reloads what has changed. SIGHUP makes it look at once.
func (s *server) watch(ctx context.Context) {
	for ctx.Err() == nil {
		tick := make(chan struct{})
		stop := s.clock.AfterFunc(watchInterval, func() { close(tick) })
		select {
		case <-ctx.Done():
			stop()
			return
		case <-s.options.Reload:
			stop()
			s.reload(true)
		case <-tick:
			s.reload(false)
		}
	}
}

// digestOf returns a digest of the contents of the files. A file that cannot be read has another one than any content.
func digestOf(names ...string) (digest [sha256.Size]byte) {
	hash := sha256.New()
	for _, name := range names {
		sum := sumOf(name)
		hash.Write(sum[:])
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// sumOf returns a digest of one file, which is zero if the file cannot be read.
func sumOf(name string) [sha256.Size]byte {
	content, err := readFile(name)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(content)
}

// used returns what digestOf returns for the watched files while they are as c was read from them. It must be called before the
// other files are used, so that a later change of any of them is noticed.
func (c *Config) used(file string) [sha256.Size]byte {
	if file == "" {
		return [sha256.Size]byte{}
	}
	hash := sha256.New()
	hash.Write(c.source[:])
	for _, name := range c.watched(file)[1:] {
		sum := sumOf(name)
		hash.Write(sum[:])
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// watched returns the files of which a reload has something to apply. The file of the configuration is the first.
func (c *Config) watched(file string) []string {
	var names []string
	for _, name := range slices.Concat([]string{file}, c.Identity.JWT.KeyFiles, c.Events.WebhookSecretFiles) {
		if name != "" {
			names = append(names, name)
		}
	}
	for _, u := range c.Upstreams {
		if u.CAFile != "" {
			names = append(names, u.CAFile)
		}
	}
	return names
}

// reload applies changed files. If the new configuration has a fault, everything stays, and each fault is logged once.
func (s *server) reload(asked bool) {
	s.reloadCertificate(asked)
	digest := digestOf(s.watching...)
	if s.options.File == "" || digest == s.digest && !asked {
		return
	}
	s.digest = digest
	next, err := Load(s.options.File)
	if err == nil {
		// Also the files of a configuration with a fault are watched, because one of them may be the fault.
		s.watching, s.digest = next.watched(s.options.File), next.used(s.options.File)
		err = s.apply(next)
	}
	if err != nil {
		faults, ok := err.(Faults)
		if !ok {
			faults = Faults{err.Error()}
		}
		for _, fault := range faults {
			s.log.Error("proxy: the changed configuration has a fault, and the earlier one stays in use", slog.String("fault", fault))
		}
		return
	}
	s.log.Info("proxy: the configuration was reloaded")
}

// apply replaces the site. What belongs to the process stays until a restart, and is logged.
func (s *server) apply(next *Config) error {
	s.complete(next)
	faults := &faultList{lines: next.lines}
	next.checkServer(faults)
	if next.needsOtherAuthKit(s.config) {
		next.newAuthKit(slog.New(slog.DiscardHandler), faults) // its faults must be known before the restart
	}
	restart := next.untilRestart(s.config)
	// The site is built with the AuthKit that exists: it remembers who has signed out, and which refresh tokens were used.
	built := next.newSite(s.authKit, s.log, s.clock, s.site.Load(), faults)
	if err := faults.err(); err != nil {
		return err
	}
	for _, section := range restart {
		s.log.Warn("proxy: a change of the configuration needs a restart", slog.String("section", section))
	}
	earlier := s.site.Swap(built)
	earlier.close(built)
	if built.signer != nil && earlier.signer != nil && !built.signer.IsKnownFrom(earlier.signer) {
		s.log.Warn("proxy: the first key of identity.jwt.key_files was not published before: applications that keep the earlier keys refuse its tokens until they read the keys again")
	}
	s.config = next
	return nil
}

func (c *Config) needsOtherAuthKit(old *Config) bool {
	return !reflect.DeepEqual([]any{c.WorkOS, c.Session, c.SignIn}, []any{old.WorkOS, old.Session, old.SignIn})
}

// untilRestart returns the sections of c that differ from old and that a reload cannot apply. It sets them to what is in use.
func (c *Config) untilRestart(old *Config) []string {
	var changed []string
	keep := func(section string, now, used any) {
		if !reflect.DeepEqual(reflect.ValueOf(now).Elem().Interface(), reflect.ValueOf(used).Elem().Interface()) {
			changed = append(changed, section)
			reflect.ValueOf(now).Elem().Set(reflect.ValueOf(used).Elem())
		}
	}
	keep("listen", &c.Listen, &old.Listen)
	keep("tls", &c.TLS, &old.TLS)
	keep("workos", &c.WorkOS, &old.WorkOS)
	keep("session", &c.Session, &old.Session)
	keep("sign_in", &c.SignIn, &old.SignIn)
	keep("paths.login", &c.Paths.Login, &old.Paths.Login)
	keep("paths.logout", &c.Paths.Logout, &old.Paths.Logout)
	keep("store", &c.Store, &old.Store)
	keep("events.follow", &c.Events.Follow, &old.Events.Follow)
	keep("admin", &c.Admin, &old.Admin)
	keep("log", &c.Log, &old.Log)
	keep("limits", &c.Limits, &old.Limits)
	return changed
}

func (s *server) reloadCertificate(asked bool) {
	if s.certificate == nil {
		return
	}
	digest := digestOf(s.certificate.files.CertificateFile, s.certificate.files.KeyFile)
	if digest == s.certificateDigest && !asked {
		return
	}
	s.certificateDigest = digest
	if err := s.certificate.read(); err != nil {
		s.log.Error("proxy: the changed certificate has a fault, and the earlier one stays in use", slog.Any("error", err))
		return
	}
	s.log.Info("proxy: the certificate was reloaded")
}
