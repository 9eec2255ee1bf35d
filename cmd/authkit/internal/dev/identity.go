// What the application must know of the fake: its credentials, and the file with them.

package dev

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// identity is the client ID and the secrets of a fake.
type identity struct {
	clientID       string
	apiKey         string
	cookiePassword string
	webhookSecret  string
}

// newIdentity returns a random identity for port 0. For a port it is the same at each start: it depends on the port and on a
// random secret in the configuration directory of the user. kept is false if that secret can neither be read nor written. The
// identity is then a random one.
func newIdentity(port int) (id identity, kept bool) {
	secret, err := []byte(nil), errors.New("no port")
	if port != 0 {
		secret, err = ownSecret()
	}
	if err != nil {
		secret = []byte(rand.Text())
	}
	value := func(name string) string {
		mac := hmac.New(sha256.New, secret)
		fmt.Fprintf(mac, "%d %s", port, name)
		return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(mac.Sum(nil))
	}
	return identity{
		clientID:       "client_" + value("client ID")[:26],
		apiKey:         "sk_test_" + value("API key")[:32],
		cookiePassword: value("cookie password"),
		webhookSecret:  value("webhook secret")[:26],
	}, err == nil
}

// ownSecret returns the secret of this user, and creates it at the first call.
func ownSecret() ([]byte, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "authkit", "dev.secret")
	secret, err := os.ReadFile(path)
	if err == nil && len(secret) >= 26 {
		return secret, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	secret = []byte(rand.Text() + rand.Text())
	return secret, writeFile(path, secret)
}

// writeFile writes a file that only its owner can read, whole or not at all.
func writeFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".authkit-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

// envFileMark is how a file of --env-file begins. A file that begins in another way is not overwritten.
const envFileMark = "# Written by authkit dev"

// checkEnvFile returns an error if the file exists and is not one of this program.
func checkEnvFile(path string) error {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("--env-file: %s is no plain file", path)
	}
	content, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("--env-file: %w", err)
	case len(content) > 0 && !strings.HasPrefix(string(content), envFileMark):
		return fmt.Errorf("--env-file: %s exists and was not written by authkit dev; choose another file, or remove this one", path)
	}
	return nil
}

// writeEnvFile writes the variables into a file, in place of an earlier one of this program.
func writeEnvFile(path string, variables map[string]string) error {
	if file, err := filepath.EvalSymlinks(path); err == nil {
		path = file // a link stays one
	}
	text := envFileMark + ", for development only. The next run overwrites it.\n" + envLines(variables, "")
	if err := writeFile(path, []byte(text)); err != nil {
		return fmt.Errorf("--env-file: %w", err)
	}
	return nil
}

// envLines returns a line NAME=value for each variable, in alphabetical order. A value is quoted where a shell needs it.
func envLines(variables map[string]string, before string) string {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		value := variables[name]
		if before != "" || strings.ContainsFunc(value, needsQuotes) {
			value = "'" + value + "'" // no value contains a quote: see checkAddress
		}
		fmt.Fprintf(&lines, "%s%s=%s\n", before, name, cmp.Or(value, "''"))
	}
	return lines.String()
}

// needsQuotes reports whether a shell or a reader of .env files may take a character for more than itself.
func needsQuotes(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:@%+,", r))
}
