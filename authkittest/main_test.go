// How the tests of this package run.

package authkittest_test

import (
	"testing"

	"github.com/authkit-go/authkit/internal/testrun"
)

func TestMain(m *testing.M) {
	testrun.Parallel(16) // the tests of faults wait until a clock finds that everything waits
	testrun.Main(m)
}
