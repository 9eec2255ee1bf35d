// The configuration: values that are accepted, and each fault.

package authkit_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/internal/behaviour"
)

// configErrors returns the faults that an error of New or FromEnv joins.
func configErrors(t *testing.T, err error) []*authkit.ConfigError {
	t.Helper()
	require.Error(t, err)
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok, "the error joins its faults, even if there is only one: %v", err)
	var faults []*authkit.ConfigError
	for _, part := range joined.Unwrap() {
		var fault *authkit.ConfigError
		require.ErrorAs(t, part, &fault)
		faults = append(faults, fault)
	}
	return faults
}

func TestAValidConfigurationIsAccepted(t *testing.T) {
	for name, opts := range map[string][]authkit.Option{
		"only the required options":               nil,
		"a nil option among the others":           {nil},
		"without a redirect URL":                  {authkit.WithRedirectURL("")},
		"a public client":                         {authkit.WithPublicClient(), authkit.WithAPIKey("")},
		"a public client with an invalid API key": {authkit.WithPublicClient(), authkit.WithAPIKey("not-a-key")},
		"a password of exactly 32 bytes":          {authkit.WithCookiePassword(strings.Repeat("x", 32))},
		"several passwords":                       {authkit.WithCookiePassword(behaviour.Password, behaviour.Password+"2", behaviour.Password+"3")},
		"a domain that covers the host":           {authkit.WithCookieDomain("example.com")},
		"a domain with a leading dot":             {authkit.WithCookieDomain(".example.com")},
		"a domain that is the host":               {authkit.WithCookieDomain("app.example.com")},
		"a domain in upper case":                  {authkit.WithCookieDomain("Example.COM")},
		"a domain and no redirect URL":            {authkit.WithCookieDomain("example.com"), authkit.WithRedirectURL("")},
		"a host in upper case":                    {authkit.WithRedirectURL("https://App.Example.com/callback"), authkit.WithCookieDomain("example.com")},
		"a name with __Host- over https":          {authkit.WithCookieName("__Host-sid")},
		"a name with __Secure- and a domain":      {authkit.WithCookieName("__Secure-sid"), authkit.WithCookieDomain("example.com")},
		"SameSite None over https":                {authkit.WithCookieSameSite(http.SameSiteNoneMode)},
		"compact cookies":                         {authkit.WithCompactCookie()},
		"compact cookies and foreign sessions":    {authkit.WithCompactCookie(), authkit.WithForeignSessions()},
		"partitioned cookies":                     {authkit.WithCookiePartitioned(), authkit.WithCookieSameSite(http.SameSiteNoneMode)},
		"a maximum age and timeouts":              {authkit.WithCookieMaxAge(time.Second), authkit.WithAbsoluteTimeout(time.Hour), authkit.WithIdleTimeout(time.Minute)},
		"a sign-in timeout of a minute":           {authkit.WithSignInTimeout(time.Minute)},
		"resource permissions that are asked for": {authkit.WithResourcePermissionTTL(0, 0)},
		"resource permissions of five minutes":    {authkit.WithResourcePermissionTTL(5*time.Minute, 5*time.Minute)},
		"a sign-in timeout of a day":              {authkit.WithSignInTimeout(24 * time.Hour)},
		"an event interval of 100 ms":             {authkit.WithEventInterval(100 * time.Millisecond)},
		"an event interval of a minute":           {authkit.WithEventInterval(time.Minute)},
		"redirect URLs of several hosts":          {authkit.WithRedirectURL("https://app.example.com/callback", "https://acme.example.com/callback", "https://example.com:8443/other"), authkit.WithCookieDomain("example.com")},
		"two ports of one host":                   {authkit.WithRedirectURL("http://localhost:8080/callback", "http://localhost:8081/callback")},
		"post-logout redirect URLs":               {authkit.WithPostLogoutRedirectURL("https://app.example.com/", "https://acme.example.com/bye")},
		"a base path":                             {authkit.WithBasePath("/tool"), authkit.WithRedirectURL("https://app.example.com/tool/callback")},
		"a base path of several segments":         {authkit.WithBasePath("/teams/a-b/~tool.v1"), authkit.WithRedirectURL("https://app.example.com/teams/a-b/~tool.v1/callback")},
		"a base path of 128 characters":           {authkit.WithBasePath("/" + strings.Repeat("x", 127)), authkit.WithRedirectURL("")},
		"no base path":                            {authkit.WithBasePath("")},
		"the root as base path":                   {authkit.WithBasePath("/")},
		"a login path with a prefix":              {authkit.WithLoginPath("/auth/login")},
		"return origins":                          {authkit.WithReturnOrigins("https://spa.example.com", "http://localhost:5173", "https://spa.example.com:8443")},
		"trusted origins":                         {authkit.WithTrustedOrigins("https://admin.example.com", "http://localhost:3000")},
		"no maximum age and a sealed limit":       {authkit.WithoutCookieMaxAge(), authkit.WithCookieMaxAge(time.Hour)},
		"no Clear-Site-Data":                      {authkit.WithClearSiteData()},
		"every type of Clear-Site-Data":           {authkit.WithClearSiteData("cache", "clientHints", "cookies", "executionContexts", "prefetchCache", "prerenderCache", "storage", "*")},
		"a shared session":                        {authkit.WithSharedSession(), authkit.WithCookieName("wos-session"), authkit.WithCookieMaxAge(time.Hour)},
		"a shared session and timeouts of zero":   {authkit.WithSharedSession(), authkit.WithAbsoluteTimeout(0), authkit.WithIdleTimeout(0)},
		"no session cache":                        {authkit.WithSessionCache(0, 0)},
		"foreign sessions":                        {authkit.WithForeignSessions(), authkit.WithForeignSessions("session", "sid")},
		"audiences":                               {authkit.WithAudiences("https://api.example.com"), authkit.WithAudiences("api://admin", "client_1")},
		"a redirect URL with a query":             {authkit.WithRedirectURL("https://app.example.com/callback?tenant=1")},
	} {
		t.Run(name, func(t *testing.T) {
			ak, err := authkit.New(behaviour.ValidOptions(opts...)...)
			require.NoError(t, err)
			assert.NotNil(t, ak)
		})
	}
}

