// Package chromium drives a real browser in tests: Chromium, through its driver and the W3C WebDriver protocol. A package
// that uses it calls [Main] or [MainWithOthers] in its TestMain, and [Open] in its tests.
//
// Chromium is started with a rule that maps *.example.test to 127.0.0.1, and accepts every certificate. If
// AUTHKIT_BROWSER is "required", a missing browser fails the tests. Otherwise they are skipped.
package chromium
