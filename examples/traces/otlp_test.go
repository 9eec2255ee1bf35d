// A small collector: it receives OTLP over HTTP and keeps the spans.

package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver has what has arrived.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	spans  []receivedSpan // guarded by mu
	bodies []byte         // guarded by mu
}

// receivedSpan is a span, with the scope and the resource that it came with.
type receivedSpan struct {
	*otlp.Span
	scope, service string
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		assert.NoError(t, err)
		assert.Equal(t, "POST /v1/traces application/x-protobuf ", fmt.Sprint(request.Method, " ", request.URL.Path, " ", request.Header.Get("Content-Type"), " ", request.Header.Get("Content-Encoding")))
		r.receive(t, body)
		answer, err := proto.Marshal(&collector.ExportTraceServiceResponse{})
		assert.NoError(t, err)
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(answer)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) receive(t *testing.T, body []byte) {
	var batch collector.ExportTraceServiceRequest
	if !assert.NoError(t, proto.Unmarshal(body, &batch)) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies = append(r.bodies, body...)
	for _, resource := range batch.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				r.spans = append(r.spans, receivedSpan{span, scope.Scope.Name, valueOf(resource.Resource.Attributes, "service.name").GetStringValue()})
			}
		}
	}
}

// valueOf returns the value of an attribute, or nil.
func valueOf(attributes []*common.KeyValue, key string) *common.AnyValue {
	for _, a := range attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return nil
}

// named returns the spans with a name.
func (r *receiver) named(name string) (found []receivedSpan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, span := range r.spans {
		if span.Name == name {
			found = append(found, span)
		}
	}
	return found
}

// reset forgets what has arrived.
func (r *receiver) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spans, r.bodies = nil, nil
}

// assertHasNot fails if one of the texts has arrived, in whatever field.
func (r *receiver) assertHasNot(t *testing.T, texts ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	require.NotEmpty(t, r.bodies)
	for _, text := range texts {
		require.NotEmpty(t, text)
		assert.False(t, strings.Contains(string(r.bodies), text), "a secret that begins with %.8s", text)
	}
}
