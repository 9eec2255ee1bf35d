// How the tests of this package run.

package replicamodel

import (
	"testing"

	"github.com/authkit-go/authkit/internal/testrun"
)

func TestMain(m *testing.M) { testrun.Main(m) }
