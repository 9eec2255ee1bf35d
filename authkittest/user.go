// The user object in responses of the API.

package authkittest

import "time"

type userObject struct {
	Object            string            `json:"object"`
	ID                string            `json:"id"`
	Email             string            `json:"email"`
	EmailVerified     bool              `json:"email_verified"`
	FirstName         *string           `json:"first_name"`
	LastName          *string           `json:"last_name"`
	Name              *string           `json:"name"`
	ProfilePictureURL *string           `json:"profile_picture_url"`
	ExternalID        *string           `json:"external_id"`
	Metadata          map[string]string `json:"metadata,omitzero"` // nil only with WithoutUserMetadata
	Locale            *string           `json:"locale"`
	LastSignInAt      *string           `json:"last_sign_in_at"`
	CreatedAt         string            `json:"created_at"`
	UpdatedAt         string            `json:"updated_at"`
}

func (a *account) object() userObject {
	metadata := a.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	return userObject{
		Object:            "user",
		ID:                a.ID,
		Email:             a.Email,
		EmailVerified:     !a.EmailUnverified,
		FirstName:         orNull(a.FirstName),
		LastName:          orNull(a.LastName),
		Name:              orNull(a.fullName()),
		ProfilePictureURL: orNull(a.ProfilePictureURL),
		ExternalID:        orNull(a.ExternalID),
		Metadata:          metadata,
		Locale:            orNull(a.Locale),
		LastSignInAt:      timeOrNull(a.lastSignInAt),
		CreatedAt:         timestamp(a.createdAt),
		UpdatedAt:         timestamp(a.updatedAt),
	}
}

// authenticatedObject returns the user object in a response of the authenticate endpoint.
func (f *Server) authenticatedObject(a *account) userObject {
	o := a.object()
	if f.settings.withoutMetadata {
		o.Metadata = nil
	}
	return o
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// timestamp returns t in ISO 8601, in UTC and with milliseconds.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func timeOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return orNull(timestamp(t))
}
