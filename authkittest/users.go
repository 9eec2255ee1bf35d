// API calls for users.

package authkittest

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of production for the fields of a user.
const (
	maxExternalID    = 128 // ASCII characters
	maxMetadataValue = 600 // characters
)

var (
	hashTypes     = strings.Fields("bcrypt firebase-scrypt ssha ssha256 scrypt pbkdf2 argon2")
	localePattern = regexp.MustCompile(`^[a-zA-Z]{2,3}([-_][a-zA-Z0-9]{2,8})*$`)
)

// userFields are the members of the requests that create and update a user. The names and email_verified can be null only in
// a creation.
type userFields struct {
	Email            optional[string]             `json:"email"`
	FirstName        nullable[string]             `json:"first_name"`
	LastName         nullable[string]             `json:"last_name"`
	Name             nullable[string]             `json:"name"`
	EmailVerified    nullable[bool]               `json:"email_verified"`
	ExternalID       nullable[string]             `json:"external_id"`
	Locale           nullable[string]             `json:"locale"`
	Metadata         nullable[map[string]*string] `json:"metadata"`
	Password         optional[string]             `json:"password"`
	PasswordHash     optional[string]             `json:"password_hash"`
	PasswordHashType optional[string]             `json:"password_hash_type"`
	SaltPosition     optional[string]             `json:"password_salt_position"`
}

// userOf returns the user whose ID is in the path.
func (f *Server) userOf(c *call) (*account, *apiError) {
	user := f.accountByID(c.PathValue("id"))
	if user == nil {
		return nil, notFound("User", c.PathValue("id"))
	}
	return user, nil
}

// getUser answers RouteGetUser.
func (f *Server) getUser(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return user.object(), nil
}

// getUserByExternalID answers RouteGetUserByExternalID.
func (f *Server) getUserByExternalID(c *call) (any, *apiError) {
	id := c.PathValue("external_id")
	user := f.findAccount(func(a *account) bool { return a.ExternalID == id })
	if user == nil {
		return nil, notFound("User", id)
	}
	return user.object(), nil
}

