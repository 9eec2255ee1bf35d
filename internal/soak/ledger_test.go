// What the checker knows about the refresh tokens of all processes.

package soak

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/authkit-go/authkit/internal/replica"
	"github.com/authkit-go/authkit/jwks"
)

// ledger knows which process has presented which refresh token to WorkOS, and which outcomes are in the store.
//
// A session is lost if its process was killed after WorkOS may have exchanged its refresh token, and before the outcome
// was in the store. Then no process knows the new refresh token.
type ledger struct {
	mu        sync.Mutex
	alive     map[uint64]openTokens // by number of the process
	cut       map[string]uint64     // by token: the process that was killed with it
	sessionOf map[string]string     // by token
	tokensOf  map[string][]string   // by session ID, the oldest first
	exchanges map[string]int        // by token: how often it was exchanged since the last call of maxExchanges
}

// openTokens are the tokens that a process has presented, and whose outcomes are not in the store.
type openTokens map[string]tokenState

type tokenState int

const (
	presented  tokenState = iota + 1
	unanswered            // at least one call got no response, and may have exchanged the token
)

func (o openTokens) unanswered(token string) {
	if o != nil && o[token] != 0 {
		o[token] = unanswered
	}
}

// tokensKept is how many tokens of a session are kept. More than a few are never in use at the same time.
const tokensKept = 8

func newLedger() *ledger {
	return &ledger{
		alive: map[uint64]openTokens{}, cut: map[string]uint64{}, sessionOf: map[string]string{},
		tokensOf: map[string][]string{}, exchanges: map[string]int{},
	}
}

// name returns the name of a token in the keys of the store.
func name(token string) string {
	if token == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(replica.Hash(token)))
}

func (l *ledger) start(process uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alive[process] = openTokens{}
}

// kill ends a process. Its open tokens are cut.
func (l *ledger) kill(process uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for token := range l.alive[process] {
		l.cut[token] = process
	}
	delete(l.alive, process)
}

// present records that a process is about to present a token. It reports false if the process was killed.
func (l *ledger) present(process uint64, token string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	open, alive := l.alive[process]
	if alive && token != "" {
		open[name(token)] = max(open[name(token)], presented)
	}
	return alive
}

// answer records the response of WorkOS, nil if there was none. Without one, the token may have been exchanged.
func (l *ledger) answer(process uint64, token string, resp *http.Response, body []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	open := l.alive[process]
	if resp == nil {
		open.unanswered(name(token))
		return
	}
	if resp.StatusCode != http.StatusOK {
		if open[name(token)] == presented {
			delete(open, name(token))
		}
		return
	}
	var tokens struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
	}
	if json.Unmarshal(body, &tokens) != nil || tokens.RefreshToken == "" {
		return
	}
	if token != "" {
		l.exchanges[name(token)]++
	}
	claims, err := jwks.UnverifiedClaims(tokens.AccessToken)
	next := name(tokens.RefreshToken)
	if err != nil || l.sessionOf[next] != "" {
		return
	}
	l.sessionOf[next] = claims.SessionID
	all := append(l.tokensOf[claims.SessionID], next)
	for len(all) > tokensKept {
		delete(l.sessionOf, all[0])
		all = all[1:]
	}
	l.tokensOf[claims.SessionID] = all
}

// stored records a value that is in the store. The outcome of a token says that its session is not lost.
func (l *ledger) stored(key string, value []byte) {
	_, token, isRecord := strings.Cut(key, ":x:")
	if !isRecord || len(value) == 0 || value[0] != 'S' {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, open := range l.alive {
		delete(open, token)
	}
	for _, other := range l.tokensOf[l.sessionOf[token]] { // a later token of the session may still be cut
		delete(l.cut, other)
		if other == token {
			break
		}
	}
}

// lost returns the process that was killed with a token of a session, 0 for none.
func (l *ledger) lost(session string) (process uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, token := range l.tokensOf[session] {
		process = max(process, l.cut[token])
	}
	return process
}

// forget removes a session that no browser has any more.
func (l *ledger) forget(session string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, token := range l.tokensOf[session] {
		delete(l.sessionOf, token)
		delete(l.cut, token)
	}
	delete(l.tokensOf, session)
}

// maxExchanges returns how often the same refresh token was exchanged since the last call, at all processes together.
func (l *ledger) maxExchanges() (most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.exchanges {
		most = max(most, n)
	}
	clear(l.exchanges)
	return most
}
