// Client ID metadata documents: a client whose ID is the address of a JSON document about it
// (draft-ietf-oauth-client-id-metadata-document).

package authkittest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// maxClientDocument is the largest accepted document, in octets. The draft recommends this limit.
	maxClientDocument = 5 << 10
	// clientDocumentLimit is how long the fake waits for a document, on its clock.
	clientDocumentLimit = 5 * time.Second
)

// isDocumentURL reports whether a client ID is an address and not the ID of a registered client.
func isDocumentURL(clientID string) bool {
	return strings.HasPrefix(clientID, "https://") || strings.HasPrefix(clientID, "http://")
}

// documentURLProblem returns why an address cannot be a client ID, or "". Plain http is for documents on this machine.
func documentURLProblem(clientID string) string {
	u, err := url.Parse(clientID)
	switch {
	case err != nil || u.Hostname() == "":
		return "it is no URL"
	case u.Scheme != "https" && !isLoopback(u):
		return "it is plain http on a host that is not this machine"
	case u.User != nil:
		return "it has a user name"
	case strings.Contains(clientID, "#"):
		return "it has a fragment"
	case u.EscapedPath() == "":
		return "it has no path"
	case slices.ContainsFunc(strings.Split(u.EscapedPath(), "/"), func(s string) bool { return s == "." || s == ".." }):
		return "it has a dot segment"
	}
	return ""
}

// loadClientDocument fetches the document of a client and keeps the client. f.mu is not held, because the document may be on a
// server that calls the fake.
func (f *Server) loadClientDocument(ctx context.Context, clientID string) error {
	if problem := documentURLProblem(clientID); problem != "" {
		return errors.New(problem)
	}
	text, err := f.fetchClientDocument(ctx, clientID)
	if err != nil {
		return err
	}
	var m struct {
		clientMetadata
		Secret json.RawMessage `json:"client_secret"`
	}
	m.AuthMethod = authNone // a document is public, so a secret cannot be in it
	if json.Unmarshal(text, &m) != nil {
		return errors.New("its document is no JSON object with the metadata of a client")
	}
	switch {
	case m.ClientID != clientID:
		return errors.New("its document has another client_id")
	case m.Secret != nil || m.AuthMethod != authNone:
		return errors.New("its document has a client secret, or needs one")
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	c, apiErr := f.clientWith(&m.clientMetadata)
	if apiErr != nil {
		return fmt.Errorf("its document is not accepted: %s", apiErr.Description)
	}
	c.id = clientID
	f.oauth.clients[c.id] = c
	return nil
}

// fetchClientDocument returns the text of a document. It follows no redirect.
func (f *Server) fetchClientDocument(ctx context.Context, address string) ([]byte, error) {
	ctx, cancel := f.untilClosed(ctx)
	defer cancel()
	stop := f.clock.AfterFunc(clientDocumentLimit, cancel)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("it is no URL")
	}
	r.Header.Set("Accept", "application/json")
	transport := newTransport()
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	if err != nil {
		return nil, errors.New("its document could not be fetched")
	}
	defer response.Body.Close()
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the status of its document is %d", response.StatusCode)
	case mediaType != "application/json" && !strings.HasSuffix(mediaType, "+json"):
		return nil, errors.New("the content type of its document is not JSON")
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxClientDocument+1))
	switch {
	case err != nil:
		return nil, errors.New("its document could not be read")
	case len(text) > maxClientDocument:
		return nil, fmt.Errorf("its document is larger than %d octets", maxClientDocument)
	}
	return text, nil
}
