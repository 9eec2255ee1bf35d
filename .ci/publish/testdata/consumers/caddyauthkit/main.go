// Command caddyauthkit provisions a Caddy with the module, and signs in to the site that it serves.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	"github.com/authkit-go/authkit/authkittest"
	_ "github.com/authkit-go/authkit/contrib/caddyauthkit"
)

const site = `{"admin": {"disabled": true}, "logging": {"logs": {"default": {"writer": {"output": "discard"}}}}, "apps": {"http": {"servers": {"site": {
	"listen": ["127.0.0.1:0"], "automatic_https": {"disable": true}, "routes": [{"handle": [
		{"handler": "authkit", "workos": {"base_url": "{env.FAKE}"}, "events": {"follow": false}},
		{"handler": "static_response", "body": "Hello, {http.auth.user.email}"}]}]}}}}}`

func main() {
	fake, err := authkittest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	server := httptest.NewUnstartedServer(nil)
	url := strings.Replace("http://"+server.Listener.Addr().String(), "127.0.0.1", "localhost", 1)
	for name, value := range map[string]string{
		"FAKE": fake.URL(), "WORKOS_API_KEY": fake.APIKey(), "WORKOS_CLIENT_ID": fake.ClientID(),
		"WORKOS_COOKIE_PASSWORD": strings.Repeat("p", 32), "WORKOS_REDIRECT_URI": url + "/callback",
	} {
		if err := os.Setenv(name, value); err != nil {
			log.Fatal(err)
		}
	}
	var config caddy.Config
	if err := json.Unmarshal([]byte(site), &config); err != nil {
		log.Fatal(err)
	}
	ctx, err := caddy.ProvisionContext(&config)
	if err != nil {
		log.Fatal(err)
	}
	app, err := ctx.App("http")
	if err != nil {
		log.Fatal(err)
	}
	server.Config.Handler = app.(*caddyhttp.App).Servers["site"]
	server.Start()
	defer server.Close()

	resp, err := server.Client().Get(url + "/")
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	page, err := authkittest.NewBrowser().SignIn(url+"/", "ada@harborpress.test")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, page.Body)
}
