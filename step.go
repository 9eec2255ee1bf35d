// Steps: what a sign-in through the application's own forms stores between two requests.

package authkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/authkit-go/authkit/internal/cookie"
	"github.com/authkit-go/authkit/internal/fields"
)

// SaveStep saves v in this browser for the next step of a sign-in through the
// application's own forms. An example is a pending authentication token with the ID of
// a challenge. These are secrets, which must not be in a form, a URL or a page. v is
// encoded as JSON and sealed into a cookie that lives for ten minutes. About 2 KB of
// JSON fit. A browser has one step at a time: the next SaveStep replaces it. Call
// SaveStep before the response is written. It keeps the response out of caches.
//
// A user may leave and come back without the step. What a step has begun at WorkOS and
// must be taken back, such as the enrollment of a second factor
// ([workos.Client.EnrollAuthFactor]), must be stored by the application too.
//
// An error means that v cannot be encoded or is too large. No cookie is set then.
func (a *AuthKit) SaveStep(w http.ResponseWriter, v any) error {
	content, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("authkit: SaveStep: %w", err)
	}
	e := fields.NewEncoder()
	e.Time(tagStepSavedAt, a.clock.Now())
	e.Field(tagStepContent, content)
	text, err := a.stepSealer.Seal(e)
	if err != nil {
		return fmt.Errorf("authkit: SaveStep: %w", err)
	}
	if len(a.cookies.StepName())+len(text) > cookie.MaxSize {
		return fmt.Errorf("authkit: SaveStep: %d bytes of JSON are too many for a cookie; about 2 KB fit", len(content))
	}
	a.cookies.SetStep(w.Header(), text)
	noStore(w.Header())
	return nil
}

// LoadStep decodes into v what [AuthKit.SaveStep] saved in this browser. v is a
// pointer, as for json.Unmarshal.
//
// The error matches [ErrNoStep] if the browser has no step: none was saved, it is older
// than ten minutes, or [AuthKit.SignIn] or [AuthKit.ClearStep] has removed it. v is
// unchanged then. Any other error means that the step does not fit into v. No error
// contains a value of the step.
func (a *AuthKit) LoadStep(r *http.Request, v any) error {
	reason := errors.New("the request has no cookie of a step")
	for text := range cookie.First(r.Header, a.cookies.StepName()) {
		content, err := a.openStep(text)
		if err == nil {
			return decodeStep(content, v)
		}
		reason = err
	}
	return fmt.Errorf("%w: %w", ErrNoStep, reason)
}

// ClearStep removes what [AuthKit.SaveStep] saved in this browser.
func (a *AuthKit) ClearStep(w http.ResponseWriter) {
	a.cookies.Expire(w.Header(), a.cookies.StepName())
}

// decodeStep decodes a step. Its error leaves out the error of json.Unmarshal, which
// quotes values.
func decodeStep(content []byte, v any) error {
	if json.Unmarshal(content, v) != nil {
		return fmt.Errorf("authkit: LoadStep: the saved step does not fit into a %T", v)
	}
	return nil
}

// The tags of the fields in the cookie of a step.
const (
	tagStepSavedAt = 1
	tagStepContent = 2
)

// openStep returns the JSON of a step that is not too old.
func (a *AuthKit) openStep(text string) (content []byte, err error) {
	encoded, err := a.stepSealer.Open(text)
	if err != nil {
		return nil, err
	}
	var savedAt time.Time
	err = fields.Decode(encoded, func(tag uint64, value []byte) (err error) {
		switch tag {
		case tagStepSavedAt:
			savedAt, err = fields.DecodeTime(value)
		case tagStepContent:
			content = value
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if age := a.clock.Now().Sub(savedAt); age >= cookie.StepLifetime || age < -clockSkew {
		return nil, errors.New("the step was not saved in the last ten minutes")
	}
	return content, nil
}