func TestEachFaultIsReportedByOptionAndVariable(t *testing.T) {
	const secret = "hunter2"
	negative := -time.Second
	plain := authkit.WithRedirectURL("http://localhost:8080/callback")
	for name, c := range map[string]struct {
		opts             []authkit.Option
		option, variable string
		reason           authkit.ConfigReason
		says             []string // parts of the problem
	}{
		"no API key":                                {[]authkit.Option{authkit.WithAPIKey("")}, "WithAPIKey", "WORKOS_API_KEY", authkit.ReasonMissing, []string{"no API key", "sk_", "WithPublicClient"}},
		"an API key with another prefix":            {[]authkit.Option{authkit.WithAPIKey("pk_" + secret)}, "WithAPIKey", "WORKOS_API_KEY", authkit.ReasonMalformed, []string{"sk_"}},
		"only the prefix of an API key":             {[]authkit.Option{authkit.WithAPIKey("sk_")}, "WithAPIKey", "WORKOS_API_KEY", authkit.ReasonMalformed, []string{"sk_"}},
		"an API key with a line break":              {[]authkit.Option{authkit.WithAPIKey("sk_" + secret + "\n")}, "WithAPIKey", "WORKOS_API_KEY", authkit.ReasonMalformed, []string{"spaces"}},
		"an API key in quotes":                      {[]authkit.Option{authkit.WithAPIKey(`"sk_` + secret + `"`)}, "WithAPIKey", "WORKOS_API_KEY", authkit.ReasonMalformed, []string{"sk_"}},
		"no client ID":                              {[]authkit.Option{authkit.WithClientID("")}, "WithClientID", "WORKOS_CLIENT_ID", authkit.ReasonMissing, []string{"no client ID", "client_"}},
		"an API key as client ID":                   {[]authkit.Option{authkit.WithClientID("sk_" + secret)}, "WithClientID", "WORKOS_CLIENT_ID", authkit.ReasonMalformed, []string{"client_"}},
		"a client ID with a space":                  {[]authkit.Option{authkit.WithClientID("client_1 ")}, "WithClientID", "WORKOS_CLIENT_ID", authkit.ReasonMalformed, []string{"spaces"}},
		"a password that is not UTF-8":              {[]authkit.Option{authkit.WithSharedSession(), authkit.WithCookiePassword(strings.Repeat("\xff", 40))}, "WithCookiePassword", "WORKOS_COOKIE_PASSWORD", authkit.ReasonMalformed, []string{"UTF-8"}},
		"an empty bearer client ID":                 {[]authkit.Option{authkit.WithBearerTokens("")}, "WithBearerTokens", "", authkit.ReasonMissing, []string{"empty"}},
		"an empty password":                         {[]authkit.Option{authkit.WithCookiePassword("")}, "WithCookiePassword", "WORKOS_COOKIE_PASSWORD", authkit.ReasonMissing, []string{"0 bytes", "32"}},
		"a password one byte too short":             {[]authkit.Option{authkit.WithCookiePassword(secret + strings.Repeat("x", 24))}, "WithCookiePassword", "WORKOS_COOKIE_PASSWORD", authkit.ReasonOutOfRange, []string{"31 bytes", "32"}},
		"a short previous password":                 {[]authkit.Option{authkit.WithCookiePassword(behaviour.Password, secret)}, "WithCookiePassword", "WORKOS_COOKIE_PASSWORD", authkit.ReasonOutOfRange, []string{"password 2 of 2", "7 bytes", "32"}},
		"a relative redirect URL":                   {[]authkit.Option{authkit.WithRedirectURL("/callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{`"/callback"`, "absolute", "https://"}},
		"a redirect URL without a scheme":           {[]authkit.Option{authkit.WithRedirectURL("app.example.com/callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{"absolute", "https://"}},
		"a redirect URL without a host":             {[]authkit.Option{authkit.WithRedirectURL("https:///callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{"absolute", "https://"}},
		"a redirect URL of another scheme":          {[]authkit.Option{authkit.WithRedirectURL("myapp://callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{"absolute", "https://"}},
		"a redirect URL that cannot be parsed":      {[]authkit.Option{authkit.WithRedirectURL("https://app.example.com:port/callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{"not a URL", "https://"}},
		"a redirect URL over plain http":            {[]authkit.Option{authkit.WithRedirectURL("http://app.example.com/callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonInsecure, []string{"plain http", "loopback", "WithInsecureHTTP"}},
		"a redirect URL with a fragment":            {[]authkit.Option{authkit.WithRedirectURL("https://app.example.com/callback#x")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{"fragment"}},
		"a redirect URL with an empty fragment":     {[]authkit.Option{authkit.WithRedirectURL("https://app.example.com/callback#")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{"fragment"}},
		"a redirect URL with a password":            {[]authkit.Option{authkit.WithRedirectURL("https://kim:" + secret + "@app.example.com/callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonInsecure, []string{"user name or password"}},
		"a base URL over plain http":                {[]authkit.Option{authkit.WithBaseURL("http://api.workos.com")}, "WithBaseURL", "WORKOS_API_HOSTNAME, WORKOS_API_PORT, WORKOS_API_HTTPS", authkit.ReasonInsecure, []string{"plain http"}},
		"an empty base URL":                         {[]authkit.Option{authkit.WithBaseURL("")}, "WithBaseURL", "WORKOS_API_HOSTNAME, WORKOS_API_PORT, WORKOS_API_HTTPS", authkit.ReasonMalformed, []string{"absolute"}},
		"a base URL with a path":                    {[]authkit.Option{authkit.WithBaseURL("https://api.workos.com/v1")}, "WithBaseURL", "WORKOS_API_HOSTNAME, WORKOS_API_PORT, WORKOS_API_HTTPS", authkit.ReasonMalformed, []string{"scheme, host and port"}},
		"a relative post-logout redirect URL":       {[]authkit.Option{authkit.WithPostLogoutRedirectURL("/bye")}, "WithPostLogoutRedirectURL", "", authkit.ReasonMalformed, []string{`"/bye"`, "absolute"}},
		"a login path on another host":              {[]authkit.Option{authkit.WithLoginPath("//evil.example/login")}, "WithLoginPath", "", authkit.ReasonMalformed, []string{"path on this origin"}},
		"an empty login path":                       {[]authkit.Option{authkit.WithLoginPath("")}, "WithLoginPath", "", authkit.ReasonMalformed, []string{"path on this origin"}},
		"a trusted origin with a path":              {[]authkit.Option{authkit.WithTrustedOrigins("https://admin.example.com/x")}, "WithTrustedOrigins", "", authkit.ReasonMalformed, []string{`"https://admin.example.com/x"`, "https://app.example.com"}},
		"trusted origins with a wildcard":           {[]authkit.Option{authkit.WithTrustedOrigins("https://*.example.com")}, "WithTrustedOrigins", "", authkit.ReasonMalformed, []string{"https://*.example.com", "not an origin"}},
		"a trusted origin without a scheme":         {[]authkit.Option{authkit.WithTrustedOrigins("admin.example.com")}, "WithTrustedOrigins", "", authkit.ReasonMalformed, []string{"https://app.example.com"}},
		"a trusted origin with a user":              {[]authkit.Option{authkit.WithTrustedOrigins("https://kim:" + secret + "@admin.example.com")}, "WithTrustedOrigins", "", authkit.ReasonMalformed, []string{"https://app.example.com"}},
		"a nil login function":                      {[]authkit.Option{authkit.WithLoginFunc(nil)}, "WithLoginFunc", "", authkit.ReasonMissing, []string{"nil"}},
		"an empty issuer":                           {[]authkit.Option{authkit.WithAdditionalIssuers("https://auth.example.com", " ")}, "WithAdditionalIssuers", "", authkit.ReasonMissing, []string{"empty"}},
		"an empty audience":                         {[]authkit.Option{authkit.WithAudiences("api", " ")}, "WithAudiences", "", authkit.ReasonMissing, []string{"empty"}},
		"no audience":                               {[]authkit.Option{authkit.WithAudiences()}, "WithAudiences", "", authkit.ReasonMissing, []string{"names no audience", "leave the option out"}},
		"the cookie name of a shared session":       {[]authkit.Option{authkit.WithCookieName("wos-session")}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonConflict, []string{"wos-session", "format of its own", "WithSharedSession", "choose another"}},
		"a shared session with an absolute timeout": {[]authkit.Option{authkit.WithSharedSession(), authkit.WithAbsoluteTimeout(time.Hour)}, "WithAbsoluteTimeout", "", authkit.ReasonConflict, []string{"WithSharedSession", "drop it", "dashboard"}},
		"a shared session with an idle timeout":     {[]authkit.Option{authkit.WithSharedSession(), authkit.WithIdleTimeout(time.Hour)}, "WithIdleTimeout", "", authkit.ReasonConflict, []string{"WithSharedSession", "drop it", "dashboard"}},
		"a shared session with a short password":    {[]authkit.Option{authkit.WithSharedSession(), authkit.WithCookiePassword(strings.Repeat("山", 31))}, "WithCookiePassword", "WORKOS_COOKIE_PASSWORD", authkit.ReasonOutOfRange, []string{"31 characters", "at least 32"}},
		"foreign sessions with a short password":    {[]authkit.Option{authkit.WithForeignSessions(), authkit.WithCookiePassword(behaviour.Password, strings.Repeat("山", 31))}, "WithCookiePassword", "WORKOS_COOKIE_PASSWORD", authkit.ReasonOutOfRange, []string{"password 2 of 2", "31 characters"}},
		"a cache with a negative size":              {[]authkit.Option{authkit.WithSessionCache(-1, 1<<20)}, "WithSessionCache", "", authkit.ReasonOutOfRange, []string{"-1 entries", "negative"}},
		"foreign sessions with an invalid name":     {[]authkit.Option{authkit.WithForeignSessions("my session")}, "WithForeignSessions", "", authkit.ReasonMalformed, []string{`"my session"`, "RFC 6265"}},
		"foreign sessions with a reserved name":     {[]authkit.Option{authkit.WithForeignSessions("authkit-state-x")}, "WithForeignSessions", "", authkit.ReasonConflict, []string{"choose another"}},
		"a cookie name with a space":                {[]authkit.Option{authkit.WithCookieName("my session")}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonMalformed, []string{`"my session"`, "RFC 6265"}},
		"a cookie name with a semicolon":            {[]authkit.Option{authkit.WithCookieName("sid;Domain=evil.example")}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonMalformed, []string{"RFC 6265"}},
		"the cookie name of a pending sign-in":      {[]authkit.Option{authkit.WithCookieName("authkit-state-x")}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonConflict, []string{"choose another"}},
		"the cookie name of a restart":              {[]authkit.Option{plain, authkit.WithCookieName("authkit-restart")}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonConflict, []string{"choose another"}},
		"the cookie name of a step":                 {[]authkit.Option{plain, authkit.WithCookieName("authkit-step-x")}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonConflict, []string{"choose another"}},
		"a cookie name that is too long":            {[]authkit.Option{authkit.WithCookieName(strings.Repeat("x", 129))}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonOutOfRange, []string{"129", "128"}},
		"__Host- over plain http":                   {[]authkit.Option{plain, authkit.WithCookieName("__Host-sid")}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonConflict, []string{"__Host-sid", "https", "Domain"}},
		"__Host- with a domain":                     {[]authkit.Option{authkit.WithCookieName("__Host-sid"), authkit.WithCookieDomain("example.com")}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonConflict, []string{"Domain"}},
		"__host- in lower case, over http":          {[]authkit.Option{plain, authkit.WithCookieName("__host-sid")}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonConflict, []string{"https"}},
		"__Secure- over plain http":                 {[]authkit.Option{plain, authkit.WithCookieName("__Secure-sid")}, "WithCookieName", "WORKOS_COOKIE_NAME", authkit.ReasonConflict, []string{"__Secure-sid", "https"}},
		"a domain that is not a domain name":        {[]authkit.Option{authkit.WithCookieDomain("exa mple.com")}, "WithCookieDomain", "WORKOS_COOKIE_DOMAIN", authkit.ReasonMalformed, []string{"not a domain name"}},
		"a domain with more attributes":             {[]authkit.Option{authkit.WithCookieDomain("example.com; SameSite=None")}, "WithCookieDomain", "WORKOS_COOKIE_DOMAIN", authkit.ReasonMalformed, []string{"not a domain name"}},
		"a top-level domain":                        {[]authkit.Option{authkit.WithRedirectURL("https://app.example.com/callback"), authkit.WithCookieDomain("com")}, "WithCookieDomain", "WORKOS_COOKIE_DOMAIN", authkit.ReasonConflict, []string{`"com"`, "single label", "leave the option out"}},
		"a top-level domain with dots":              {[]authkit.Option{authkit.WithCookieDomain(".com.")}, "WithCookieDomain", "WORKOS_COOKIE_DOMAIN", authkit.ReasonConflict, []string{"single label"}},
		"localhost as the domain of another host":   {[]authkit.Option{authkit.WithRedirectURL("http://app.localhost:8080/callback"), authkit.WithCookieDomain("localhost")}, "WithCookieDomain", "WORKOS_COOKIE_DOMAIN", authkit.ReasonConflict, []string{"single label"}},
		"an address as a domain":                    {[]authkit.Option{authkit.WithRedirectURL("http://127.0.0.1:8080/callback"), authkit.WithCookieDomain("127.0.0.1")}, "WithCookieDomain", "WORKOS_COOKIE_DOMAIN", authkit.ReasonConflict, []string{"address", "leave the option out"}},
		"another domain":                            {[]authkit.Option{authkit.WithCookieDomain("example.org")}, "WithCookieDomain", "WORKOS_COOKIE_DOMAIN", authkit.ReasonConflict, []string{"example.org", "app.example.com"}},
		"a domain below the host":                   {[]authkit.Option{authkit.WithCookieDomain("x.app.example.com")}, "WithCookieDomain", "WORKOS_COOKIE_DOMAIN", authkit.ReasonConflict, []string{"cover"}},
		"a domain with the same ending":             {[]authkit.Option{authkit.WithCookieDomain("ample.com")}, "WithCookieDomain", "WORKOS_COOKIE_DOMAIN", authkit.ReasonConflict, []string{"cover"}},
		"SameSite None over plain http":             {[]authkit.Option{plain, authkit.WithCookieSameSite(http.SameSiteNoneMode)}, "WithCookieSameSite", "WORKOS_COOKIE_SAMESITE", authkit.ReasonConflict, []string{"None", "https"}},
		"a return origin with a path":               {[]authkit.Option{authkit.WithReturnOrigins("https://spa.example.com/")}, "WithReturnOrigins", "", authkit.ReasonMalformed, []string{"https://spa.example.com/", "not an origin"}},
		"a return origin with a user":               {[]authkit.Option{authkit.WithReturnOrigins("https://kim@spa.example.com")}, "WithReturnOrigins", "", authkit.ReasonMalformed, []string{"not an origin"}},
		"a return origin without a scheme":          {[]authkit.Option{authkit.WithReturnOrigins("spa.example.com")}, "WithReturnOrigins", "", authkit.ReasonMalformed, []string{"not an origin"}},
		"a return origin of another scheme":         {[]authkit.Option{authkit.WithReturnOrigins("javascript://spa.example.com")}, "WithReturnOrigins", "", authkit.ReasonMalformed, []string{"https://"}},
		"a return origin over plain http":           {[]authkit.Option{authkit.WithReturnOrigins("http://spa.example.com")}, "WithReturnOrigins", "", authkit.ReasonInsecure, []string{"plain http", "loopback"}},
		"an empty return origin":                    {[]authkit.Option{authkit.WithReturnOrigins("")}, "WithReturnOrigins", "", authkit.ReasonMalformed, []string{"not an origin"}},
		"return origins with a wildcard":            {[]authkit.Option{authkit.WithReturnOrigins("https://*.example.com")}, "WithReturnOrigins", "", authkit.ReasonMalformed, []string{"https://*.example.com", "not an origin"}},
		"any return origin":                         {[]authkit.Option{authkit.WithReturnOrigins("*")}, "WithReturnOrigins", "", authkit.ReasonMalformed, []string{"not an origin"}},
		"partitioned cookies with SameSite Lax":     {[]authkit.Option{authkit.WithCookiePartitioned()}, "WithCookiePartitioned", "", authkit.ReasonConflict, []string{"SameSiteNoneMode"}},
		"partitioned cookies of a shared session":   {[]authkit.Option{authkit.WithCookiePartitioned(), authkit.WithCookieSameSite(http.SameSiteNoneMode), authkit.WithSharedSession()}, "WithCookiePartitioned", "", authkit.ReasonConflict, []string{"WithSharedSession"}},
		"compact cookies of a shared session":       {[]authkit.Option{authkit.WithCompactCookie(), authkit.WithSharedSession()}, "WithCompactCookie", "", authkit.ReasonConflict, []string{"WithSharedSession"}},
		"partitioned cookies over plain http":       {[]authkit.Option{plain, authkit.WithCookiePartitioned(), authkit.WithCookieSameSite(http.SameSiteNoneMode)}, "WithCookieSameSite", "WORKOS_COOKIE_SAMESITE", authkit.ReasonConflict, []string{"None", "https"}},
		"the default SameSite mode":                 {[]authkit.Option{authkit.WithCookieSameSite(http.SameSiteDefaultMode)}, "WithCookieSameSite", "WORKOS_COOKIE_SAMESITE", authkit.ReasonOutOfRange, []string{"SameSiteLaxMode"}},
		"an unknown type of Clear-Site-Data":        {[]authkit.Option{authkit.WithClearSiteData("cache", `"storage"`)}, "WithClearSiteData", "", authkit.ReasonOutOfRange, []string{`"\"storage\""`, "cache, clientHints"}},
		"a cookie age of zero":                      {[]authkit.Option{authkit.WithCookieMaxAge(0)}, "WithCookieMaxAge", "WORKOS_COOKIE_MAX_AGE", authkit.ReasonOutOfRange, []string{"too short", "a second"}},
		"a negative cookie age":                     {[]authkit.Option{authkit.WithCookieMaxAge(-time.Hour)}, "WithCookieMaxAge", "WORKOS_COOKIE_MAX_AGE", authkit.ReasonOutOfRange, []string{"too short", "a second"}},
		"a negative absolute timeout":               {[]authkit.Option{authkit.WithAbsoluteTimeout(-1)}, "WithAbsoluteTimeout", "", authkit.ReasonOutOfRange, []string{"negative"}},
		"an idle timeout under a minute":            {[]authkit.Option{authkit.WithIdleTimeout(59 * time.Second)}, "WithIdleTimeout", "", authkit.ReasonOutOfRange, []string{"59s", "minute"}},
		"a sign-in timeout under a minute":          {[]authkit.Option{authkit.WithSignInTimeout(59 * time.Second)}, "WithSignInTimeout", "", authkit.ReasonOutOfRange, []string{"59s", "a minute and a day"}},
		"an event interval under 100 ms":            {[]authkit.Option{authkit.WithEventInterval(99 * time.Millisecond)}, "WithEventInterval", "", authkit.ReasonOutOfRange, []string{"99ms", "100ms and a minute"}},
		"an event interval over a minute":           {[]authkit.Option{authkit.WithEventInterval(time.Minute + 1)}, "WithEventInterval", "", authkit.ReasonOutOfRange, []string{"1m0.000000001s", "100ms and a minute"}},
		"a negative time of a permission":           {[]authkit.Option{authkit.WithResourcePermissionTTL(-1, 0)}, "WithResourcePermissionTTL", "", authkit.ReasonOutOfRange, []string{"-1ns", "0 and five minutes"}},
		"a long time of a missing permission":       {[]authkit.Option{authkit.WithResourcePermissionTTL(0, 5*time.Minute+1)}, "WithResourcePermissionTTL", "", authkit.ReasonOutOfRange, []string{"5m0.000000001s", "0 and five minutes"}},
		"a sign-in timeout of zero":                 {[]authkit.Option{authkit.WithSignInTimeout(0)}, "WithSignInTimeout", "", authkit.ReasonOutOfRange, []string{"0s", "a minute and a day"}},
		"a sign-in timeout over a day":              {[]authkit.Option{authkit.WithSignInTimeout(24*time.Hour + 1)}, "WithSignInTimeout", "", authkit.ReasonOutOfRange, []string{"24h0m0.000000001s", "a minute and a day"}},
		"login parameters that contradict":          {[]authkit.Option{authkit.WithLoginParams(authkit.LoginParams{Provider: "GoogleOAuth", Organization: "org_1"})}, "WithLoginParams", "", authkit.ReasonConflict, []string{"Provider"}},
		"an unknown screen hint":                    {[]authkit.Option{authkit.WithLoginParams(authkit.LoginParams{ScreenHint: "sign-sideways"})}, "WithLoginParams", "", authkit.ReasonOutOfRange, []string{"sign-in", "sign-up"}},
		"a logout path with a query":                {[]authkit.Option{authkit.WithLogoutPath("/logout?x")}, "WithLogoutPath", "", authkit.ReasonMalformed, []string{"path on this origin"}},
		"a bearer client ID without its prefix":     {[]authkit.Option{authkit.WithBearerTokens("native")}, "WithBearerTokens", "", authkit.ReasonMalformed, []string{`"native"`, "client_"}},
		"a negative API key grace":                  {[]authkit.Option{authkit.WithAPIKeyGrace(-1)}, "WithAPIKeyGrace", "", authkit.ReasonOutOfRange, []string{"negative"}},
		"a negative age in the login parameters":    {[]authkit.Option{authkit.WithLoginParams(authkit.LoginParams{MaxAge: &negative})}, "WithLoginParams", "", authkit.ReasonOutOfRange, []string{"MaxAge"}},
		"a redirect URL that is not ASCII":          {[]authkit.Option{authkit.WithRedirectURL("https://bücher.example/callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{"not ASCII", "xn--"}},
		"a base path without a slash":               {[]authkit.Option{authkit.WithBasePath("tool")}, "WithBasePath", "", authkit.ReasonMalformed, []string{`"tool"`, "begin with /"}},
		"a base path with a slash at its end":       {[]authkit.Option{authkit.WithBasePath("/tool/")}, "WithBasePath", "", authkit.ReasonMalformed, []string{"ends with /"}},
		"a base path that is a URL":                 {[]authkit.Option{authkit.WithBasePath("https://app.example.com/tool")}, "WithBasePath", "", authkit.ReasonMalformed, []string{"begin with /"}},
		"a base path with an empty segment":         {[]authkit.Option{authkit.WithBasePath("/a//b")}, "WithBasePath", "", authkit.ReasonMalformed, []string{"empty segment"}},
		"a base path that is a host":                {[]authkit.Option{authkit.WithBasePath("//evil.example")}, "WithBasePath", "", authkit.ReasonMalformed, []string{"empty segment"}},
		"a base path with a dot segment":            {[]authkit.Option{authkit.WithBasePath("/a/./b")}, "WithBasePath", "", authkit.ReasonMalformed, []string{"dot segment"}},
		"a base path with two dots":                 {[]authkit.Option{authkit.WithBasePath("/a/..")}, "WithBasePath", "", authkit.ReasonMalformed, []string{"dot segment"}},
		"a base path with a query":                  {[]authkit.Option{authkit.WithBasePath("/tool?x")}, "WithBasePath", "", authkit.ReasonMalformed, []string{"a query"}},
		"a base path with a fragment":               {[]authkit.Option{authkit.WithBasePath("/tool#x")}, "WithBasePath", "", authkit.ReasonMalformed, []string{"a fragment"}},
		"a base path with a percent-encoding":       {[]authkit.Option{authkit.WithBasePath("/to%6fl")}, "WithBasePath", "", authkit.ReasonMalformed, []string{"percent-encoding"}},
		"a base path with a line break":             {[]authkit.Option{authkit.WithBasePath("/tool\r\nX: y")}, "WithBasePath", "", authkit.ReasonMalformed, []string{`\r\n`}},
		"a base path with a backslash":              {[]authkit.Option{authkit.WithBasePath(`/\evil.example`)}, "WithBasePath", "", authkit.ReasonMalformed, []string{"not plain"}},
		"a base path that is not ASCII":             {[]authkit.Option{authkit.WithBasePath("/werkzeüg")}, "WithBasePath", "", authkit.ReasonMalformed, []string{"not plain"}},
		"a base path that is too long":              {[]authkit.Option{authkit.WithBasePath("/" + strings.Repeat("x", 128))}, "WithBasePath", "", authkit.ReasonOutOfRange, []string{"129", "128"}},
		"a redirect URL outside of the base path":   {[]authkit.Option{authkit.WithBasePath("/tool")}, "WithBasePath", "", authkit.ReasonConflict, []string{`"https://app.example.com/callback"`, `"/tool/"`, "https://example.com/tool/callback"}},
		"a redirect URL beside the base path":       {[]authkit.Option{authkit.WithBasePath("/tool"), authkit.WithRedirectURL("https://app.example.com/toolbox/callback")}, "WithBasePath", "", authkit.ReasonConflict, []string{"begin with"}},
		"a redirect URL that is the base path":      {[]authkit.Option{authkit.WithBasePath("/tool"), authkit.WithRedirectURL("https://app.example.com/tool")}, "WithBasePath", "", authkit.ReasonConflict, []string{"begin with"}},
		"a relative redirect URL of another host":   {[]authkit.Option{authkit.WithRedirectURL("https://app.example.com/callback", "/callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{"URL 2 of 2", `"/callback"`, "absolute"}},
		"an empty redirect URL of another host":     {[]authkit.Option{authkit.WithRedirectURL("https://app.example.com/callback", "")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{"URL 2 of 2", `""`, "absolute"}},
		"only a redirect URL of another host":       {[]authkit.Option{authkit.WithRedirectURL("", "https://app.example.com/callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonMalformed, []string{"URL 1 of 2", `""`, "absolute"}},
		"a redirect URL with a password, the third": {[]authkit.Option{authkit.WithRedirectURL("https://app.example.com/callback", "https://b.example.com/callback", "https://kim:"+secret+"@c.example.com/callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonInsecure, []string{"URL 3 of 3", "user name or password"}},
		"two redirect URLs of one host":             {[]authkit.Option{authkit.WithRedirectURL("https://app.example.com/callback", "https://App.example.com.:443/other")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonConflict, []string{`"https://app.example.com/callback"`, `"https://App.example.com.:443/other"`, "one host"}},
		"redirect URLs of different schemes":        {[]authkit.Option{authkit.WithRedirectURL("https://app.example.com/callback", "http://localhost/callback")}, "WithRedirectURL", "WORKOS_REDIRECT_URI", authkit.ReasonConflict, []string{`"http://localhost/callback"`, "different schemes"}},
		"two post-logout redirect URLs of one host": {[]authkit.Option{authkit.WithPostLogoutRedirectURL("https://app.example.com/", "https://app.example.com/bye")}, "WithPostLogoutRedirectURL", "", authkit.ReasonConflict, []string{`"https://app.example.com/bye"`, "one host"}},
		"a relative post-logout redirect URL, 2nd":  {[]authkit.Option{authkit.WithPostLogoutRedirectURL("https://app.example.com/", "/bye")}, "WithPostLogoutRedirectURL", "", authkit.ReasonMalformed, []string{"URL 2 of 2", "absolute"}},
		"a domain that covers one of two hosts":     {[]authkit.Option{authkit.WithRedirectURL("https://app.example.com/callback", "https://app.example.org/callback"), authkit.WithCookieDomain("example.com")}, "WithCookieDomain", "WORKOS_COOKIE_DOMAIN", authkit.ReasonConflict, []string{"example.com", "app.example.org"}},
		"one of two hosts outside of the base path": {[]authkit.Option{authkit.WithBasePath("/tool"), authkit.WithRedirectURL("https://app.example.com/tool/callback", "https://b.example.com/callback")}, "WithBasePath", "", authkit.ReasonConflict, []string{`"https://b.example.com/callback"`}},
		"a nil hook for failed sign-ins":            {[]authkit.Option{authkit.WithOnSignInFailure(nil)}, "WithOnSignInFailure", "", authkit.ReasonMissing, []string{"nil"}},
		"a nil error handler":                       {[]authkit.Option{authkit.WithErrorHandler(nil)}, "WithErrorHandler", "", authkit.ReasonMissing, []string{"nil"}},
		"a nil hook for sign-ins":                   {[]authkit.Option{authkit.WithOnSignIn(nil)}, "WithOnSignIn", "", authkit.ReasonMissing, []string{"nil"}},
		"a nil hook for refreshes":                  {[]authkit.Option{authkit.WithOnRefresh(nil)}, "WithOnRefresh", "", authkit.ReasonMissing, []string{"nil"}},
		"a nil observer":                            {[]authkit.Option{authkit.WithObserver(nil)}, "WithObserver", "", authkit.ReasonMissing, []string{"nil"}},
		"a nil hook for sign-outs":                  {[]authkit.Option{authkit.WithOnSignOut(nil)}, "WithOnSignOut", "", authkit.ReasonMissing, []string{"nil"}},
		"a nil HTTP client":                         {[]authkit.Option{authkit.WithHTTPClient(nil)}, "WithHTTPClient", "", authkit.ReasonMissing, []string{"nil"}},
		"a nil logger":                              {[]authkit.Option{authkit.WithLogger(nil)}, "WithLogger", "", authkit.ReasonMissing, []string{"nil"}},
		"a nil clock":                               {[]authkit.Option{authkit.WithClock(nil)}, "WithClock", "", authkit.ReasonMissing, []string{"nil"}},
	} {
		t.Run(name, func(t *testing.T) {
			ak, err := authkit.New(behaviour.ValidOptions(c.opts...)...)
			assert.Nil(t, ak)
			faults := configErrors(t, err)
			require.Len(t, faults, 1, "%v", err)
			assert.Equal(t, c.option, faults[0].Option)
			assert.Equal(t, c.variable, strings.Join(faults[0].Variables, ", "))
			assert.Equal(t, c.reason, faults[0].Reason)
			assert.ErrorContains(t, err, "authkit: "+c.option)
			if c.variable != "" {
				assert.ErrorContains(t, err, "("+c.variable+")")
			}
			for _, text := range c.says {
				assert.Contains(t, faults[0].Problem, text)
			}
			assert.NotContains(t, err.Error(), secret)
		})
	}
}

func TestTheValuesOfConfigReasonsStayAsTheyAre(t *testing.T) {
	for reason, value := range map[authkit.ConfigReason]string{
		authkit.ReasonMissing: "missing", authkit.ReasonMalformed: "malformed", authkit.ReasonOutOfRange: "out_of_range",
		authkit.ReasonConflict: "conflict", authkit.ReasonInsecure: "insecure",
	} {
		assert.Equal(t, value, string(reason))
	}
}

func TestNoPasswordAtAllIsAFault(t *testing.T) {
	_, err := authkit.New(authkit.WithAPIKey("sk_test_1"), authkit.WithClientID("client_1"))
	faults := configErrors(t, err)
	require.Len(t, faults, 1)
	assert.Equal(t, "WithCookiePassword", faults[0].Option)
	assert.Equal(t, authkit.ReasonMissing, faults[0].Reason)
	assert.Contains(t, faults[0].Problem, "32")
}

func TestAllFaultsAreReportedAtOnceAndNoSecretWithThem(t *testing.T) {
	_, err := authkit.New(
		authkit.WithAPIKey("secret-key"),
		authkit.WithClientID("secret-client"),
		authkit.WithCookiePassword("secret-now", "secret-before"),
		authkit.WithRedirectURL("http://kim:secret-user@app.example.com/callback"),
		authkit.WithBaseURL("https://api.example.com/v1"),
		authkit.WithPostLogoutRedirectURL("bye"),
		authkit.WithLoginPath("login"),
		authkit.WithLoginParams(authkit.LoginParams{ScreenHint: "sideways"}),
		authkit.WithTrustedOrigins("admin", "https://ok.example.com", "ops"),
		authkit.WithAdditionalIssuers(""),
		authkit.WithCookieName("wos-session"),
		authkit.WithCookieDomain("example.org"),
		authkit.WithCookieSameSite(http.SameSiteNoneMode),
		authkit.WithCookieMaxAge(-1),
		authkit.WithAbsoluteTimeout(-1),
		authkit.WithIdleTimeout(1),
		authkit.WithErrorHandler(nil), authkit.WithOnSignIn(nil), authkit.WithOnRefresh(nil), authkit.WithOnSignOut(nil),
		authkit.WithHTTPClient(nil), authkit.WithLogger(nil), authkit.WithClock(nil),
	)
	var options []string
	for _, fault := range configErrors(t, err) {
		options = append(options, fault.Option)
		assert.Contains(t, err.Error(), fault.Error())
	}
	assert.ElementsMatch(t, []string{
		"WithAPIKey", "WithClientID", "WithCookiePassword", "WithRedirectURL", "WithBaseURL", "WithPostLogoutRedirectURL", "WithLoginPath",
		"WithLoginParams", "WithTrustedOrigins", "WithTrustedOrigins", "WithAdditionalIssuers", "WithCookieName", "WithCookieDomain",
		"WithCookieSameSite", "WithCookieMaxAge", "WithAbsoluteTimeout", "WithIdleTimeout", "WithErrorHandler", "WithOnSignIn",
		"WithOnRefresh", "WithOnSignOut", "WithHTTPClient", "WithLogger", "WithClock",
	}, options)
	assert.NotContains(t, err.Error(), "secret")
	var one *authkit.ConfigError
	assert.True(t, errors.As(err, &one))
}

func TestAConfigErrorDoesNotShowTheUserOrPasswordOfAURL(t *testing.T) {
	for _, url := range []string{
		"https://kim:hunter2@app.example.com/callback",
		"https://hunter2@app.example.com/callback",
		"http://kim:hunter2@app.example.com/callback",
		"ftp://kim:hunter2@app.example.com/callback",
		"ftp://hunter2@app.example.com/callback",
		"//kim:hunter2@app.example.com/callback",
		"//hunter2@app.example.com/callback",
		"kim:hunter2@app.example.com/callback",
		"https:kim:hunter2@app.example.com/callback",
		"https://kim:hunter2@/callback",
		"https://kim:hunter2@app.example.com:port/callback",
		"https://kim:hunter2@app.example.com/callback#x",
		"hunter2@app.example.com",
	} {
		t.Run(url, func(t *testing.T) {
			for option, opt := range map[string]authkit.Option{
				"WithRedirectURL":           authkit.WithRedirectURL(url),
				"WithBaseURL":               authkit.WithBaseURL(url),
				"WithPostLogoutRedirectURL": authkit.WithPostLogoutRedirectURL(url),
				"WithTrustedOrigins":        authkit.WithTrustedOrigins(url),
			} {
				_, err := authkit.New(behaviour.ValidOptions(opt)...)
				require.ErrorContains(t, err, option)
				assert.NotContains(t, err.Error(), "hunter2")
			}
		})
	}
}

func TestPlainHTTPIsAcceptedOnlyOnLoopback(t *testing.T) {
	for host, loopback := range map[string]bool{
		"localhost":             true,
		"localhost:3000":        true,
		"LocalHost":             true,
		"localhost.":            true,
		"app.localhost":         true,
		"a.b.localhost:8080":    true,
		"127.0.0.1":             true,
		"127.0.0.1:8080":        true,
		"127.255.255.254":       true,
		"[::1]":                 true,
		"[::1]:8080":            true,
		"127.0.0.1.evil.com":    false,
		"localhost.evil.com":    false,
		"evil-localhost":        false,
		"notlocalhost":          false,
		"localhost.localdomain": false,
		"128.0.0.1":             false,
		"126.255.255.255":       false,
		"0.0.0.0":               false,
		"[::]":                  false,
		"[::2]":                 false,
		"10.0.0.1":              false,
		"192.168.1.1":           false,
		"app.example.com":       false,
		"127.evil.com":          false,
	} {
		t.Run(host, func(t *testing.T) {
			for _, opt := range []authkit.Option{
				authkit.WithRedirectURL("http://" + host + "/callback"),
				authkit.WithBaseURL("http://" + host),
				authkit.WithPostLogoutRedirectURL("http://" + host + "/"),
			} {
				_, err := authkit.New(behaviour.ValidOptions(opt)...)
				if loopback {
					assert.NoError(t, err)
				} else {
					assert.ErrorContains(t, err, "plain http")
				}
				_, err = authkit.New(behaviour.ValidOptions(opt, authkit.WithInsecureHTTP())...)
				assert.NoError(t, err, "WithInsecureHTTP permits it")
			}
		})
	}
}

func TestATrustedOriginMatchesTheOriginHeaderOfABrowser(t *testing.T) {
	a := behaviour.NewApp(t, behaviour.AppOptions{})
	for _, origin := range []string{"https://admin.example.com", "https://Admin.Example.com", "HTTPS://admin.example.com", "https://admin.example.com:443"} {
		ak, err := authkit.New(behaviour.ValidOptions(authkit.WithTrustedOrigins(origin))...)
		require.NoError(t, err)
		a.Server.Config.Handler = ak.Logout()
		for from, status := range map[string]int{
			"https://admin.example.com":      http.StatusOK,
			"https://app.example.com":        http.StatusOK, // the origin of the redirect URL
			"https://evil.example":           http.StatusForbidden,
			"http://admin.example.com":       http.StatusForbidden,
			"https://admin.example.com:8443": http.StatusForbidden,
		} {
			resp := a.Send(behaviour.Request{Method: "POST", Target: "/", Header: http.Header{"Origin": {from}, "Sec-Fetch-Site": {"cross-site"}}})
			assert.Equal(t, status, resp.Status, "%s trusted, %s posts", origin, from)
		}
	}
}

func TestLoginAndCallbackPanicWithoutARedirectURLOrWithInvalidParameters(t *testing.T) {
	reader, err := authkit.New(behaviour.ValidOptions(authkit.WithRedirectURL(""))...)
	require.NoError(t, err)
	assert.PanicsWithValue(t, "authkit: Login needs WithRedirectURL (WORKOS_REDIRECT_URI)", func() { reader.Login() })
	assert.PanicsWithValue(t, "authkit: Callback needs WithRedirectURL (WORKOS_REDIRECT_URI)", func() { reader.Callback() })
	assert.NotPanics(t, func() { reader.Logout() })

	ak, err := authkit.New(behaviour.ValidOptions(authkit.WithLoginParams(authkit.LoginParams{Organization: "org_1"}))...)
	require.NoError(t, err)
	negative := -time.Second
	for name, params := range map[string]authkit.LoginParams{
		"a provider and an organization":   {Provider: "GoogleOAuth"},
		"a connection and an organization": {Connection: "conn_1"},
		"an unknown screen hint":           {ScreenHint: "sideways"},
		"a negative age":                   {MaxAge: &negative},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Panics(t, func() { ak.Login(params) })
		})
	}
	assert.Panics(t, func() { ak.LoginFunc(nil) })
	assert.NotPanics(t, func() { ak.Login(authkit.LoginParams{Organization: ""}) })
}

// New reports all faults of the configuration at once.
func TestABaseURLThatTheClientRefusesIsReportedWithTheOtherFaults(t *testing.T) {
	for _, base := range []string{"https://api.workos.com:", "https://api.workos.com?", "https://api.workos.com//"} {
		_, err := authkit.New(authkit.WithAPIKey("pk_1"), authkit.WithClientID("client_1"), authkit.WithCookiePassword(behaviour.Password), authkit.WithBaseURL(base))
		require.Error(t, err)
		assert.ErrorContains(t, err, "WithAPIKey", base)
		assert.ErrorContains(t, err, "WithBaseURL", base)
	}
}

// Browsers send the host of an origin in Punycode.
func TestTheOwnOriginIsTrustedInPunycode(t *testing.T) {
	ak, err := authkit.New(authkit.WithAPIKey("sk_1"), authkit.WithClientID("client_1"), authkit.WithCookiePassword(behaviour.Password),
		authkit.WithRedirectURL("https://bücher.example/callback"))
	if err != nil {
		return // New may also refuse the URL and require its ASCII form
	}
	a := &behaviour.App{AuthKit: ak}
	resp := a.ServeDirectly(ak.Logout(), behaviour.Request{Method: "POST", Target: "/logout", Header: http.Header{"Origin": {"https://xn--bcher-kva.example"}}})
	assert.Equal(t, http.StatusOK, resp.Status)
}

func TestAnIdentifierWithAQuoteASpaceOrANonPrintableCharacterIsRefused(t *testing.T) {
	for _, end := range []string{"'", `"`, "\x7f", " ", "é", "\t"} {
		for option, opt := range map[string]authkit.Option{
			"WithAPIKey": authkit.WithAPIKey("sk_1" + end), "WithClientID": authkit.WithClientID("client_1" + end),
			"WithBearerTokens": authkit.WithBearerTokens("client_2" + end),
		} {
			_, err := authkit.New(behaviour.ValidOptions(opt)...)
			faults := configErrors(t, err)
			require.Len(t, faults, 1, "%s %q", option, end)
			assert.Equal(t, option, faults[0].Option)
		}
	}
	_, err := authkit.New(behaviour.ValidOptions(authkit.WithAPIKey("sk_!~"), authkit.WithClientID("client_!~"))...)
	assert.NoError(t, err, "all printable ASCII is accepted")
}

func TestOptionsRefuseTheFirstValueBeyondTheirLimits(t *testing.T) {
	plain := authkit.WithRedirectURL("http://localhost:8080/callback")
	_, err := authkit.New(behaviour.ValidOptions(authkit.WithCookieName(strings.Repeat("x", 128)))...)
	assert.NoError(t, err)
	for option, opts := range map[string][]authkit.Option{
		"WithLoginPath":    {authkit.WithLoginPath("/login?screen=1")},
		"WithLogoutPath":   {authkit.WithLogoutPath("/logout#top")},
		"WithSessionCache": {authkit.WithSessionCache(10, -1)},
		"WithAPIKeyGrace":  {authkit.WithAPIKeyGrace(-1)},
		"WithCookieName":   {plain, authkit.WithCookieName("__Host-")},
	} {
		_, err := authkit.New(behaviour.ValidOptions(opts...)...)
		faults := configErrors(t, err)
		require.Len(t, faults, 1, option)
		assert.Equal(t, option, faults[0].Option)
	}
}
