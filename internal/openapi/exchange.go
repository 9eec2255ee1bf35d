// The check of a request and its response against the operation that describes them.

package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Exchange is a request and its response.
type Exchange struct {
	Method string
	Path   string // escaped
	Query  string // without the "?"
	Header http.Header
	Body   []byte // empty for none

	Status         int
	ResponseHeader http.Header
	ResponseBody   []byte // empty for none
}

// Faults are what is wrong with an exchange.
type Faults struct {
	Request  []string
	Response []string
}

// Check returns the operation that describes an exchange, and what is wrong with the exchange. Members of a body that the
// description does not have are faults, except in a refusal: WorkOS's pages show more members of errors than the description.
// The operation is nil if no operation describes the exchange.
func (d *Description) Check(e Exchange) (*Operation, Faults) {
	o := d.Operation(e.Method, e.Path)
	if o == nil {
		return nil, Faults{}
	}
	return o, Faults{
		Request:  slices.Concat(o.checkHeader(e), o.CheckQuery(e.Query), o.CheckBody(e.Body)),
		Response: slices.Concat(o.checkResponseHeader(e), o.CheckResponse(e.Status, e.ResponseBody), o.unknownInResponse(e)),
	}
}

// checkHeader returns what is wrong with the header of a request.
func (o *Operation) checkHeader(e Exchange) (faults []string) {
	security, own := o.details["security"].([]any)
	if !own {
		security, _ = o.description.document["security"].([]any)
	}
	if len(security) > 0 && !strings.HasPrefix(e.Header.Get("Authorization"), "Bearer ") {
		faults = append(faults, "header: lacks a bearer token in Authorization")
	}
	for _, parameter := range o.parameters("header") {
		name, _ := parameter["name"].(string)
		values := e.Header.Values(name)
		if parameter["required"] == true && len(values) == 0 {
			faults = append(faults, "header: lacks "+name)
		}
		for _, text := range values {
			faults = append(faults, o.checkParameter(parameter["schema"], text, "header."+name)...)
		}
	}
	if len(e.Body) > 0 && !isJSON(e.Header) {
		faults = append(faults, "header: Content-Type is "+strconv.Quote(e.Header.Get("Content-Type")))
	}
	return faults
}

// CheckQuery returns what is wrong with the query of a request.
func (o *Operation) CheckQuery(query string) (faults []string) {
	sent, err := url.ParseQuery(query)
	if err != nil {
		return []string{"query: " + err.Error()}
	}
	for _, parameter := range o.parameters("query") {
		name, _ := parameter["name"].(string)
		if parameter["required"] == true && !sent.Has(name) {
			faults = append(faults, "query: lacks "+name)
		}
		for _, text := range sent[name] {
			faults = append(faults, o.checkParameter(parameter["schema"], text, "query."+name)...)
		}
		delete(sent, name)
	}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		faults = append(faults, "query: has the unknown parameter "+name)
	}
	return faults
}

// CheckBody returns what is wrong with the body of a request, empty for none.
func (o *Operation) CheckBody(text []byte) []string {
	schema, hasBody := o.description.content(o.details["requestBody"])
	switch {
	case len(text) == 0 && hasBody && o.description.resolve(o.details["requestBody"])["required"] == true:
		return []string{"body: is missing"}
	case len(text) == 0:
		return nil
	case !hasBody:
		return []string{"body: is not described"}
	}
	var body any
	if err := json.Unmarshal(text, &body); err != nil {
		return []string{"body: is no JSON"}
	}
	return slices.Concat(o.description.check(schema, body, "body"), o.description.unknown([]any{schema}, body, "body"))
}

