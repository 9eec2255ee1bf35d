// SetLines: the lines of a session in a response that has other lines.

package cookie

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// setOneByOne sets a session as SetSession must: it expires each cookie of the request, and then sets each cookie of the
// session in place of an expiry.
func setOneByOne(c *Codec, h http.Header, r *http.Request, text string) {
	c.RemoveSetCookie(h)
	for _, name := range c.SessionNames(r.Header) {
		for _, expired := range c.expiredForms(name, c.domain, "/") {
			setCookie(h, expired)
		}
	}
	values := c.Chunks(text)
	for i, value := range values {
		name := c.sessionName
		if len(values) > 1 {
			name = c.chunkName(i)
		}
		setCookie(h, c.cookie(name, value, c.maxAge, c.sameSite))
	}
}

func TestSharedLinesMakeTheSameResponseAsCookiesThatAreSetOneByOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, settings := range map[string]Settings{
		"host-only":      {SessionName: "sid", AcceptedNames: []string{"former"}, SameSite: http.SameSiteLaxMode, MaxAge: MaxLifetime},
		"with a domain":  {SessionName: "sid", Domain: ".example.com", SameSite: http.SameSiteLaxMode},
		"partitioned":    {SessionName: "sid", Secure: true, Partitioned: true, SameSite: http.SameSiteNoneMode},
		"default name":   {Secure: true, SameSite: http.SameSiteStrictMode},
		"one cookie":     {SessionName: "sid", Single: true},
		"a name of dots": {SessionName: "sid.0"},
	} {
		t.Run(name, func(t *testing.T) {
			c := New(settings)
			session := c.SessionName()
			before := []string{
				"other=1; Path=/", session + "=old; Path=/", session + "=old; Path=/; Domain=example.com", session + "=old; Path=/elsewhere",
				session + ".1=old; Path=/", session + "=old; Path=/; Partitioned", "former=; Path=/; Max-Age=0",
			}
			came := []string{session + "=a", session + "=b", session + ".0=a", session + ".3=a", session + ".1=a", "former=x", "other=y", "=", "flag"}
			for range 500 {
				text := strings.Repeat("t", 1+random.IntN(3)*MaxSize)
				if c.CheckSize(text) != nil {
					text = "t"
				}
				one, other := http.Header{}, http.Header{}
				for _, line := range before {
					if random.IntN(3) == 0 {
						one.Add("Set-Cookie", line)
					}
				}
				if lines := one["Set-Cookie"]; lines != nil {
					other["Set-Cookie"] = slices.Clone(lines)
				}
				var cookies []string
				for range random.IntN(5) {
					cookies = append(cookies, came[random.IntN(len(came))])
				}
				r := requestWith(strings.Join(cookies, "; "))
				setOneByOne(c, one, r, text)
				lines, shared := c.Lines(text)
				require.Equal(t, text, shared)
				c.SetLines(other, r, lines)
				assert.Equal(t, one, other)
				again := http.Header{}
				again["Set-Cookie"] = slices.Clone(other["Set-Cookie"])
				c.SetLines(again, r, lines)
				assert.ElementsMatch(t, other["Set-Cookie"], again["Set-Cookie"], "a second time")
			}
		})
	}
}

// All requests that waited for one refresh set the same lines, and a handler may do with its header what it likes.
func TestAResponseThatChangesItsHeaderChangesNoOther(t *testing.T) {
	for name, settings := range map[string]Settings{"one": {SessionName: "sid"}, "partitioned": {SessionName: "sid", Secure: true, Partitioned: true}} {
		for chunks := range 4 {
			for _, came := range []string{"", "sid=old; other=1"} {
				c, r := New(settings), requestWith(came)
				lines, _ := c.Lines(strings.Repeat("x", 1+chunks*MaxSize))
				want := slices.Clone(lines)
				one, other := http.Header{}, http.Header{}
				c.SetLines(one, r, lines)
				c.SetLines(other, r, lines)
				all := slices.Clone(other["Set-Cookie"])
				one.Add("Set-Cookie", "theme=dark")
				other.Add("Set-Cookie", "theme=light")
				one["Set-Cookie"][0] = "changed"
				c.RemoveSetCookie(one)
				c.ClearSession(one, r)
				assert.Equal(t, want, lines, "%s, %d chunks", name, chunks)
				assert.Equal(t, append(all, "theme=light"), other["Set-Cookie"], "%s, %d chunks", name, chunks)
			}
		}
	}
}

func TestTheTextOfASessionInOneCookieIsAPartOfItsLine(t *testing.T) {
	c := New(Settings{SessionName: "sid"})
	lines, shared := c.Lines("sealed")
	assert.Equal(t, []string{"sid=sealed; Path=/; HttpOnly"}, lines)
	assert.Equal(t, unsafe.Pointer(unsafe.StringData(lines[0][len("sid="):])), unsafe.Pointer(unsafe.StringData(shared)))

	lines, shared = c.Lines(strings.Repeat("x", 2*MaxSize))
	assert.Len(t, lines, 3)
	assert.Len(t, shared, 2*MaxSize)

	lines, shared = c.Lines(strings.Repeat("x", 9*MaxSize))
	assert.Nil(t, lines, "it does not fit")
	assert.Len(t, shared, 9*MaxSize)
}

func TestSetLinesAllocatesOnlyTheHeader(t *testing.T) {
	c := New(Settings{SessionName: "sid", Secure: true})
	lines, _ := c.Lines(strings.Repeat("x", 2000))
	r, h := requestWith("sid=stale; other=1"), http.Header{"Set-Cookie": nil}
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		h["Set-Cookie"] = nil
		c.SetLines(h, r, lines)
	}), 1.0)
}
