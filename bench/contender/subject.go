// Subjects: which contender is measured with which traffic.

package contender

import "strings"

// Subject is a contender with some traffic: a line in a table.
type Subject struct {
	Name    string // of its benchmarks, after the mode
	Title   string
	Traffic Traffic // "" where nobody asks who is there
	// Contender is who is measured, without a way to set it up where it is no middleware.
	Contender Contender
}

// The subjects by which authkit is judged, and what they are compared with.
const (
	Floor     = "floor"   // the cryptography alone
	Handler   = "handler" // the handler alone
	Warm      = "authkit-warm"
	Cold      = "authkit-cold"
	Uncached  = "authkit-uncached"
	Anonymous = "authkit-anonymous"
)

// Subjects are all of them, in the order of the tables.
func Subjects() []Subject {
	floor := Contender{
		Name: Floor, Title: "the floor",
		What: "Opens 2 KB that are sealed with AES-256-GCM and verifies one RSA-2048 signature (PKCS #1 v1.5, SHA-256), and does nothing else.",
	}
	handler := Contender{
		Name: Handler, Title: "the handler alone",
		What: "Answers without asking who is there: what all the others cost too.",
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
		case AuthKitSmall:
			subjects = append(subjects, Subject{Name: "authkit-small-popular", Title: c.Title, Traffic: ManySessions, Contender: c})
		default:
			subjects = append(subjects, Subject{Name: c.Name, Title: c.Title, Traffic: OneSession, Contender: c})
			if c.Name == "golang-jwt" || c.Name == "scs" { // one that remembers nobody, and one that remembers everybody
				subjects = append(subjects, Subject{Name: c.Name + "-popular", Title: c.Title, Traffic: ManySessions, Contender: c})
			}
		}
	}
	return subjects
}

// Serial is the name of the benchmark with one request after the other.
func (s Subject) Serial() string { return "serial/" + s.Name }

// Parallel is the name of the benchmark with requests on all processors.
func (s Subject) Parallel() string { return "parallel/" + s.Name }

// Ours tells whether a subject is authkit.
func (s Subject) Ours() bool { return strings.HasPrefix(s.Name, AuthKit) }
