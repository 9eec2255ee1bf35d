// The Cookie header of a request.

package cookie

import (
	"iter"
	"net/http"
	"slices"
	"strings"
)

const (
	// maxCookieHeader bounds how many bytes of a request's cookies are read. Servers
	// and proxies refuse much less; net/http alone accepts a megabyte.
	maxCookieHeader = 128 << 10
	// maxSameName bounds how many cookies of one name are tried.
	maxSameName = 16
)

// All yields the name and value of each cookie of a request, unchanged and in
// the order of the header. Unlike http.Request.Cookies it allocates nothing: the
// strings share the header's memory.
func All(h http.Header) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		room := maxCookieHeader
		for _, line := range h["Cookie"] {
			if len(line) > room {
				line = line[:strings.LastIndexByte(line[:room], ';')+1]
			}
			room -= len(line)
			for len(line) > 0 {
				var pair string
				pair, line, _ = strings.Cut(line, ";")
				name, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
				if ok && !yield(name, value) {
					return
				}
			}
		}
	}
}

// Has reports whether a request brings a cookie of this name.
func Has(h http.Header, name string) bool {
	for cookie := range All(h) {
		if cookie == name {
			return true
		}
	}
	return false
}

// First yields the values of the first 16 cookies of this name.
func First(h http.Header, name string) iter.Seq[string] {
	return func(yield func(value string) bool) {
		tries := 0
		for cookie, value := range All(h) {
			if cookie != name {
				continue
			}
			if tries++; tries > maxSameName || !yield(value) {
				return
			}
		}
	}
}

// Values returns the different values of the cookies of this name: all of them,
// or the first eight and the last eight.
func Values(h http.Header, name string) (all []string) {
	for cookie, value := range All(h) {
		if cookie == name {
			all = addValue(all, value)
		}
	}
	return all
}

// addValue appends a value of one cookie name, unless it is empty, too long for
// a session, or there already. Of more than maxCandidates values the ones in the
// middle are dropped.
func addValue(values []string, value string) []string {
	if value == "" || len(value) > maxCandidate || slices.Contains(values, value) {
		return values
	}
	if len(values) == maxCandidates {
		values = slices.Delete(values, maxCandidates/2, maxCandidates/2+1)
	}
	return append(values, value)
}
