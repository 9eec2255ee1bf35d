// Package chromium drives a real browser in tests: Chromium, through its driver and the W3C WebDriver protocol. A package
// that uses it calls [Main] or [MainWithOthers] in its TestMain, and [Open] in its tests.
//
// Chromium is started with a rule that maps *.example.test to 127.0.0.1, and accepts every certificate. If
// AUTHKIT_BROWSER is "required", the tests run, and fail if the browser is missing. Otherwise they are skipped, because
// they take more time of a processor than all other tests together.
package chromium
