// What a sign-in with forms of its own remembers between two steps.

package authkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
)

// SetFlow keeps what a sign-in with forms of the application's own has to
// remember until its next step: a pending authentication token, the ID of a
// challenge. Those are secrets, which belong neither into a form nor into a
// URL or a page. v is encoded as JSON and sealed into a short-lived cookie; one
// flow at a time, and at most about 2 KB of JSON. It must be called before the
// response is written.
func (a *AuthKit) SetFlow(w http.ResponseWriter, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("authkit: SetFlow: %w", err)
	}
	e := newEncoder()
	e.time(tagFlowSetAt, a.clock.Now())
	e.field(tagFlowContent, content)
	text, err := a.flows.Seal(e)
	if err != nil {
		return fmt.Errorf("authkit: SetFlow: %w", err)
	}
	if len(a.cookies.StepName())+len(text) > cookie.MaxSize {
		return fmt.Errorf("authkit: SetFlow: %d bytes of JSON are too many for a cookie", len(content))
	}
	a.cookies.SetStep(w.Header(), text)
	noStore(w.Header())
	return nil
}

// Flow reads into v what [AuthKit.SetFlow] kept in this browser, and tells
// whether there was anything: not after ten minutes, nor after SignIn or
// ClearFlow.
func (a *AuthKit) Flow(r *http.Request, v any) bool {
	for text := range cookie.First(r.Header, a.cookies.StepName()) {
		if content, err := a.openFlow(text); err == nil {
			return json.Unmarshal(content, v) == nil
		}
	}
	return false
}

// ClearFlow drops what [AuthKit.SetFlow] kept.
func (a *AuthKit) ClearFlow(w http.ResponseWriter) {
	a.cookies.Expire(w.Header(), a.cookies.StepName())
}

// The tags of what a flow's cookie holds.
const (
	tagFlowSetAt   = 1
	tagFlowContent = 2
)

func (a *AuthKit) openFlow(text string) (content []byte, err error) {
	encoded, err := a.flows.Open(text)
	if err != nil {
		return nil, err
	}
	var setAt time.Time
	err = decodeFields(encoded, func(tag uint64, value []byte) (err error) {
		switch tag {
		case tagFlowSetAt:
			setAt, err = decodeTime(value)
		case tagFlowContent:
			content = value
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if age := a.clock.Now().Sub(setAt); age >= cookie.StepLifetime || age < -clockSkew {
		return nil, errors.New("the step before was too long ago")
	}
	return content, nil
}