// listUsers answers RouteListUsers.
func (f *Server) listUsers(c *call) (any, *apiError) {
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
func (f *Server) createUser(c *call) (any, *apiError) {
	var in userFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	if !isAddress(in.Email.value) {
		return nil, invalid(fieldProblem{Field: "email", Code: "email_required"})
	}
	if f.accountByEmail(in.Email.value) != nil {
		return nil, creationError(fieldProblem{Code: "email_not_available", Message: "This email is not available."})
	}
	u := User{ID: newID("user"), Email: in.Email.value, EmailUnverified: true}
	if apiErr := f.change(&u, in); apiErr != nil {
		if apiErr.Code == "external_id_already_used" {
			apiErr = creationError(fieldProblem{Code: apiErr.Code, Message: apiErr.Message})
		}
		return nil, apiErr
	}
	return f.addUser(u).object(), nil
}

func creationError(problem fieldProblem) *apiError {
	apiErr := plainError("user_creation_error", "Could not create user.")
	apiErr.Errors = []fieldProblem{problem}
	return apiErr
}

// updateUser answers RouteUpdateUser. It does not change members that the request omits.
func (f *Server) updateUser(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in userFields
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	for field, null := range map[string]bool{
		"first_name": in.FirstName.null, "last_name": in.LastName.null, "name": in.Name.null, "email_verified": in.EmailVerified.null,
	} {
		if null {
			return nil, invalid(fieldProblem{Field: field, Code: "invalid_type"})
		}
	}
	u := user.User.clone()
	if in.Email.sent && !strings.EqualFold(in.Email.value, u.Email) {
		switch {
		case !isAddress(in.Email.value):
			return nil, plainError("invalid_email", "The email address is invalid.")
		case f.accountByEmail(in.Email.value) != nil:
			return nil, plainError("email_not_available", "This email is not available.")
		}
		u.Email, u.EmailUnverified = in.Email.value, true
	}
	if apiErr := f.change(&u, in); apiErr != nil {
		return nil, apiErr
	}
	user.User = u
	f.userChanged(user)
	return user.object(), nil
}

// change applies in to u, except the email address. If a member is invalid, it returns an error and changes nothing.
func (f *Server) change(u *User, in userFields) *apiError {
	if apiErr := in.problem(); apiErr != nil {
		return apiErr
	}
	if id := in.ExternalID.value; id != "" && f.findAccount(func(a *account) bool { return a.ExternalID == id && a.ID != u.ID }) != nil {
		return plainError("external_id_already_used", "The external ID is already used.")
	}
	setNullable(&u.FirstName, in.FirstName)
	setNullable(&u.LastName, in.LastName)
	setNullable(&u.FullName, in.Name)
	if in.EmailVerified.sent {
		u.EmailUnverified = !in.EmailVerified.value
	}
	setNullable(&u.ExternalID, in.ExternalID)
	setNullable(&u.Locale, in.Locale)
	set(&u.Password, in.Password)
	if in.PasswordHash.sent {
		u.Password = "" // the fake cannot check hashes
	}
	if in.Metadata.sent {
		u.Metadata = changedMetadata(u.Metadata, in.Metadata.value)
	}
	return nil
}

// changedMetadata returns metadata after an update. A null value removes an entry, and an empty object removes all entries
// (https://workos.com/docs/authkit/metadata). WorkOS does not document null instead of an object. The fake takes it for an
// empty one.
func changedMetadata(metadata map[string]string, change map[string]*string) map[string]string {
	changed := map[string]string{}
	if len(change) > 0 {
		maps.Copy(changed, metadata)
	}
	for name, value := range change {
		if value == nil {
			delete(changed, name)
		} else {
			changed[name] = *value
		}
	}
	return changed
}

func set(to *string, from optional[string]) {
	if from.sent {
		*to = from.value
	}
}

func setNullable(to *string, from nullable[string]) {
	if from.sent {
		*to = from.value
	}
}

// problem returns the error for the first invalid field, or nil.
func (in userFields) problem() *apiError {
	notASCII := func(r rune) bool { return r > 0x7e || r < 0x20 }
	switch id := in.ExternalID.value; {
	case isEmpty(in.ExternalID), len(id) > maxExternalID, strings.ContainsFunc(id, notASCII):
		return invalid(fieldProblem{Field: "external_id", Code: "invalid"})
	case in.Locale.value != "" && !localePattern.MatchString(in.Locale.value):
		return plainError("invalid_locale", "The locale is invalid.")
	case in.Password.sent && in.PasswordHash.sent:
		return plainError("password_and_password_hash_provided", "Provide either a password or a password hash.")
	case in.Password.sent && in.PasswordHashType.sent:
		return plainError("password_and_password_hash_type_provided", "A password has no hash type.")
	case in.SaltPosition.sent && !in.PasswordHash.sent:
		return plainError("password_salt_position_requires_password_hash", "A salt position requires a password hash.")
	case in.SaltPosition.sent && in.SaltPosition.value != "prefix" && in.SaltPosition.value != "suffix":
		return invalid(fieldProblem{Field: "password_salt_position", Code: "invalid"})
	case in.PasswordHashType.sent && !slices.Contains(hashTypes, in.PasswordHashType.value):
		return invalid(fieldProblem{Field: "password_hash_type", Code: "invalid"})
	case in.PasswordHash.sent != in.PasswordHashType.sent, in.PasswordHash.sent && in.PasswordHash.value == "":
		return plainError("invalid_password_hash", "The password hash is invalid.")
	}
	for _, value := range in.Metadata.value {
		if value != nil && utf8.RuneCountInString(*value) > maxMetadataValue {
			return plainError("invalid_metadata", "A metadata value is longer than 600 characters.")
		}
	}
	if problems := passwordProblems(in.Password.value); in.Password.sent && len(problems) > 0 {
		apiErr := plainError("password_strength_error", "Password does not meet strength requirements.")
		apiErr.Errors = problems
		return apiErr
	}
	return nil
}

// deleteUser answers RouteDeleteUser.
func (f *Server) deleteUser(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	f.removeUser(user)
	return nil, nil
}

// removeUser deletes a user with its sessions, memberships, connected accounts and API keys.
func (f *Server) removeUser(user *account) {
	f.endSessionsOf(user.ID)
	f.revokeAPIKeys(func(k *apiKey) bool { return k.UserID == user.ID })
	for len(user.Memberships) > 0 {
		f.removeMembership(membershipRow{user, &user.Memberships[0]})
	}
	f.disconnect(func(owner accountOwner) bool { return owner.userID == user.ID })
	f.accounts = slices.DeleteFunc(f.accounts, func(a *account) bool { return a == user })
	f.deleteReferences(user.ID)
	f.emit("user.deleted", "", user.object())
}

// deleteReferences removes all data of a deleted user with which a sign-in or a call could continue.
func (f *Server) deleteReferences(userID string) {
	maps.DeleteFunc(f.authorizations, func(_ string, a *authorization) bool { return a.result.userID == userID })
	maps.DeleteFunc(f.browserSessions, func(_ string, result signInResult) bool { return result.userID == userID })
	maps.DeleteFunc(f.codes, func(_ string, c *issuedCode) bool { return c.userID == userID })
	maps.DeleteFunc(f.pending, func(_ string, p *pendingAuthentication) bool { return p.userID == userID })
	f.emailedCodes = slices.DeleteFunc(f.emailedCodes, func(c *emailedCode) bool { return c.userID == userID })
	delete(f.emailChanges, userID)
	f.authorizedApps = slices.DeleteFunc(f.authorizedApps, func(a AuthorizedApplication) bool { return a.userID == userID })
	f.passwordResets = slices.DeleteFunc(f.passwordResets, func(r *passwordReset) bool { return r.userID == userID })
	f.devices = slices.DeleteFunc(f.devices, func(d *device) bool { return d.result.userID == userID })
}

type identityObject struct {
	ID       string `json:"idp_id"`
	Type     string `json:"type"`
	Provider string `json:"provider"`
}

// listIdentities answers RouteListIdentities. This list is not paginated.
func (f *Server) listIdentities(c *call) (any, *apiError) {
	user, apiErr := f.userOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	identities := []identityObject{}
	for _, i := range user.Identities {
		identities = append(identities, identityObject{ID: i.ID, Type: "OAuth", Provider: i.Provider})
	}
	return identities, nil
}
