// PostgreSQL for the tests, on Linux: a server ends with the tests.

package pgstore

import "syscall"

func init() {
	endWithTests = func(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
}
