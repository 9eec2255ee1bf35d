// Tests of protocols: TLS, HTTP/2 in front and behind, sockets; and of what operators see.

package proxy_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/cmd/authkit/internal/proxy"
)

// selfSigned writes a certificate for localhost with a serial number and its key.
func selfSigned(t testing.TB, folder string, serial int64) proxy.TLS {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	files := proxy.TLS{CertificateFile: filepath.Join(folder, "cert.pem"), KeyFile: filepath.Join(folder, "key.pem")}
	require.NoError(t, os.WriteFile(files.CertificateFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(files.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return files
}

func TestTLSSpeaksHTTP2AndItsCertificateIsReadAgain(t *testing.T) {
	folder := t.TempDir()
	d := start(t, echo, setUp{change: func(c *proxy.Config) {
		allPublic(c)
		c.TLS = selfSigned(t, folder, 1)
	}})
	get := func() *http.Response {
		transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
		r, err := http.NewRequest("GET", strings.Replace(d.URL, "http:", "https:", 1)+"/a", nil)
		require.NoError(t, err)
		resp, err := transport.RoundTrip(r)
		require.NoError(t, err)
		resp.Body.Close()
		return resp
	}
	resp := get()
	assert.Equal(t, 2, resp.ProtoMajor)
	assert.Equal(t, int64(1), resp.TLS.PeerCertificates[0].SerialNumber.Int64())
	selfSigned(t, folder, 2)
	d.reload <- struct{}{}
	d.Log.await(t, "the certificate was reloaded")
	assert.Equal(t, int64(2), get().TLS.PeerCertificates[0].SerialNumber.Int64())
	require.NoError(t, os.WriteFile(filepath.Join(folder, "key.pem"), []byte("nonsense"), 0o600))
	d.reload <- struct{}{}
	d.Log.await(t, "the changed certificate has a fault")
	assert.Equal(t, int64(2), get().TLS.PeerCertificates[0].SerialNumber.Int64())
}

func TestAnUpstreamMayBeASocketOrSpeakHTTP2OrTLS(t *testing.T) {
	socketPath := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socketPath)
	require.NoError(t, err)
	behind := &http.Server{Handler: echo}
	go func() { _ = behind.Serve(listener) }()
	t.Cleanup(func() { behind.Close() })

	h2c := httptest.NewUnstartedServer(echo)
	h2c.Config.Protocols = new(http.Protocols)
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Start()
	t.Cleanup(h2c.Close)

	secure := httptest.NewUnstartedServer(echo)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	t.Cleanup(secure.Close)
	ca := writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})))

	d := start(t, echo, setUp{change: func(c *proxy.Config) {
		allPublic(c)
		c.Upstreams = []proxy.Upstream{
			{Path: "/socket/*", URL: "unix://" + socketPath},
			{Path: "/h2c/*", URL: strings.Replace(h2c.URL, "http:", "h2c:", 1)},
			{Path: "/tls/*", URL: secure.URL, CAFile: ca, RewriteHost: true},
			{Path: "/untrusted/*", URL: secure.URL},
		}
	}})
	assert.Equal(t, "HTTP/1.1", d.do("", "GET", "/socket/a", nil).sees(t).Proto)
	assert.Equal(t, "HTTP/2.0", d.do("", "GET", "/h2c/a", nil).sees(t).Proto)
	assert.Equal(t, "HTTP/2.0", d.do("", "GET", "/tls/a", nil).sees(t).Proto)
	assert.Equal(t, 502, d.do("", "GET", "/untrusted/a", nil).StatusCode)
	assert.Equal(t, 404, d.do("", "GET", "/other", nil).StatusCode)

	// HTTP/2 without TLS in front, for another proxy.
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	r, err := http.NewRequest("GET", d.URL+"/h2c/a", nil)
	require.NoError(t, err)
	resp, err := (&http.Transport{Protocols: protocols}).RoundTrip(r)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 2, resp.ProtoMajor)
	assert.Equal(t, 200, resp.StatusCode)
}

func TestTheProxyListensAtASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "front")
	fake := authkittest.New(t)
	behind := httptest.NewServer(echo)
	defer behind.Close()
	c := baseConfig(t, fake, strings.Repeat("door", 10), behind.URL)
	c.TrustedProxies = []string{"unix"}
	c.Listen, c.WorkOS.RedirectURLs = "unix:"+path, []string{"http://localhost/callback"}
	allPublic(c)
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- proxy.Run(ctx, c, proxy.Options{Log: io.Discard, Ready: func(string) { close(ready) }})
	}()
	select {
	case <-ready:
	case err := <-ended:
		require.NoError(t, err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	r, err := http.NewRequest("GET", "http://x/healthz", nil)
	require.NoError(t, err)
	resp, err := transport.RoundTrip(r)
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, 200, resp.StatusCode)
	r, err = http.NewRequest("GET", "http://x/a", nil)
	require.NoError(t, err)
	r.Header.Set("X-Forwarded-For", "203.0.113.9")
	resp, err = transport.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	var upstream seen
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&upstream))
	assert.Equal(t, "203.0.113.9", upstream.Header.Get("X-Forwarded-For"))
	assert.Equal(t, "203.0.113.9", upstream.Header.Get("X-Real-Ip"))
	transport.CloseIdleConnections()
	stop()
	assert.NoError(t, <-ended)
}

