// Tests of the metrics: they are in the registry of Caddy, once for each engine, and a reload keeps them.

package caddyauthkit_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/authkit-go/authkit/authkittest"
)

// withMetrics has a site at which /metrics is public.
const withMetrics = "rule /metrics {\n allow public\n }"

// upstreamAndMetrics are the lines of such a site after the directive.
const upstreamAndMetrics = "metrics /metrics\nreverse_proxy {upstream}"

// samples returns the samples of a metric at a site, without their values if value is "".
func (s *site) samples(name string) []string {
	s.t.Helper()
	got := s.do("", "GET", "/metrics")
	require.Equal(s.t, 200, got.StatusCode, got.Text)
	return regexp.MustCompile("(?m)^"+name+"[{ ].*$").FindAllString(got.Text, -1)
}

func TestTheMetricsAreInTheRegistryOfCaddy(t *testing.T) {
	s := start(t, echo, setUp{authkit: withMetrics, more: upstreamAndMetrics})
	s.browser(ben)
	label := `authkit_name="` + s.host() + `"`
	signIns := s.samples("authkit_sign_ins_total")
	require.NotEmpty(t, signIns)
	for _, sample := range signIns {
		assert.Contains(t, sample, label)
	}
	assert.Contains(t, strings.Join(signIns, "\n"), `{authkit_name="`+s.host()+`",authkit_outcome="ok"} 1`)
	assert.NotEmpty(t, s.samples("authkit_sign_in_duration_seconds_count"), "the observer reports durations")
	assert.NotEmpty(t, s.samples("go_goroutines"), "those of Caddy are there too")

	// A reload has another registry and the same engine.
	require.NoError(t, s.load(setUp{authkit: withMetrics + "\nrule /new {\n allow public\n }", more: upstreamAndMetrics}))
	assert.Equal(t, signIns, s.samples("authkit_sign_ins_total"))

	// Another engine begins to count again.
	require.NoError(t, s.load(setUp{authkit: withMetrics + "\nsession {\n compact\n }", more: upstreamAndMetrics}))
	assert.NotContains(t, strings.Join(s.samples("authkit_sign_ins_total"), "\n"), `authkit_outcome="ok"} 1`)
}

func TestSitesWithSeveralEnginesHaveMetricsWithDifferentNames(t *testing.T) {
	fake := authkittest.New(t)
	s := start(t, echo, setUp{fake: fake, authkit: withMetrics, more: upstreamAndMetrics})
	// The same settings are one engine, also in two routes. Other settings are another engine.
	block := s.block(setUp{authkit: withMetrics, more: upstreamAndMetrics})
	begin, end := strings.Index(block, "\tauthkit {"), strings.Index(block, "\tmetrics ")
	directive := block[begin:end]
	compact := strings.Replace(directive, "workos {", "session {\n compact\n }\n workos {", 1)
	require.NoError(t, s.replace(block[:begin]+"handle /metrics {\n"+directive+"metrics\n}\nhandle /other* {\n"+compact+"}\nhandle {\n"+directive+"}\n"+block[end:]))
	names := map[string]bool{}
	for _, sample := range s.samples("authkit_cache_entries") {
		names[regexp.MustCompile(`authkit_name="[^"]*"`).FindString(sample)] = true
	}
	assert.Equal(t, map[string]bool{`authkit_name="` + s.host() + `"`: true, `authkit_name="` + s.host() + ` 2"`: true}, names)
}
