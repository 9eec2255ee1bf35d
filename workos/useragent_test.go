// Tests of the version in the User-Agent.

package workos

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheUserAgentHasTheVersionOfTheModuleInTheProgram(t *testing.T) {
	other := &debug.Module{Path: modulePath + "/contrib/redisstore", Version: "v0.9.0"}
	for name, c := range map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"a dependency":       {&debug.BuildInfo{Deps: []*debug.Module{other, {Path: modulePath, Version: "v0.1.0"}}}, "0.1.0"},
		"a prerelease":       {&debug.BuildInfo{Deps: []*debug.Module{{Path: modulePath, Version: "v1.2.3-rc.1"}}}, "1.2.3-rc.1"},
		"a later adapter":    {&debug.BuildInfo{Deps: []*debug.Module{{Path: modulePath, Version: "v0.1.0"}, other}}, "0.1.0"},
		"the main module":    {&debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "v0.1.1-0.20260314092653-0123456789ab+dirty"}}, "0.1.1-0.20260314092653-0123456789ab+dirty"},
		"a working tree":     {&debug.BuildInfo{Main: debug.Module{Path: modulePath, Version: "(devel)"}}, "devel"},
		"no version":         {&debug.BuildInfo{Main: debug.Module{Path: modulePath}}, "devel"},
		"another module":     {&debug.BuildInfo{Main: debug.Module{Path: "example.com/app", Version: "v9.9.9"}}, "devel"},
		"a directory":        {&debug.BuildInfo{Deps: []*debug.Module{{Path: modulePath, Version: "v0.1.0", Replace: &debug.Module{Path: "../authkit"}}}}, "devel"},
		"a fork":             {&debug.BuildInfo{Deps: []*debug.Module{{Path: modulePath, Version: "v0.1.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v0.1.5"}}}}, "0.1.5"},
		"no dependency":      {&debug.BuildInfo{}, "devel"},
		"no build info":      {nil, "devel"},
		"a similar path too": {&debug.BuildInfo{Deps: []*debug.Module{{Path: modulePath + "test", Version: "v3.0.0"}}}, "devel"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, moduleVersion(c.info)) })
	}
}

func TestTheUserAgentIsAProductAndCostsNoAllocation(t *testing.T) {
	assert.Regexp(t, "^authkit-go/[!#$%&'*+.^_`|~0-9A-Za-z-]+$", UserAgent(), "RFC 9110, section 10.1.5")
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = UserAgent() }))
}
