// The requests that wait for an exchange are forgotten.

package authkit

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestATokenIsForgottenWhenItsExchangeHasEndedAndAllRequestsHaveLeft(t *testing.T) {
	for name, steps := range map[string]func(w *exchangeWaits, starter, other *exchangeRound){
		"the exchange ends first": func(w *exchangeWaits, starter, other *exchangeRound) {
			w.end("token")
			w.leave("token", starter)
			w.leave("token", other)
		},
		"the requests leave first": func(w *exchangeWaits, starter, other *exchangeRound) {
			w.leave("token", starter)
			w.leave("token", other)
			assert.Len(t, w.tokens, 1)
			w.end("token")
		},
		"the requests leave before it begins": func(w *exchangeWaits, starter, other *exchangeRound) {
			w.end("token")
			w.leave("token", other)
			w.leave("token", starter)
			w.begin("token")
			w.end("token")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, starter, other := &exchangeWaits{}, &exchangeRound{}, &exchangeRound{}
			w.join("token")
			w.begin("token")
			w.join("token")
			assert.Equal(t, 1, w.waiting("token", starter))
			steps(w, starter, other)
			assert.Empty(t, w.tokens)
		})
	}
}
