// A list of events at WorkOS of any length. Each event is made up when it is read or
// delivered, so that the list takes no memory.

package soak

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// eventKind is a type of events and the data of one of them. Each event is about other objects.
type eventKind struct {
	name, data string // data has the number of the event in place of %[1]d
	// effective says that Follow reads events of this type for their effects.
	effective bool
}

const unknownEvent = "dsync.user.created"

// eventKinds are the kinds of the events of a list, in turn.
var eventKinds = []eventKind{
	{"session.revoked", `{"object":"session","id":"session_load_%[1]d","user_id":"user_load_%[1]d","auth_method":"password","status":"revoked"}`, true},
	{"user.deleted", `{"object":"user","id":"user_load_%[1]d","email":"person-%[1]d@example.com","first_name":"Kim","last_name":"Oduya"}`, true},
	{"user.updated", `{"object":"user","id":"user_load_%[1]d","email":"person-%[1]d@example.com","first_name":"Kim","last_name":"Oduya"}`, true},
	{"organization_membership.updated", `{"object":"organization_membership","id":"om_load_%[1]d","user_id":"user_load_%[1]d","organization_id":"org_load","status":"active","role":{"slug":"member"}}`, true},
	{"organization_membership.deleted", `{"object":"organization_membership","id":"om_load_%[1]d","user_id":"user_load_%[1]d","organization_id":"org_load","status":"inactive","role":{"slug":"member"}}`, true},
	{"organization.deleted", `{"object":"organization","id":"org_load_%[1]d","name":"Load %[1]d"}`, true},
	{"api_key.revoked", `{"object":"api_key","id":"api_key_load_%[1]d","name":"Load","owner":{"type":"organization","id":"org_load"},"obfuscated_value":"sk_...1234"}`, true},
	{"api_key.updated", `{"object":"api_key","id":"api_key_load_%[1]d","name":"Load","owner":{"type":"organization","id":"org_load"},"obfuscated_value":"sk_...1234"}`, true},
	{"session.created", `{"object":"session","id":"session_load_%[1]d","user_id":"user_load_%[1]d","auth_method":"password","status":"active"}`, false},
	{unknownEvent, `{"object":"directory_user","id":"directory_user_load_%[1]d","state":"active"}`, false},
}

// effective returns how many of the first n events Follow reads for their effects.
func effective(n int) (count int) {
	for i, kind := range eventKinds {
		if kind.effective {
			count += (n - i + len(eventKinds) - 1) / len(eventKinds)
		}
	}
	return count
}

// eventList serves GET /events. The events have the numbers from 0.
type eventList struct {
	createdAt func(n int) time.Time // it does not decrease
	shown     atomic.Int64          // how many events the list has
	pages     atomic.Int64          // how many pages were served
}

func eventID(n int) string { return fmt.Sprintf("event_load_%08d", n) }

// event writes an event as WorkOS sends it.
func (l *eventList) event(b *bytes.Buffer, n int) {
	kind := eventKinds[n%len(eventKinds)]
	fmt.Fprintf(b, `{"object":"event","id":%q,"event":%q,"created_at":%q,"data":`,
		eventID(n), kind.name, l.createdAt(n).UTC().Format("2006-01-02T15:04:05.000Z"))
	fmt.Fprintf(b, kind.data, n)
	b.WriteByte('}')
}

func (l *eventList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.pages.Add(1)
	query := r.URL.Query()
	limit, _ := strconv.Atoi(query.Get("limit"))
	start, _ := time.Parse(time.RFC3339, query.Get("range_start"))
	end, err := time.Parse(time.RFC3339, query.Get("range_end"))
	bounded := err == nil
	wanted := map[string]bool{}
	for name := range strings.SplitSeq(query.Get("events"), ",") {
		wanted[name] = true
	}
	next := 0
	if after := query.Get("after"); after != "" {
		n, err := strconv.Atoi(strings.TrimPrefix(after, "event_load_"))
		if err != nil {
			http.Error(w, `{"code":"invalid_cursor"}`, http.StatusBadRequest)
			return
		}
		next = n + 1
	}
	var page bytes.Buffer
	page.WriteString(`{"object":"list","data":[`)
	count, last, more := 0, "", false
	for n := next; n < int(l.shown.Load()); n++ {
		at := l.createdAt(n)
		if !wanted[eventKinds[n%len(eventKinds)].name] || at.Before(start) || bounded && !at.Before(end) {
			continue
		}
		if more = count == limit; more {
			break
		}
		if count > 0 {
			page.WriteByte(',')
		}
		l.event(&page, n)
		count, last = count+1, eventID(n)
	}
	if !more {
		last = ""
	}
	fmt.Fprintf(&page, `],"list_metadata":{"before":null,"after":%q}}`, last)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(page.Bytes())
}

const webhookSecret = "the-secret-of-the-webhook-endpoint"

// delivery returns the delivery of an event to a webhook endpoint at a time.
func (l *eventList) delivery(n int, now time.Time) *http.Request {
	var body bytes.Buffer
	l.event(&body, n)
	timestamp := strconv.FormatInt(now.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body.Bytes())
	r, err := http.NewRequest(http.MethodPost, "https://app.example.com/webhooks/workos", &body)
	if err != nil {
		panic(err)
	}
	r.Header.Set("WorkOS-Signature", "t="+timestamp+", v1="+hex.EncodeToString(mac.Sum(nil)))
	return r
}
