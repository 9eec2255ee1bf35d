// Tests of the check of exchanges, and of the recording proxy, with a small description.

package openapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const smallDescription = `
openapi: 3.1.1
security: [{bearer: []}]
paths:
  /users:
    post:
      tags: [users]
      parameters:
        - {name: dry_run, in: query, required: true, schema: {type: boolean}}
        - {name: X-Size, in: header, required: true, schema: {type: integer}}
      requestBody:
        required: true
        content: {application/json: {schema: {type: object, required: [email], properties: {email: {type: string}}}}}
      responses:
        "201": {content: {application/json: {schema: {type: object, required: [id], properties: {id: {type: string}}}}}}
        "422": {content: {application/json: {schema: {type: object, properties: {code: {type: string, enum: [taken, banned]}}}}}}
  /users/{id}:
    delete:
      tags: [users]
      responses: {"204": {description: Deleted.}}
  /users/me:
    get:
      security: []
      tags: [session]
      parameters: [{name: expand, in: query, style: form, explode: false, schema: {type: array, items: {enum: [name, email]}}}]
      responses: {"302": {headers: {location: {schema: {type: string}}}}}
`

func requireSmallDescription(t *testing.T) *Description {
	t.Helper()
	d, err := parse([]byte(smallDescription))
	require.NoError(t, err)
	return d
}

func TestARequestBelongsToTheMostSpecificOperation(t *testing.T) {
	d := requireSmallDescription(t)
	var names []string
	for _, o := range d.Operations() {
		names = append(names, o.Name+" "+o.Tag)
	}
	assert.Equal(t, []string{"DELETE /users/{id} users", "GET /users/me session", "POST /users users"}, names)
	assert.Equal(t, "GET /users/me", d.Operation("GET", "/users/me").Name)
	assert.Equal(t, "DELETE /users/{id}", d.Operation("DELETE", "/users/me").Name)
	assert.Nil(t, d.Operation("GET", "/users/user_01A"))
	assert.Nil(t, d.Operation("DELETE", "/users/"))
	for _, patterns := range [][]string{{"GET /a/{id}", "GET /a/b"}, {"GET /a/b", "GET /a/{id}"}} {
		found, ok := Match(patterns, "GET", "/a/b")
		assert.True(t, ok)
		assert.Equal(t, "GET /a/b", found)
	}
	assert.Equal(t, []string{"banned", "taken"}, d.Operation("POST", "/users").ErrorCodes())
}

// validExchange conforms to POST /users.
func validExchange() Exchange {
	return Exchange{
		Method: "POST", Path: "/users", Query: "dry_run=true", Body: []byte(`{"email":"kim@acme.test"}`), Status: 201,
		Header:         http.Header{"Authorization": {"Bearer key"}, "Content-Type": {"application/json"}, "X-Size": {"1"}},
		ResponseHeader: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, ResponseBody: []byte(`{"id":"user_01A"}`),
	}
}

func TestAnExchangeIsCheckedInEveryPart(t *testing.T) {
	d := requireSmallDescription(t)
	for name, tt := range map[string]struct {
		change func(*Exchange)
		want   Faults
	}{
		"valid":               {func(*Exchange) {}, Faults{}},
		"no key":              {func(e *Exchange) { e.Header.Del("Authorization") }, Faults{Request: []string{"header: lacks a bearer token in Authorization"}}},
		"no header":           {func(e *Exchange) { e.Header.Del("X-Size") }, Faults{Request: []string{"header: lacks X-Size"}}},
		"wrong header":        {func(e *Exchange) { e.Header.Set("X-Size", "a,b") }, Faults{Request: []string{"header.X-Size: is no integer"}}},
		"no parameter":        {func(e *Exchange) { e.Query = "" }, Faults{Request: []string{"query: lacks dry_run"}}},
		"wrong parameter":     {func(e *Exchange) { e.Query = "dry_run=x" }, Faults{Request: []string{"query.dry_run: is no boolean"}}},
		"unknown parameter":   {func(e *Exchange) { e.Query += "&wet=1" }, Faults{Request: []string{"query: has the unknown parameter wet"}}},
		"no body":             {func(e *Exchange) { e.Body = nil }, Faults{Request: []string{"body: is missing"}}},
		"a body that is text": {func(e *Exchange) { e.Body = []byte("kim") }, Faults{Request: []string{"body: is no JSON"}}},
		"another type of body": {func(e *Exchange) { e.Header.Set("Content-Type", "text/plain") },
			Faults{Request: []string{`header: Content-Type is "text/plain"`}}},
		"wrong members": {func(e *Exchange) { e.Body = []byte(`{"mail":1}`) },
			Faults{Request: []string{"body: lacks email", "body: has the unknown member mail"}}},
		"another status":               {func(e *Exchange) { e.Status = 200 }, Faults{Response: []string{"response: the status 200 is not described"}}},
		"no response body":             {func(e *Exchange) { e.ResponseBody = nil }, Faults{Response: []string{"response: lacks a body"}}},
		"a response that is text":      {func(e *Exchange) { e.ResponseBody = []byte("ok") }, Faults{Response: []string{"response: is no JSON"}}},
		"another type of response":     {func(e *Exchange) { e.ResponseHeader.Del("Content-Type") }, Faults{Response: []string{`response header: Content-Type is ""`}}},
		"wrong members in response":    {func(e *Exchange) { e.ResponseBody = []byte(`{"ID":1}`) }, Faults{Response: []string{"response: lacks id", "response: has the unknown member ID"}}},
		"further members in a refusal": {func(e *Exchange) { e.Status, e.ResponseBody = 422, []byte(`{"code":"taken","field":"email"}`) }, Faults{}},
		"wrong members in a refusal": {func(e *Exchange) { e.Status, e.ResponseBody = 422, []byte(`{"code":"other"}`) },
			Faults{Response: []string{"response.code: other is not in the enum"}}},
	} {
		t.Run(name, func(t *testing.T) {
			e := validExchange()
			tt.change(&e)
			o, faults := d.Check(e)
			assert.Equal(t, "POST /users", o.Name)
			assert.Equal(t, tt.want, faults)
		})
	}
}

