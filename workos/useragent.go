// The name and the version with which this package introduces itself to WorkOS.

package workos

import (
	"runtime/debug"
	"strings"
	"sync"
)

// modulePath is the path of the module that this package belongs to.
const modulePath = "github.com/authkit-go/authkit"

// UserAgent returns the User-Agent header of every request to WorkOS: "authkit-go/" and the version of the module
// github.com/authkit-go/authkit in this program, without its "v", such as "authkit-go/0.1.0". The version comes from the build
// information of the program. It is "devel" if the program was built from a working tree or without that information.
//
// The product of a User-Agent is defined in RFC 9110, section 10.1.5.
func UserAgent() string { return userAgent() }

// userAgent reads the build information once. It does not change while a program runs.
var userAgent = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	return "authkit-go/" + moduleVersion(info)
})

// moduleVersion returns the version of this module in a program, without the "v". A module that a replace directive names counts
// with the version of the replacement: a directory has none.
func moduleVersion(info *debug.BuildInfo) string {
	const unknown = "devel"
	if info == nil {
		return unknown
	}
	version := ""
	if info.Main.Path == modulePath {
		version = info.Main.Version
	}
	for _, dep := range info.Deps {
		if dep.Path != modulePath {
			continue
		}
		version = dep.Version
		if dep.Replace != nil {
			version = dep.Replace.Version
		}
	}
	version, isVersion := strings.CutPrefix(version, "v")
	if !isVersion { // "(devel)", or nothing
		return unknown
	}
	return version
}