func TestTwoProxiesWithAStoreShareASignOut(t *testing.T) {
	redis := miniredis.RunT(t)
	fake := authkittest.New(t)
	shared := func(c *proxy.Config) {
		c.Store.URLFile = writeFile(t, "store", "redis://"+redis.Addr()+"/0\n")
	}
	one := start(t, echo, setUp{server: fake, change: shared})
	two := start(t, echo, setUp{server: fake, change: shared})
	cookie := one.cookieOf(ben)
	require.Equal(t, 200, two.do("", "GET", "/a", nil, "Cookie: "+cookie).StatusCode)
	require.Equal(t, 200, one.do("", "POST", "/logout", nil, "Cookie: "+cookie).StatusCode)
	assert.Eventually(t, func() bool { return two.do("", "GET", "/a", nil, "Cookie: "+cookie).StatusCode == 401 }, waitTimeout, 10*time.Millisecond)
}

func TestAnEventOfWorkOSEndsASessionAtTheProxy(t *testing.T) {
	d := start(t, echo, setUp{})
	cookie := d.cookieOf(ben)
	require.Equal(t, 200, d.do("", "GET", "/a", nil, "Cookie: "+cookie).StatusCode)
	d.Fake.DeleteUser(ben)
	assert.Eventually(t, func() bool { return d.do("", "GET", "/a", nil, "Cookie: "+cookie).StatusCode == 401 }, waitTimeout, 50*time.Millisecond)
}

func TestAWebhookOfWorkOSReachesTheProxyAndNotTheUpstream(t *testing.T) {
	const secret = "webhook-secret"
	for name, set := range map[string]func(c *proxy.Config){
		"a file":       func(c *proxy.Config) { c.Events.WebhookSecretFiles = []string{writeFile(t, "webhook", secret)} },
		"the variable": func(*proxy.Config) { t.Setenv("WORKOS_WEBHOOK_SECRET", secret+"\n") },
		"a file before the variable": func(c *proxy.Config) {
			t.Setenv("WORKOS_WEBHOOK_SECRET", "another-secret")
			c.Events.WebhookSecretFiles = []string{writeFile(t, "webhook", secret)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := start(t, echo, setUp{change: func(c *proxy.Config) {
				c.Events.Follow = false
				set(c)
			}})
			cookie := d.cookieOf(ben)
			d.Fake.AddWebhookEndpoint(d.URL+"/webhooks/workos", secret)
			d.Fake.DeleteUser(ben)
			require.NoError(t, d.Fake.WaitForWebhooks(t.Context()))
			assert.Equal(t, 401, d.do("", "GET", "/a", nil, "Cookie: "+cookie).StatusCode)
			answer := d.do("", "POST", "/webhooks/workos", strings.NewReader("{}"))
			assert.Equal(t, 401, answer.StatusCode)
			assert.Contains(t, answer.Text, "invalid_webhook_signature")
			assert.NotContains(t, d.Log.String(), secret)
		})
	}
}

func TestOperatorsSeeMetricsAndTheLogHasNoSecret(t *testing.T) {
	d := start(t, echo, setUp{change: func(c *proxy.Config) { c.Log.Format = "json" }})
	cookie := d.cookieOf(ben)
	d.do("", "GET", "/a?token=hunter2", nil, "Cookie: "+cookie, "Authorization: Bearer hunter3")
	resp, err := http.Get("http://" + d.Admin + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Contains(t, string(text), "authkit_")
	for _, path := range []string{"/debug/pprof/", "/a", "/"} {
		resp, err := http.Get("http://" + d.Admin + path)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 404, resp.StatusCode, path)
	}
	found := false
	for line := range strings.Lines(d.Log.String()) {
		var entry map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		if entry["msg"] == "request" && entry["path"] == "/a" {
			found = true
			assert.Regexp(t, "^user_", entry["user_id"])
			assert.InDelta(t, 200, entry["status"], 0)
		}
	}
	assert.True(t, found)
	for _, secret := range []string{"hunter2", "hunter3", strings.SplitN(cookie, "=", 2)[1]} {
		assert.NotContains(t, d.Log.String(), secret)
	}
}
