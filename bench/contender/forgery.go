// Forgeries: credentials that are not good, each for one reason.

package contender

// Forgery is a reason to refuse a credential.
type Forgery string

// The forgeries. What a contender refuses, it checks.
const (
	Signature Forgery = "signature" // the token is signed with another key under the ID of the right one
	Expiry    Forgery = "expiry"    // the token has expired
	Issuer    Forgery = "issuer"    // the token names another issuer
	Audience  Forgery = "audience"  // the token is for another application, by its aud and its client_id
	Integrity Forgery = "integrity" // a character of the credential is another
)

// Forgeries are all of them, in the order in which they are shown.
var Forgeries = []Forgery{Signature, Expiry, Issuer, Audience, Integrity}

// forge makes a session whose token is forged. Integrity is about the credential, whose session is a good one.
func (a *authority) forge(f Forgery) (session, error) {
	t := a.trust()
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
