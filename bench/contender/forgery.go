// Forgeries: invalid credentials, each for one reason.

package contender

// Forgery is a reason to refuse a credential.
type Forgery string

// The forgeries. A contender that refuses one checks that property.
const (
	Signature Forgery = "signature" // the token is signed with another key that has the same key ID
	Expiry    Forgery = "expiry"    // the token has expired
	Issuer    Forgery = "issuer"    // the token names another issuer
	Audience  Forgery = "audience"  // the token is for another application, by its aud and its client_id
	Integrity Forgery = "integrity" // one character of the credential is changed
)

// Forgeries lists all forgeries, in the order of the table.
var Forgeries = []Forgery{Signature, Expiry, Issuer, Audience, Integrity}

// forge returns a session with a forged token. For Integrity the session is valid, since only the credential is changed.
func (a *authority) forge(f Forgery) (session, error) {
	t := a.tokenParams()
	switch f {
	case Signature:
		another, err := newKey(a.key.id)
		if err != nil {
			return session{}, err
		}
		t.key = another
	case Expiry:
		t.issuedAt = t.issuedAt.Add(-2 * tokenLifetime)
	case Issuer:
		t.issuer = a.url() + "/user_management/client_01K2V7QYANOTHER"
	case Audience:
		t.clientID = "client_01K2V7QYANOTHER"
	}
	return newSession(0, t)
}

// alter changes one character of a credential, near its end.
func alter(credential string) string {
	altered := []byte(credential)
	at := len(altered) - 8
	if altered[at] != 'A' {
		altered[at] = 'A'
	} else {
		altered[at] = 'B'
	}
	return string(altered)
}
