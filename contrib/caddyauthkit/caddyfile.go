// The directive of the Caddyfile, whose subdirectives have the names of the JSON configuration.

package caddyauthkit

import (
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

// order registers the directive before those that change the path or the method: the rules, and the paths of the sign-in, are about
// what the browser has sent. The directives that answer, such as respond and reverse_proxy, come later, except redir: it may lead to the
// host whose redirect URL is registered.
func order() {
	httpcaddyfile.RegisterDirective("authkit", parseDirective)
	httpcaddyfile.RegisterDirectiveOrder("authkit", httpcaddyfile.Before, "method")
}

func parseDirective(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	handler := new(Handler)
	if err := handler.UnmarshalCaddyfile(h.Dispenser); err != nil {
		return nil, err
	}
	return h.NewRoute(nil, handler), nil
}

// UnmarshalCaddyfile reads the directive:
//
//	authkit {
//		workos {
//			client_id                <ID>
//			api_key                  <placeholder>
//			api_key_file             <file>
//			cookie_passwords         <placeholders...>
//			cookie_password_files    <files...>
//			redirect_urls            <URLs...>
//			post_logout_redirect_url <URL>
//			base_url                 <URL>
//		}
//		rule <path> {
//			methods       <methods...>
//			allow         public | [sessions] [api_keys]
//			roles         <roles...>
//			permissions   <permissions...>
//			organizations <organizations...>
//			entitlements  <entitlements...>
//			feature_flags <flags...>
//		}
//		session {
//			cookie_name         <name>
//			cookie_domain       <domain>
//			idle_timeout        <duration>
//			absolute_timeout    <duration>
//			revocation_deadline <duration>
//			stream_after        <duration>
//			trusted_origins     <origins...>
//			compact
//			bearer_tokens
//		}
//		sign_in {
//			organization <ID>
//			connection   <ID>
//			provider     <name>
//		}
//		paths {
//			login   <path>
//			logout  <path>
//			me      <path>
//			health  <path>
//			keys    <path>
//			webhook <path>
//		}
//		identity {
//			header <name> <field>
//			pass_authorization
//			jwt {
//				key_files <files...>
//				issuer    <text>
//				audience  <text>
//			}
//		}
//		store {
//			url      <placeholder or URL>
//			url_file <file>
//			migrate
//		}
//		events {
//			follow               [true|false]
//			webhook_secret_files <files...>
//		}
//	}
//
// The error has all faults of form, each with its line. A subdirective that does not exist is one. A matcher is one too: a request past
// the handler would reach the application with identity headers that the client has forged.
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // the name of the directive
	var faults []error
	if args := d.RemainingArgs(); len(args) > 0 {
		faults = append(faults, d.Errf("authkit takes no matcher and no argument, and has %q: write a rule with \"allow public\" for what needs no session", args[0]))
	}
	faults = append(faults, decodeBlock(d, "authkit", reflect.ValueOf(h).Elem())...)
	return errors.Join(faults...)
}

// singular has the subdirectives that are written once for each element of a list or a map.
var singular = map[string]string{"rule": "rules", "header": "headers"}

// decodeBlock reads a block into a struct. It returns the faults of all lines.
func decodeBlock(d *caddyfile.Dispenser, block string, target reflect.Value) (faults []error) {
	fields := map[string]reflect.Value{}
	var names []string
	for _, field := range reflect.VisibleFields(target.Type()) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" || field.Tag.Get("caddyfile") == "-" {
			continue
		}
		for one, many := range singular {
			if name == many {
				name = one
			}
		}
		fields[name], names = target.FieldByIndex(field.Index), append(names, name)
	}
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		line := d.NewFromNextSegment()
		line.Next()
		name := line.Val()
		field, found := fields[name]
		switch {
		case !found:
			slices.Sort(names)
			faults = append(faults, line.Errf("%s has no %q; it has %s", block, name, strings.Join(names, ", ")))
			continue
		case seen[name] && singular[name] == "" && field.Kind() != reflect.Slice:
			faults = append(faults, line.Errf("%s has two lines %q", block, name))
			continue
		}
		seen[name] = true
		faults = append(faults, decode(line, name, field)...)
	}
	return faults
}

// decode reads a line, with its block, into a field.
func decode(line *caddyfile.Dispenser, name string, field reflect.Value) []error {
	args := line.RemainingArgs()
	fail := func(accepted string) []error { return []error{line.Errf("%s: give %s", name, accepted)} }
	switch target := field.Addr().Interface().(type) {
	case *[]Rule:
		if len(args) != 1 {
			return fail("one path, such as /admin/*, and a block")
		}
		rule := Rule{Path: args[0]}
		faults := decodeBlock(line, name, reflect.ValueOf(&rule).Elem())
		*target = append(*target, rule)
		return faults
	case *map[string]string:
		if len(args) != 2 {
			return fail("the name of a header and a field, as in: header X-Forwarded-User user")
		}
		if *target == nil {
			*target = map[string]string{}
		}
		(*target)[args[0]] = args[1]
	case *[]string:
		if len(args) == 0 {
			return fail("one value or more")
		}
		*target = append(*target, args...)
	case *string:
		if len(args) != 1 || args[0] == "" {
			return fail("one value")
		}
		*target = args[0]
	case **string:
		if len(args) != 1 {
			return fail(`one path, or "" for none`)
		}
		*target = &args[0]
	case *bool, **bool:
		on, err := true, error(nil)
		if len(args) == 1 {
			on, err = strconv.ParseBool(args[0])
		}
		if len(args) > 1 || err != nil {
			return fail("true, false or nothing, which is true")
		}
		if isSet, ok := target.(*bool); ok {
			*isSet = on
		} else {
			field.Set(reflect.ValueOf(&on))
		}
	case *caddy.Duration, **caddy.Duration:
		if len(args) != 1 {
			return fail("a duration such as 30m")
		}
		parsed, err := caddy.ParseDuration(args[0])
		if err != nil {
			return fail("a duration such as 30m")
		}
		duration := caddy.Duration(parsed)
		if plain, ok := target.(*caddy.Duration); ok {
			*plain = duration
		} else {
			field.Set(reflect.ValueOf(&duration))
		}
	default: // a section
		if len(args) != 0 {
			return fail("a block, and no argument")
		}
		return decodeBlock(line, name, field)
	}
	if line.NextBlock(line.Nesting()) {
		return []error{line.Errf("%s takes no block", name)}
	}
	return nil
}

var _ caddyfile.Unmarshaler = (*Handler)(nil)