func TestAnExchangeWithoutBodiesIsChecked(t *testing.T) {
	d := requireSmallDescription(t)
	key := http.Header{"Authorization": {"Bearer key"}}
	for name, tt := range map[string]struct {
		exchange Exchange
		want     Faults
	}{
		"a deletion": {Exchange{Method: "DELETE", Path: "/users/user_01A", Header: key, Status: 204}, Faults{}},
		"a deletion with bodies": {
			Exchange{
				Method: "DELETE", Path: "/users/user_01A", Status: 204, Body: []byte("{}"), ResponseBody: []byte("{}"),
				Header: http.Header{"Authorization": {"Bearer key"}, "Content-Type": {"application/json"}},
			},
			Faults{[]string{"body: is not described"}, []string{"response: the body is not described"}},
		},
		"a redirect": {Exchange{Method: "GET", Path: "/users/me", Query: "expand=name,email", Status: 302, ResponseHeader: http.Header{"Location": {"/"}}}, Faults{}},
		"a redirect to nowhere": {
			Exchange{Method: "GET", Path: "/users/me", Query: "expand=name,age", Status: 302},
			Faults{[]string{"query.expand.1: age is not in the enum"}, []string{"response header: lacks Location"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, faults := d.Check(tt.exchange)
			assert.Equal(t, tt.want, faults)
		})
	}
	o, faults := d.Check(Exchange{Method: "GET", Path: "/nowhere"})
	assert.Nil(t, o)
	assert.Empty(t, faults)
}

func TestTheProxyRecordsWhatBothSidesSend(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Answer", r.Header.Get("X-Question"))
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(append([]byte("got "), body...))
	}))
	defer server.Close()
	target, err := url.Parse(server.URL)
	require.NoError(t, err)
	recorded := make(chan Exchange, 1)
	proxy := httptest.NewServer(NewProxy(target, func(e Exchange) { recorded <- e }))
	defer proxy.Close()

	r, err := http.NewRequest(http.MethodPut, proxy.URL+"/a%2Fb?c=d", strings.NewReader("text"))
	require.NoError(t, err)
	r.Header.Set("X-Question", "why")
	response, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, "got text", string(got))
	assert.Equal(t, http.StatusTeapot, response.StatusCode)

	e := <-recorded
	assert.Equal(t, []string{"PUT", "/a%2Fb", "c=d", "text", "got text"}, []string{e.Method, e.Path, e.Query, string(e.Body), string(e.ResponseBody)})
	assert.Equal(t, http.StatusTeapot, e.Status)
	assert.Equal(t, "why", e.Header.Get("X-Question"))
	assert.Equal(t, "why", e.ResponseHeader.Get("X-Answer"))
}

func TestAnAbortedExchangeIsNotRecorded(t *testing.T) {
	aborts := Record(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), func(Exchange) {
		t.Error("the exchange is recorded")
	})
	assert.PanicsWithError(t, http.ErrAbortHandler.Error(), func() {
		aborts.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	})
}
