// Package attack holds no code, only tests: what an attacker with a browser, a cookie, a token or a link would try, over
// HTTP against running applications. Those are examples/stdlib and examples/chi, built and started as a user does, and a
// minimal application in this process, whose clock, neighbours and signing keys a test can move. It also stands at
// http://app.example.test, a name that the test's own client finds, beside http://evil.example.test, which plants cookies.
//
// A case is named by the sentence that states its outcome. Whatever is tried, nothing secret may turn up in the log of
// the application under attack, and it may not panic: every case is held against that when it ends.
package attack
