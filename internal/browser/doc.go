// Package browser holds authkit against a real browser: Chromium goes through
// sign-in and out again, and other sites' pages try what they can. What is
// tested here is what only a browser decides: which cookies it keeps and sends,
// what comes back with the back button, what a frame shows, what a policy
// blocks. It has tests and nothing else.
//
// Some applications are at http://app.example.test, beside another host of the
// same domain that plants cookies: Chromium is started with a rule that finds
// *.example.test on 127.0.0.1.
//
// They need Chromium and its driver, on Debian:
//
//	apt-get install chromium chromium-driver
//	go test ./internal/browser
//
// Without those no test is run, and -v says what is missing; where
// AUTHKIT_BROWSER is "required" that is a failure.
//
// Where AUTHKIT_SCREENSHOTS names a folder, the pages that a person sees are
// written into it:
//
//	AUTHKIT_SCREENSHOTS=$PWD/docs/screenshots go test -run Fits ./internal/browser
package browser
