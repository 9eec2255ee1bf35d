// The lengths of tests.

package testrun

import (
	"fmt"
	"os"
)

// variable is the environment variable that chooses the length.
const variable = "AUTHKIT_TEST_LENGTH"

// Length returns short, or full if the environment variable AUTHKIT_TEST_LENGTH is "full". A test that explores a space, or repeats
// something random, gives it two sizes: with short, it still shows what its name says. Any other value of the variable panics.
func Length[T any](short, full T) T {
	switch value := os.Getenv(variable); value {
	case "":
		return short
	case "full":
		return full
	default:
		panic(fmt.Sprintf("testrun: %s is %q, and only \"full\" is known", variable, value))
	}
}
