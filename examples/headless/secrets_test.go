// A check in all tests: no response of the application to a browser contains a secret from its calls to WorkOS.

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// secrets collects the secrets in the application's calls to WorkOS and in the responses.
type secrets struct {
	t *testing.T

	mu    sync.Mutex
	found map[string]string // the kind of each value
	seen  []answer
}

// answer is a response of the application to a browser.
type answer struct{ request, text string }

func newSecrets(t *testing.T) *secrets {
	s := &secrets{t: t, found: map[string]string{}}
	t.Cleanup(func() { // again, for secrets that were found after the response
		for _, a := range s.seen {
			s.search(a)
		}
	})
	return s
}

// RoundTrip implements [http.RoundTripper] for the calls to WorkOS.
func (s *secrets) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.GetBody != nil {
		if body, err := r.GetBody(); err == nil {
			sent, _ := io.ReadAll(body)
			s.learn(sent)
		}
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	received, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	s.learn(received)
	response.Body = io.NopCloser(bytes.NewReader(received))
	return response, nil
}

var (
	digits = regexp.MustCompile(`^[0-9]+$`)
	// WorkOS gets the token of an invitation with the authorization request.
	authorizationToken = regexp.MustCompile(`(/user_management/authorize\?\S*invitation_token=)\w+`)
	challengeID        = regexp.MustCompile(`^auth_challenge_`)
)

// learn collects the secrets in a JSON document.
func (s *secrets) learn(document []byte) {
	var v any
	if json.Unmarshal(document, &v) == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.walk("", v)
	}
}

func (s *secrets) walk(name string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			s.walk(name, member)
		}
	case []any:
		for _, element := range v {
			s.walk("", element)
		}
	case string:
		switch name {
		case "pending_authentication_token", "password_reset_token", "token", "invitation_token", "password", "new_password",
			"access_token", "refresh_token", "client_secret", "authentication_challenge_id", "radar_challenge_id", "verification_id":
		case "code":
			if !digits.MatchString(v) {
				return // an error code
			}
		case "id":
			if !challengeID.MatchString(v) {
				return
			}
		default:
			return
		}
		s.know(name, v)
	}
}

func (s *secrets) know(kind, value string) {
	if value != "" {
		s.found[value] = kind
	}
}

// add adds a secret from another source.
func (s *secrets) add(kind, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.know(kind, value)
}

// check searches a response for the secrets found so far.
func (s *secrets) check(a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, a)
	s.search(a)
}

func (s *secrets) search(a answer) {
	for value, kind := range s.found {
		// Six digits can be part of a longer word, such as an ID, by chance.
		if strings.Contains(a.text, value) && regexp.MustCompile(`(^|\W)`+regexp.QuoteMeta(value)+`(\W|$)`).MatchString(a.text) {
			s.t.Errorf("the response to %s contains a secret: %s", a.request, kind)
		}
	}
}

// observer is the transport of a browser.
type observer struct {
	t       *testing.T
	home    string
	secrets *secrets
	next    http.RoundTripper
}

func (o *observer) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := o.next.RoundTrip(r)
	if err != nil || !strings.HasPrefix(r.URL.String(), o.home+"/") {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))

	var text strings.Builder
	_ = response.Header.Write(&text)
	for _, cookie := range response.Cookies() {
		for _, encoding := range []*base64.Encoding{base64.RawURLEncoding, base64.RawStdEncoding} {
			if plain, err := encoding.DecodeString(strings.TrimRight(cookie.Value, "=")); err == nil {
				text.WriteString("\n" + string(plain))
			}
		}
	}
	request := r.Method + " " + r.URL.Path
	o.secrets.check(answer{request, authorizationToken.ReplaceAllString(text.String(), "$1") + "\n" + string(body)})
	o.checkHeaders(request, response, body)
	return response, nil
}

// checkHeaders checks the headers that every page must have.
func (o *observer) checkHeaders(request string, response *http.Response, body []byte) {
	h := response.Header
	if !strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		return
	}
	if !strings.Contains(h.Get("Cache-Control"), "no-store") && response.StatusCode < 300 {
		o.t.Errorf("%s may be stored: %q", request, h.Get("Cache-Control"))
	}
	if p := h.Get("Referrer-Policy"); p != "same-origin" && p != "no-referrer" {
		o.t.Errorf("%s has the referrer policy %q", request, p)
	}
	policy := h.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'; form-action 'self' ") || !strings.Contains(policy, "frame-ancestors 'none'") {
		o.t.Errorf("%s has the policy %q", request, policy)
	}
	if image := bytes.Contains(body, []byte(`src="data:image/png;base64,`)); image != strings.Contains(policy, "img-src data:") {
		o.t.Errorf("%s has the policy %q, and an image: %v", request, policy, image)
	}
}
