// Placeholders of Caddy in the configuration, and secrets, which come from placeholders and from files.

package caddyauthkit

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// expand replaces the global placeholders, such as {env.NAME} and {file./path}, in all texts of a configuration. place is "" for the
// whole. It adds a fault for a placeholder that does not exist or is empty, and for a secret that is written out: Caddy shows its
// configuration at its admin endpoint, and stores it.
func expand(place string, value reflect.Value, secret bool, faults *Faults) {
	switch value.Kind() {
	case reflect.Struct:
		for _, field := range reflect.VisibleFields(value.Type()) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name != "" {
				expand(strings.TrimPrefix(place+"."+name, "."), value.FieldByIndex(field.Index), field.Tag.Get("secret") == "true", faults)
			}
		}
	case reflect.Slice:
		for i := range value.Len() {
			expand(fmt.Sprintf("%s[%d]", place, i), value.Index(i), secret, faults)
		}
	case reflect.Pointer:
		if !value.IsNil() {
			expand(place, value.Elem(), secret, faults)
		}
	case reflect.String:
		value.SetString(expandText(place, value.String(), secret, faults))
	}
}

func expandText(place, text string, secret bool, faults *Faults) string {
	if secret && (!strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}")) && text != "" {
		faults.add(place, "is written out; give a placeholder such as {env.WORKOS_API_KEY} (not {$WORKOS_API_KEY}), or a file: Caddy shows and stores its configuration")
		return ""
	}
	if !strings.Contains(text, "{") {
		return text
	}
	expanded, err := caddy.NewReplacer().ReplaceOrErr(text, true, true)
	if err != nil {
		faults.add(place, "%v; the environment variable or the file is missing or empty", err) // it names the placeholder
		return ""
	}
	return strings.TrimSpace(expanded)
}

// hasWrittenPassword reports whether the address of a store has a password that is no placeholder.
func hasWrittenPassword(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return false
	}
	_, password, _ := strings.Cut(rest[:at], ":")
	return password != "" && !strings.HasPrefix(password, "{")
}

// maxFile bounds a file with a key or a secret.
const maxFile = 1 << 20

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(content) > maxFile:
		return nil, fmt.Errorf("%s is larger than 1 MiB", name)
	}
	return content, nil
}

// secretFile returns the content of a file with a secret, without the white space around it. It returns "" after a fault.
func secretFile(place, name string, faults *Faults) string {
	content, err := readFile(name)
	if err != nil {
		faults.add(place, "%v", err)
		return ""
	}
	secret := strings.TrimSpace(string(content))
	if secret == "" {
		faults.add(place, "%s is empty", name)
	}
	return secret
}

func secretFiles(place string, names []string, faults *Faults) []string {
	var secrets []string
	for _, name := range names {
		if secret := secretFile(place, name, faults); secret != "" {
			secrets = append(secrets, secret)
		}
	}
	return secrets
}
