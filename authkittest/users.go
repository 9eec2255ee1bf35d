// The calls about users.

package authkittest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// What production allows in the fields of a user.
const (
	maxExternalID    = 128 // ASCII characters
	maxMetadataValue = 600 // characters
)

var (
	hashTypes     = strings.Fields("bcrypt firebase-scrypt ssha ssha256 scrypt pbkdf2 argon2")
	localePattern = regexp.MustCompile(`^[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8})*$`)
)

// userFields are what creating and updating have in common.
type userFields struct {
	Email            given[string]             `json:"email"`
	FirstName        given[string]             `json:"first_name"`
	LastName         given[string]             `json:"last_name"`
	Name             given[string]             `json:"name"`
	EmailVerified    given[bool]               `json:"email_verified"`
	ExternalID       nullable[string]          `json:"external_id"`
	Locale           nullable[string]          `json:"locale"`
	Metadata         given[map[string]*string] `json:"metadata"`
	Password         given[string]             `json:"password"`
	PasswordHash     given[string]             `json:"password_hash"`
	PasswordHashType given[string]             `json:"password_hash_type"`
	SaltPosition     given[string]             `json:"password_salt_position"`
}

// userOf finds the user that the path names.
func (f *Server) userOf(c *call) (*account, *refusal) {
	user := f.accountByID(c.PathValue("id"))
	if user == nil {
		return nil, notFound("User", c.PathValue("id"))
	}
	return user, nil
}

// getUser answers RouteGetUser.
func (f *Server) getUser(c *call) (any, *refusal) {
	user, no := f.userOf(c)
	if no != nil {
		return nil, no
	}
	return user.object(), nil
}

// getUserByExternalID answers RouteGetUserByExternalID.
func (f *Server) getUserByExternalID(c *call) (any, *refusal) {
	id := c.PathValue("external_id")
	user := f.findAccount(func(a *account) bool { return a.ExternalID == id })
	if user == nil {
		return nil, notFound("User", id)
	}
	return user.object(), nil
}

// listUsers answers RouteListUsers.
func (f *Server) listUsers(c *call) (any, *refusal) {
	q := c.URL.Query()
	email, organizationID := q.Get("email"), q.Get("organization_id")
	if organizationID == "" {
		organizationID = q.Get("organization") // deprecated
	}
	users := slices.DeleteFunc(slices.Clone(f.accounts), func(a *account) bool {
		_, member := a.membership(organizationID)
		return email != "" && !strings.EqualFold(a.Email, email) || organizationID != "" && !member
	})
	return page(c, users, func(a *account) string { return a.ID }, (*account).object)
}

// createUser answers RouteCreateUser.
func (f *Server) createUser(c *call) (any, *refusal) {
	var in userFields
	if no := c.read(&in); no != nil {
		return nil, no
	}
	if !isAddress(in.Email.value) {
		return nil, invalid(fieldProblem{Field: "email", Code: "email_required"})
	}
	if f.accountByEmail(in.Email.value) != nil {
		return nil, creationError(fieldProblem{Code: "email_not_available", Message: "This email is not available."})
	}
	p := User{ID: newID("user"), Email: in.Email.value, EmailUnverified: true}
	if no := f.change(&p, in); no != nil {
		if no.Code == "external_id_already_used" {
			no = creationError(fieldProblem{Code: no.Code, Message: no.Message})
		}
		return nil, no
	}
	return f.addPerson(p).object(), nil
}

func creationError(problem fieldProblem) *refusal {
	no := plainRefusal("user_creation_error", "Could not create user.")
	no.Errors = []fieldProblem{problem}
	return no
}

// updateUser answers RouteUpdateUser. What is left out stays as it is.
func (f *Server) updateUser(c *call) (any, *refusal) {
	user, no := f.userOf(c)
	if no != nil {
		return nil, no
	}
	var in userFields
	if no := c.read(&in); no != nil {
		return nil, no
	}
	p := user.User.clone()
	if in.Email.sent && !strings.EqualFold(in.Email.value, p.Email) {
		switch {
		case !isAddress(in.Email.value):
			return nil, plainRefusal("invalid_email", "The email address is invalid.")
		case f.accountByEmail(in.Email.value) != nil:
			return nil, plainRefusal("email_not_available", "This email is not available.")
		}
		p.Email, p.EmailUnverified = in.Email.value, true
	}
	if no := f.change(&p, in); no != nil {
		return nil, no
	}
	user.User, user.updatedAt = p, f.clock.Now()
	return user.object(), nil
}

