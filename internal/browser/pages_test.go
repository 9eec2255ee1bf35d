// The layout of the pages: width, contrast and screenshots.

package browser_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// screens are the sizes of the screens.
var screens = []struct {
	name          string // suffix of the screenshot's name
	width, height int
}{
	{"", 1000, 700},
	{"-phone", 390, 844},
}

func TestEveryPageFitsADesktopAndAPhone(t *testing.T) {
	t.Parallel()
	home := startExample(t, "stdlib")
	b := open(t)
	b.Visit(home)
	b.Sees("Welcome")
	b.fits("home")
	b.Visit(home + "/callback?state=of-another-browser&code=theirs")
	b.Sees("This sign-in can't be finished")
	b.fits("invalid-state")
	b.Visit(home + "/account")
	b.Sees("Sign in")
	b.fits("sign-in")
	b.Click("Cancel and go back")
	b.Sees("Sign-in was cancelled")
	b.fits("cancelled")
	b.Click("Try again")
	b.Click("Ada Okafor")
	b.Sees("Your account")
	b.fits("account")
	b.Click("Home")
	b.Sees("Hello, Ada")
	b.fits("signed-in")

	a := newApp(t, appOptions{})
	a.signIn(b)
	b.Visit(a.url + "/admin")
	b.Sees("You can't do this")
	b.fits("forbidden")
}

// This shows that the test above can fail.
func TestAPageThatDoesNotFitIsReported(t *testing.T) {
	t.Parallel()
	b := open(t)
	b.Visit(newSite(t, "localhost", `<p style="width: 2000px">wide</p><p style="color: #aaa">pale</p>`))
	b.Sees("Other site")
	b.Resize(1000, 700)
	var faults []string
	b.Run(faultsOfPage, &faults)
	require.Len(t, faults, 3)
	assert.Contains(t, faults[0], "the page is 20")
	assert.Equal(t, "beyond the screen: wide", faults[1])
	assert.Equal(t, "contrast 2.3: pale", faults[2])
}

// fits asserts, for each screen and for light and dark mode, that the page is not wider than the screen and that its text
// has enough contrast. If AUTHKIT_SCREENSHOTS is set, it takes a screenshot.
func (b *tab) fits(name string) {
	b.T.Helper()
	folder := os.Getenv("AUTHKIT_SCREENSHOTS")
	for _, s := range screens {
		b.Resize(s.width, s.height)
		for _, scheme := range []string{"dark", "light"} {
			b.DevTools("Emulation.setEmulatedMedia", map[string]any{
				"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}},
			})
			var faults []string
			b.Run(faultsOfPage, &faults)
			assert.Empty(b.T, faults, "%s, %d wide, %s", name, s.width, scheme)
		}
		if folder != "" {
			require.NoError(b.T, os.WriteFile(filepath.Join(folder, name+s.name+".png"), b.Screenshot(), 0o644))
		}
	}
}

// faultsOfPage returns elements beyond the screen, and text whose contrast with its background is below 4.5 (WCAG 2.2,
// success criterion 1.4.3). It paints each colour on a canvas to read it, since CSS has many notations.
const faultsOfPage = `
const faults = [];
if (document.documentElement.scrollWidth > innerWidth) {
	faults.push("the page is " + document.documentElement.scrollWidth + " wide");
}
const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
const paint = colours => {
	canvas.fillStyle = "white";
	canvas.fillRect(0, 0, 1, 1);
	for (const c of colours) {
		canvas.fillStyle = c;
		canvas.fillRect(0, 0, 1, 1);
	}
	return canvas.getImageData(0, 0, 1, 1).data;
};
const luminance = ([r, g, b]) => {
	const [x, y, z] = [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const backgrounds = e => e ? [...backgrounds(e.parentElement), getComputedStyle(e).backgroundColor] : [];
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let count = 0;
while (texts.nextNode()) {
	const e = texts.currentNode.parentElement, text = texts.currentNode.data.trim();
	if (!text || !e.checkVisibility()) continue;
	count++;
	const box = e.getBoundingClientRect();
	if (box.left < 0 || box.right > innerWidth + 1) faults.push("beyond the screen: " + text);
	const ground = backgrounds(e);
	const [a, b] = [luminance(paint(ground)), luminance(paint([...ground, getComputedStyle(e).color]))].sort((a, b) => b - a);
	const contrast = (a + 0.05) / (b + 0.05);
	if (contrast < 4.5) faults.push("contrast " + contrast.toFixed(1) + ": " + text);
}
if (!count) faults.push("there is no text");
return faults;
`
