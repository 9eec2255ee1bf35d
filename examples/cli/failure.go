// What went wrong, in the words of whom it happened to.

package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/authkit-go/authkit/jwks"
	"github.com/authkit-go/authkit/workos"
)

// explain tells what a person can do about a login that failed. An error that is for the developer stays as it is.
func explain(err error) error {
	var denied *workos.DeviceDeniedError
	var expired *workos.DeviceExpiredError
	var unknown *workos.InvalidGrantError
	switch {
	case errors.As(err, &denied):
		return errors.New("the sign-in was denied; nothing has been stored")
	case errors.As(err, &expired):
		return errors.New("nobody approved in time and the code has expired; run login again for a new one")
	case errors.As(err, &unknown):
		return errors.New("the code is no longer good; run login again for a new one")
	case passing(err):
		return unreachable(err)
	}
	return err
}

// passing tells that WorkOS is at fault, for the moment: it did not answer, or its keys could not be had.
func passing(err error) bool {
	return workos.IsTransient(err) || errors.Is(err, jwks.ErrUnavailable)
}

// unreachable says so.
func unreachable(err error) error {
	if wait := workos.RetryAfter(err); wait > 0 {
		return fmt.Errorf("WorkOS cannot answer now; try again in %s: %w", wait.Round(time.Second), err)
	}
	return fmt.Errorf("WorkOS cannot answer now; try again later: %w", err)
}
