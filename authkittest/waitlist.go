// Waitlists: persons who ask for access before they may sign up, and the API calls for them.
//
// The OpenAPI description 0.61 has the events of waitlists only. The calls are those of version 11 of WorkOS's SDK for Node.js.

package authkittest

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The limits of the additional fields of an entry.
const (
	maxWaitlistFields     = 50
	maxWaitlistFieldName  = 40  // characters
	maxWaitlistFieldValue = 600 // characters
)

// The states of an entry.
const (
	waitlistPending  = "pending"
	waitlistApproved = "approved"
	waitlistDenied   = "denied"
)

var waitlistStates = []string{waitlistPending, waitlistApproved, waitlistDenied}

// waitlist is a waitlist of the environment.
type waitlist struct {
	id        string
	createdAt time.Time
}

// waitlistEntry is a person on a waitlist.
type waitlistEntry struct {
	id, waitlistID       string
	email, state         string
	fields               map[string]string
	approvedAt           time.Time // zero if it is not approved
	createdAt, updatedAt time.Time
}

type waitlistObject struct {
	Object    string `json:"object"`
	ID        string `json:"id"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

// waitlistUserData is the data of the events of an entry.
type waitlistUserData struct {
	Object     string  `json:"object"`
	ID         string  `json:"id"`
	Email      string  `json:"email"`
	State      string  `json:"state"`
	ApprovedAt *string `json:"approved_at"`
	WaitlistID string  `json:"waitlist_id"`
	CreatedAt  string  `json:"created_at"`
	UpdatedAt  string  `json:"updated_at"`
}

type waitlistEntryObject struct {
	waitlistUserData
	Fields map[string]string `json:"additional_fields"`
}

func (w waitlist) object() waitlistObject {
	return waitlistObject{"waitlist", w.id, timestamp(w.createdAt), timestamp(w.createdAt)}
}

func (e *waitlistEntry) data(object string) waitlistUserData {
	return waitlistUserData{
		object, e.id, e.email, e.state, timeOrNull(e.approvedAt), e.waitlistID, timestamp(e.createdAt), timestamp(e.updatedAt),
	}
}

func (e *waitlistEntry) object() waitlistEntryObject {
	o := waitlistEntryObject{e.data("waitlist_entry"), map[string]string{}}
	maps.Copy(o.Fields, e.fields)
	return o
}

// emitWaitlistUser adds the event waitlist_user.created, .approved or .denied.
func (f *Server) emitWaitlistUser(change string, e *waitlistEntry) {
	f.emit("waitlist_user."+change, "", e.data("waitlist_user"))
}

// AddWaitlist adds a waitlist to the default one, as the WorkOS dashboard does, and returns its ID.
func (f *Server) AddWaitlist() (id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.addWaitlist(newID("waitlist"))
}

func (f *Server) addWaitlist(id string) string {
	f.waitlists = append(f.waitlists, waitlist{id, f.clock.Now()})
	return id
}

// waitlistOf returns the waitlist in the path. "default" is the first one.
func (f *Server) waitlistOf(c *call) (waitlist, *apiError) {
	id := c.PathValue("id")
	if id == "default" {
		return f.waitlists[0], nil
	}
	if i := slices.IndexFunc(f.waitlists, func(w waitlist) bool { return w.id == id }); i >= 0 {
		return f.waitlists[i], nil
	}
	return waitlist{}, notFound("Waitlist", id)
}

// waitlistEntryOf returns the entry in the path.
func (f *Server) waitlistEntryOf(c *call) (*waitlistEntry, *apiError) {
	id := c.PathValue("id")
	if i := slices.IndexFunc(f.waitlistEntries, func(e *waitlistEntry) bool { return e.id == id }); i >= 0 {
		return f.waitlistEntries[i], nil
	}
	return nil, notFound("Waitlist entry", id)
}

// listWaitlists answers RouteListWaitlists. This list is not paginated.
func (f *Server) listWaitlists(*call) (any, *apiError) {
	list := listObject[waitlistObject]{Object: "list"}
	for _, w := range f.waitlists {
		list.Data = append(list.Data, w.object())
	}
	return list, nil
}

// getWaitlist answers RouteGetWaitlist.
func (f *Server) getWaitlist(c *call) (any, *apiError) {
	w, apiErr := f.waitlistOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	return w.object(), nil
}

// listWaitlistEntries answers RouteListWaitlistEntries.
func (f *Server) listWaitlistEntries(c *call) (any, *apiError) {
	w, apiErr := f.waitlistOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	state, email := c.URL.Query().Get("state"), c.URL.Query().Get("email")
	if state != "" && !slices.Contains(waitlistStates, state) {
		return nil, invalid(fieldProblem{Field: "state", Code: "invalid"})
	}
	found := slices.DeleteFunc(slices.Clone(f.waitlistEntries), func(e *waitlistEntry) bool {
		return e.waitlistID != w.id || state != "" && e.state != state || email != "" && !strings.EqualFold(e.email, email)
	})
	return page(c, found, func(e *waitlistEntry) string { return e.id }, (*waitlistEntry).object)
}

// createWaitlistEntry answers RouteCreateWaitlistEntry. An address that is on the waitlist already keeps its entry.
func (f *Server) createWaitlistEntry(c *call) (any, *apiError) {
	w, apiErr := f.waitlistOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	var in struct {
		Email  optional[string]            `json:"email"`
		Fields optional[map[string]string] `json:"additional_fields"`
		Mail   optional[bool]              `json:"send_confirmation_email"`
	}
	if apiErr := c.read(&in); apiErr != nil {
		return nil, apiErr
	}
	email := in.Email.value
	switch {
	case !isAddress(email):
		return nil, unprocessable("The email is invalid.")
	case len(in.Fields.value) > maxWaitlistFields:
		return nil, unprocessable("There are more than 50 additional fields.")
	case f.accountByEmail(email) != nil:
		return nil, unprocessable("There is a user with this email address already.")
	}
	for name, value := range in.Fields.value {
		if utf8.RuneCountInString(name) > maxWaitlistFieldName || utf8.RuneCountInString(value) > maxWaitlistFieldValue {
			return nil, unprocessable("An additional field has a name of more than 40, or a value of more than 600 characters.")
		}
	}
	for _, e := range f.waitlistEntries {
		if e.waitlistID == w.id && strings.EqualFold(e.email, email) {
			return e.object(), nil
		}
	}
	now := f.clock.Now()
	e := &waitlistEntry{
		id: newID("wl_user"), waitlistID: w.id, email: email, state: waitlistPending, fields: in.Fields.value, createdAt: now, updatedAt: now,
	}
	f.waitlistEntries = append(f.waitlistEntries, e)
	f.emitWaitlistUser("created", e)
	if in.Mail.value {
		f.deliverMail(Mail{Kind: MailWaitlist, To: email})
	}
	return e.object(), nil
}

// approveWaitlistEntry answers RouteApproveWaitlistEntry. It mails an invitation to the application. An entry that was denied can be
// approved.
func (f *Server) approveWaitlistEntry(c *call) (any, *apiError) {
	e, apiErr := f.waitlistEntryOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	if e.state == waitlistApproved {
		return nil, unprocessable("The entry is approved already.")
	}
	if conflict := f.invitationConflict(e.email, ""); conflict != nil {
		return nil, unprocessable(conflict.Message)
	}
	e.state, e.approvedAt = waitlistApproved, f.clock.Now()
	e.updatedAt = e.approvedAt
	f.invite(invitation{email: e.email}, invitationLifetime)
	f.emitWaitlistUser("approved", e)
	return e.object(), nil
}

// denyWaitlistEntry answers RouteDenyWaitlistEntry.
func (f *Server) denyWaitlistEntry(c *call) (any, *apiError) {
	e, apiErr := f.waitlistEntryOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	if e.state != waitlistPending {
		return nil, unprocessable("The entry is not pending.")
	}
	e.state, e.updatedAt = waitlistDenied, f.clock.Now()
	f.emitWaitlistUser("denied", e)
	return e.object(), nil
}

// deleteWaitlistEntry answers RouteDeleteWaitlistEntry. An invitation of the entry stays valid.
func (f *Server) deleteWaitlistEntry(c *call) (any, *apiError) {
	e, apiErr := f.waitlistEntryOf(c)
	if apiErr != nil {
		return nil, apiErr
	}
	f.waitlistEntries = slices.DeleteFunc(f.waitlistEntries, func(other *waitlistEntry) bool { return other == e })
	return nil, nil
}
