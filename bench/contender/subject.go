// The subjects: which contender is measured with which traffic.

package contender

import (
	"slices"
	"strings"
)

// Subject is a contender with one kind of traffic: a row in a table.
type Subject struct {
	Name    string // of its benchmarks, after the mode
	Title   string
	Traffic Traffic // "" for the floor and for the handler alone
	// Contender is what is measured. It has no setUp for the floor and for the handler alone.
	Contender Contender
}

// The names of the subjects in authkit's limits, and of the baselines.
const (
	Floor     = "floor"   // the cryptography alone
	Handler   = "handler" // the handler alone
	Warm      = "authkit-warm"
	Cold      = "authkit-cold"
	Uncached  = "authkit-uncached"
	Anonymous = "authkit-anonymous"
	Compact   = "authkit-compact-cold"

	WarmProfile  = "authkit-warm-profile"
	WarmMetadata = "authkit-warm-metadata"

	BearerAgain = "authkit-bearer-again"
	BearerNew   = "authkit-bearer-new"

	ResourceAgain = "authkit-resource-again"
	ResourceNew   = "authkit-resource-new"
)

// popular are the contenders besides authkit that also get the requests of many sessions: one that keeps nothing, the code
// written by hand without and with a cache, and one that keeps the sessions.
var popular = []string{"golang-jwt", "by-hand", "by-hand-lru", "scs"}

// Subjects returns all subjects, in the order of the tables.
func Subjects() []Subject {
	floor := Contender{
		Name: Floor, Title: "the floor",
		What: "Opens 2 KB that are sealed with AES-256-GCM and verifies one RSA-2048 signature (PKCS #1 v1.5, SHA-256). It does nothing else.",
	}
	handler := Contender{
		Name: Handler, Title: "the handler alone",
		What: "Responds without authentication. All other rows include this cost.",
	}
	subjects := []Subject{
		{Name: Floor, Title: floor.Title, Contender: floor},
		{Name: Handler, Title: handler.Title, Contender: handler},
	}
	for _, c := range Contenders() {
		switch c.Name {
		case AuthKit:
			subjects = append(subjects,
				Subject{Name: Warm, Title: "authkit, warm", Traffic: OneSession, Contender: c},
				Subject{Name: Cold, Title: "authkit, cold", Traffic: NewSessions, Contender: c},
				Subject{Name: Anonymous, Title: "authkit, anonymous", Traffic: NoSession, Contender: c},
				Subject{Name: "authkit-popular", Title: c.Title, Traffic: ManySessions, Contender: c})
		case AuthKitUncached:
			subjects = append(subjects,
				Subject{Name: Uncached, Title: c.Title, Traffic: OneSession, Contender: c},
				Subject{Name: "authkit-uncached-popular", Title: c.Title, Traffic: ManySessions, Contender: c})
		case AuthKitCompact:
			subjects = append(subjects, Subject{Name: Compact, Title: "authkit, cold, compact seal", Traffic: NewSessions, Contender: c})
		case AuthKitProfile:
			subjects = append(subjects, Subject{Name: WarmProfile, Title: c.Title, Traffic: OneSession, Contender: c})
		case AuthKitMetadata:
			subjects = append(subjects, Subject{Name: WarmMetadata, Title: c.Title, Traffic: OneSession, Contender: c})
		case AuthKitBearer:
			subjects = append(subjects,
				Subject{Name: BearerAgain, Title: c.Title + ", the same token", Traffic: OneSession, Contender: c},
				Subject{Name: BearerNew, Title: c.Title + ", new tokens", Traffic: NewSessions, Contender: c})
		case Resource:
			subjects = append(subjects,
				Subject{Name: ResourceAgain, Title: c.Title + ", the same token", Traffic: OneSession, Contender: c},
				Subject{Name: ResourceNew, Title: c.Title + ", new tokens", Traffic: NewSessions, Contender: c})
		case AuthKitSmall:
			subjects = append(subjects, Subject{Name: "authkit-small-popular", Title: c.Title, Traffic: ManySessions, Contender: c})
		default:
			subjects = append(subjects, Subject{Name: c.Name, Title: c.Title, Traffic: OneSession, Contender: c})
			if slices.Contains(popular, c.Name) {
				subjects = append(subjects, Subject{Name: c.Name + "-popular", Title: c.Title, Traffic: ManySessions, Contender: c})
			}
		}
	}
	return subjects
}

// Serial returns the name of the benchmark with one request after the other.
func (s Subject) Serial() string { return "serial/" + s.Name }

// Parallel returns the name of the benchmark with requests on all processors.
func (s Subject) Parallel() string { return "parallel/" + s.Name }

// Ours reports whether the subject is authkit.
func (s Subject) Ours() bool { return strings.HasPrefix(s.Name, AuthKit) }