// change carries out what was sent, apart from the address, or refuses all of it.
func (f *Server) change(p *User, in userFields) *refusal {
	if no := in.problem(); no != nil {
		return no
	}
	if id := in.ExternalID.value; id != "" && f.findAccount(func(a *account) bool { return a.ExternalID == id && a.ID != p.ID }) != nil {
		return plainRefusal("external_id_already_used", "The external ID is already used.")
	}
	set(&p.FirstName, in.FirstName)
	set(&p.LastName, in.LastName)
	set(&p.FullName, in.Name)
	if in.EmailVerified.sent {
		p.EmailUnverified = !in.EmailVerified.value
	}
	if in.ExternalID.sent {
		p.ExternalID = in.ExternalID.value
	}
	if in.Locale.sent {
		p.Locale = in.Locale.value
	}
	set(&p.Password, in.Password)
	if in.PasswordHash.sent {
		p.Password = "" // the fake opens no hashes
	}
	if in.Metadata.sent {
		p.Metadata = maps.Clone(p.Metadata)
		if p.Metadata == nil {
			p.Metadata = map[string]string{}
		}
		for name, value := range in.Metadata.value {
			if value == nil {
				delete(p.Metadata, name)
			} else {
				p.Metadata[name] = *value
			}
		}
	}
	return nil
}

func set(to *string, from given[string]) {
	if from.sent {
		*to = from.value
	}
}

// problem finds what is wrong with the fields themselves.
func (in userFields) problem() *refusal {
	notASCII := func(r rune) bool { return r > 0x7e || r < 0x20 }
	switch id := in.ExternalID.value; {
	case len(id) > maxExternalID, strings.ContainsFunc(id, notASCII):
		return invalid(fieldProblem{Field: "external_id", Code: "invalid"})
	case in.Locale.value != "" && !localePattern.MatchString(in.Locale.value):
		return plainRefusal("invalid_locale", "The locale is invalid.")
	case in.Password.sent && in.PasswordHash.sent:
		return plainRefusal("password_and_password_hash_provided", "Provide either a password or a password hash.")
	case in.Password.sent && in.PasswordHashType.sent:
		return plainRefusal("password_and_password_hash_type_provided", "A password has no hash type.")
	case in.SaltPosition.sent && !in.PasswordHash.sent:
		return plainRefusal("password_salt_position_requires_password_hash", "A salt position requires a password hash.")
	case in.SaltPosition.sent && in.SaltPosition.value != "prefix" && in.SaltPosition.value != "suffix":
		return invalid(fieldProblem{Field: "password_salt_position", Code: "invalid"})
	case in.PasswordHashType.sent && !slices.Contains(hashTypes, in.PasswordHashType.value):
		return invalid(fieldProblem{Field: "password_hash_type", Code: "invalid"})
	case in.PasswordHash.sent != in.PasswordHashType.sent, in.PasswordHash.sent && in.PasswordHash.value == "":
		return plainRefusal("invalid_password_hash", "The password hash is invalid.")
	}
	for _, value := range in.Metadata.value {
		if value != nil && utf8.RuneCountInString(*value) > maxMetadataValue {
			return plainRefusal("invalid_metadata", "A metadata value is longer than 600 characters.")
		}
	}
	if problems := weaknesses(in.Password.value); in.Password.sent && len(problems) > 0 {
		no := plainRefusal("password_strength_error", "Password does not meet strength requirements.")
		no.Errors = problems
		return no
	}
	return nil
}

// deleteUser answers RouteDeleteUser.
func (f *Server) deleteUser(c *call) (any, *refusal) {
	user, no := f.userOf(c)
	if no != nil {
		return nil, no
	}
	f.endSessionsOf(user.ID)
	f.accounts = slices.DeleteFunc(f.accounts, func(a *account) bool { return a == user })
	f.forget(user.ID)
	return nil, nil
}

// forget drops everything that would bring somebody who was deleted back.
func (f *Server) forget(userID string) {
	maps.DeleteFunc(f.authorizations, func(_ string, a *authorization) bool { return a.who.personID == userID })
	maps.DeleteFunc(f.browsers, func(_ string, who identity) bool { return who.personID == userID })
	maps.DeleteFunc(f.codes, func(_ string, c *issuedCode) bool { return c.personID == userID })
	maps.DeleteFunc(f.pending, func(_ string, p *pendingAuthentication) bool { return p.personID == userID })
	f.emailedCodes = slices.DeleteFunc(f.emailedCodes, func(c *emailedCode) bool { return c.userID == userID })
	f.passwordResets = slices.DeleteFunc(f.passwordResets, func(r *passwordReset) bool { return r.userID == userID })
	f.devices = slices.DeleteFunc(f.devices, func(d *device) bool { return d.who.personID == userID })
	f.apiKeys = slices.DeleteFunc(f.apiKeys, func(k *apiKey) bool { return k.UserID == userID })
}

type identityObject struct {
	ID       string `json:"idp_id"`
	Type     string `json:"type"`
	Provider string `json:"provider"`
}

// listIdentities answers RouteListIdentities, which has no pages.
func (f *Server) listIdentities(c *call) (any, *refusal) {
	user, no := f.userOf(c)
	if no != nil {
		return nil, no
	}
	identities := []identityObject{}
	for _, i := range user.Identities {
		identities = append(identities, identityObject{ID: i.ID, Type: "OAuth", Provider: i.Provider})
	}
	return identities, nil
}