// CheckResponse returns what is wrong with the status and the body of a response, empty for none. Further members of objects
// are allowed.
func (o *Operation) CheckResponse(status int, text []byte) []string {
	described, ok := o.response(status)
	if !ok {
		return []string{fmt.Sprintf("response: the status %d is not described", status)}
	}
	schema, hasBody := o.description.content(described)
	switch {
	case hasBody && len(text) == 0:
		return []string{"response: lacks a body"}
	case len(text) == 0:
		return nil
	case !hasBody:
		return []string{"response: the body is not described"}
	}
	var body any
	if err := json.Unmarshal(text, &body); err != nil {
		return []string{"response: is no JSON"}
	}
	return o.description.check(schema, body, "response")
}

// unknownInResponse returns the members of a response that the description does not have.
func (o *Operation) unknownInResponse(e Exchange) []string {
	described, _ := o.response(e.Status)
	schema, hasBody := o.description.content(described)
	var body any
	if e.Status >= http.StatusBadRequest || !hasBody || json.Unmarshal(e.ResponseBody, &body) != nil {
		return nil // CheckResponse reports a wrong body
	}
	return o.description.unknown([]any{schema}, body, "response")
}

// checkResponseHeader returns what is wrong with the header of a response.
func (o *Operation) checkResponseHeader(e Exchange) (faults []string) {
	described, ok := o.response(e.Status)
	if !ok {
		return nil // CheckResponse reports it
	}
	headers, _ := o.description.resolve(described)["headers"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if e.ResponseHeader.Get(name) == "" {
			faults = append(faults, "response header: lacks "+http.CanonicalHeaderKey(name))
		}
	}
	if _, hasBody := o.description.content(described); hasBody && !isJSON(e.ResponseHeader) {
		faults = append(faults, "response header: Content-Type is "+strconv.Quote(e.ResponseHeader.Get("Content-Type")))
	}
	return faults
}

// response returns the description of the responses with a status.
func (o *Operation) response(status int) (described any, ok bool) {
	responses, _ := o.details["responses"].(map[string]any)
	described, ok = responses[strconv.Itoa(status)]
	return described, ok
}

// parameters returns the parameters in a part of the request.
func (o *Operation) parameters(in string) (found []map[string]any) {
	parts, _ := o.details["parameters"].([]any)
	for _, part := range parts {
		if parameter := o.description.resolve(part); parameter["in"] == in {
			found = append(found, parameter)
		}
	}
	return found
}

// checkParameter returns what is wrong with a parameter. It may be a number, a boolean, or a list with commas.
func (o *Operation) checkParameter(schema any, text, path string) []string {
	values := []any{text}
	if number, err := strconv.ParseFloat(text, 64); err == nil {
		values = append(values, number)
	}
	if flag, err := strconv.ParseBool(text); err == nil {
		values = append(values, flag)
	}
	var elements []any
	for element := range strings.SplitSeq(text, ",") {
		elements = append(elements, element)
	}
	values = append(values, any(elements))
	var faults []string
	for _, value := range values {
		faults = o.description.check(schema, value, path)
		if len(faults) == 0 {
			return nil
		}
	}
	return faults
}

// content returns the JSON schema of a request body or a response.
func (d *Description) content(part any) (schema any, ok bool) {
	content, _ := d.resolve(part)["content"].(map[string]any)
	media, ok := content["application/json"].(map[string]any)
	return media["schema"], ok
}

// ErrorCodes returns the codes that an operation refuses with.
func (o *Operation) ErrorCodes() []string {
	d := o.description
	found := map[string]bool{}
	responses, _ := o.details["responses"].(map[string]any)
	for status, part := range responses {
		schema, ok := d.content(part)
		if !ok || status < "400" {
			continue
		}
		for _, rules := range d.flatten([]any{schema}) {
			properties, _ := rules["properties"].(map[string]any)
			for _, name := range []string{"code", "error"} {
				for _, property := range d.flatten([]any{properties[name]}) {
					values, _ := property["enum"].([]any)
					if property["const"] != nil {
						values = append(values, property["const"])
					}
					for _, value := range values {
						if code, ok := value.(string); ok {
							found[code] = true
						}
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func isJSON(header http.Header) bool {
	mediaType, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return mediaType == "application/json"
}
