// Package browser tests authkit with a real browser. Chromium signs in and out, and pages of other sites try attacks.
// The tests show what only a browser decides: which cookies it stores and sends, what the back button shows, what a
// frame shows, and what a policy blocks. The package contains only tests.
//
// Some applications are at http://app.example.test. Another host of the same domain plants cookies there. Chromium is
// started with a rule that maps *.example.test to 127.0.0.1.
//
// The tests need Chromium and its driver, on Debian:
//
//	apt-get install chromium chromium-driver
//	AUTHKIT_BROWSER=required go test ./internal/browser
//
// If AUTHKIT_BROWSER has another value, all tests are skipped, and -v prints why.
//
// If AUTHKIT_SCREENSHOTS names a folder, the tests write screenshots of the pages into it:
//
//	AUTHKIT_SCREENSHOTS=$PWD/docs/screenshots go test -run Fits ./internal/browser
package browser
