// One-time codes: six digits that expire, work once and allow five wrong guesses.

package authkittest

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"time"
)

const (
	oneTimeCodeLifetime = 10 * time.Minute
	oneTimeCodeGuesses  = 5 // wrong guesses, after which the right code is refused, too
)

type oneTimeCode struct {
	code      string
	expiresAt time.Time
	wrong     int
	used      bool
}

func (f *Server) newOneTimeCode() oneTimeCode {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		panic(fmt.Sprintf("authkittest: %v", err))
	}
	return oneTimeCode{code: fmt.Sprintf("%06d", n), expiresAt: f.clock.Now().Add(oneTimeCodeLifetime)}
}

// codeState is the result of checking a code.
type codeState int

const (
	codeAccepted codeState = iota
	codeWrong
	codeExpired
	codeUsed
	codeBlocked // too many wrong guesses
)

// redeem checks a code and consumes it if it is right. Only for the right code it returns codeUsed or codeExpired.
func (c *oneTimeCode) redeem(code string, now time.Time) codeState {
	switch {
	case c.wrong >= oneTimeCodeGuesses:
		return codeBlocked
	case code != c.code:
		c.wrong++
		return codeWrong
	case c.used:
		return codeUsed
	case !now.Before(c.expiresAt):
		return codeExpired
	}
	c.used = true
	return codeAccepted
}

// codeError returns the error of the grants for a state, or nil for codeAccepted.
func codeError(state codeState) *apiError {
	switch state {
	case codeAccepted:
		return nil
	case codeExpired:
		return plainError("one_time_code_expired", "The one-time code has expired.")
	case codeUsed:
		return plainError("one_time_code_previously_used", "The one-time code has already been used.")
	case codeBlocked:
		return plainError("one_time_code_too_many_attempts", "The one-time code was entered wrongly too often. Request a new one.")
	default:
		return plainError("invalid_one_time_code", "The one-time code is incorrect.")
	}
}
