// The test of the example. The examples stdlib and chi have the same one.

package main

import (
	"testing"

	"github.com/authkit-go/authkit/examples/internal/demo/demotest"
)

func TestMain(m *testing.M) { demotest.Main(m, main) }

func TestTheChiExampleHasItsRoutesAndPages(t *testing.T) {
	t.Parallel()
	demotest.Application(t, routes)
}

func TestTheChiExampleRunsAsAProgram(t *testing.T) {
	t.Parallel()
	demotest.Program(t, demotest.OnHostedPages)
}

func TestTheChiExampleReceivesWebhooks(t *testing.T) {
	t.Parallel()
	demotest.Webhook(t, demotest.OnHostedPages)
}

func TestTheChiExampleNamesEveryInvalidSettingAtStartAndNoSecret(t *testing.T) {
	t.Parallel()
	demotest.InvalidSettings(t)
}

func TestTheSuitePassesForTheChiExample(t *testing.T) {
	t.Parallel()
	demotest.Suite(t, "chi")
}
