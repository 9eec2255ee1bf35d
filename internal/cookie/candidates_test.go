// A fuzz test of Cookie headers that an attacker controls.

package cookie

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzSessionCookie compares the reading of session cookies with a second, simpler implementation.
func FuzzSessionCookie(f *testing.F) {
	for _, header := range []string{
		"sid=a", "sid=a; sid=b", "sid.0=a; sid.1=b", "sid.1=b;sid.0=a", "sid.0=a; sid.2=c", "sid.7=a", "sid.8=a", "sid.00=a", "sid.0=",
		"sid=; sid=a", "sid=a; sid=", "theme=dark; sid=a", " sid = a ", "sid", "=a", ";;", "sid=a=b", `sid="a"`, "sid.0=a; sid=b", "SID=a", "sid\t=a", "sid=a\x00",
		"sid=a; sid=a", "sid.0=a; sid.0=b; sid.1=c; sid.1=d", "sidx0=a", "sid.0=a; sid.1=b; sid.7=c", "sid.1=a; sid.2=b", "sid.0=a; sid.2=b; sid.3=c",
	} {
		f.Add(header)
	}
	many := "sid.0=a; sid.0=b; sid.1=c; sid.1=d"
	for i := range 40 {
		many += fmt.Sprintf("; sid=%d; sid.2=%d", i, i)
	}
	f.Add(many)
	// Values that were dropped from the middle, and come again at the end.
	for i := 3; i < 12; i++ {
		many += fmt.Sprintf("; sid=%d", i)
	}
	f.Add(many)
	// Six undivided sessions, and enough chunks with several values that all three kinds of candidates take turns.
	f.Add("sid.0=7; sid.0=0; sid.1=0; sid=0; sid.2=0; sid=1; sid.0=1; sid=2; sid.0=2; sid=8; sid.0=8; sid=9; sid.0=9; sid=A; sid.1=1; sid=B")
	c := newCodec()
	f.Fuzz(func(t *testing.T, header string) {
		values := map[string][]string{} // of each name, each once, without empty values; the first 8 and the last 8 of more than 16
		for pair := range strings.SplitSeq(header, ";") {
			name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
			if ok && value != "" && !slices.Contains(values[name], value) {
				if len(values[name]) == maxCandidates {
					values[name] = slices.Delete(values[name], maxCandidates/2, maxCandidates/2+1)
				}
				values[name] = append(values[name], value)
			}
		}
		names := []string{"sid.0", "sid.1", "sid.2", "sid.3", "sid.4", "sid.5", "sid.6", "sid.7"}
		wholes, chunks, gap, duplicated := values["sid"], "", false, len(values["sid"]) > 1
		for i, name := range names {
			duplicated = duplicated || len(values[name]) > 1
			switch {
			case len(values[name]) == 0:
			case gap || i > 0 && len(values[names[i-1]]) == 0:
				gap = true
			default:
				chunks += values[name][0]
			}
		}
		want, ambiguous := chunks, duplicated || gap || len(wholes) > 0 && chunks != ""
		if len(wholes) > 0 {
			want = wholes[0]
		}
		if ambiguous {
			want = ""
		}
		h := http.Header{"Cookie": {header}}
		got := c.Session(h)
		require.Equal(t, want, got.Text())
		require.Equal(t, ambiguous, got.ambiguous)
		require.LessOrEqual(t, got.count, maxChunks)
		require.Equal(t, want == "", got.count == 0)
		require.Equal(t, want, strings.Join(got.Parts(), ""))

		for _, prefixes := range []bool{false, true} {
			candidates := c.Candidates(h, prefixes)
			require.LessOrEqual(t, len(candidates), maxCandidates)
			for i, candidate := range candidates {
				require.NotEmpty(t, candidate)
				require.NotContains(t, candidates[:i], candidate)
			}
			if chunks != "" && (prefixes || !gap) {
				require.Equal(t, chunks, candidates[0])
			}
			// The joined chunks are two candidates, then the three kinds take turns: at least five undivided sessions are tried.
			for i, value := range wholes {
				if outermost := i == 0 || i == len(wholes)-1; outermost || len(wholes) <= 5 || len(candidates) < maxCandidates {
					require.Contains(t, candidates, value)
				}
			}
			if want != "" {
				require.Contains(t, candidates, want)
			}
		}
	})
}
