// What the tests see of the package's inside.

package dev

// ApplicationURL returns an address of the application.
var ApplicationURL = applicationURL
