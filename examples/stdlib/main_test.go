// The test of the example. The examples stdlib and chi have the same one.

package main

import (
	"testing"

	"github.com/authkit-go/authkit/examples/internal/demo/demotest"
)

func TestMain(m *testing.M) { demotest.Main(m, main) }

func TestTheStdlibExampleHasItsRoutesAndPages(t *testing.T) { demotest.Application(t, routes) }

func TestTheStdlibExampleRunsAsAProgram(t *testing.T) { demotest.Program(t, demotest.OnHostedPages) }

func TestTheStdlibExampleReceivesWebhooks(t *testing.T) { demotest.Webhook(t, demotest.OnHostedPages) }
