// The errors of WorkOS, in words for the user of this tool.

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// explain turns the error of a failed login into one that tells the user what to do. Errors that only the developer can
// fix stay as they are.
func explain(err error) error {
	var denied *workos.DeviceDeniedError
	var expired *workos.DeviceExpiredError
	var invalid *workos.InvalidGrantError
	switch {
	case errors.As(err, &denied):
		return errors.New("the sign-in was denied; nothing was stored")
	case errors.As(err, &expired):
		return errors.New("the code expired before it was approved; run login again to get a new code")
	case errors.As(err, &invalid):
		return errors.New("the code is no longer valid; run login again to get a new code")
	case isOutage(err):
		return outageError(err)
	}
	return err
}

// isOutage reports whether the error is temporary: WorkOS did not answer, or its signing keys are not available.
func isOutage(err error) bool {
	return workos.IsTransient(err) || errors.Is(err, jwks.ErrUnavailable)
}

// outageError returns err with the advice to try again.
func outageError(err error) error {
	if wait := workos.RetryAfter(err); wait > 0 {
		return fmt.Errorf("WorkOS is unavailable; try again in %s: %w", wait.Round(time.Second), err)
	}
	return fmt.Errorf("WorkOS is unavailable; try again later: %w", err)
}
