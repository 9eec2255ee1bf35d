// Caddy with its standard modules and with authkit, as xcaddy would build it.

// Command caddy is Caddy with its standard modules and the module of authkit:
//
//	go install github.com/authkit-go/authkit/contrib/caddyauthkit/cmd/caddy@latest
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/authkit-go/authkit/contrib/caddyauthkit"
)

func main() { caddycmd.Main() }
