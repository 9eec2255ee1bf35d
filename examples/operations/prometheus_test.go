// The test harness for Prometheus: a server that scrapes sites, and its HTTP API.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	// startLimit is how long a process may take to start, or a scrape to come, on a busy machine.
	startLimit = time.Minute
	// poll is the time between two questions about something that comes by itself.
	poll = 100 * time.Millisecond
)

// tool returns the path of a program of Prometheus. Without it, the test is skipped, or fails if AUTHKIT_PROMETHEUS is required.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	text := name + " is not installed: apt-get install prometheus"
	if os.Getenv("AUTHKIT_PROMETHEUS") == "required" {
		t.Fatal(text)
	}
	t.Skip(text)
	return ""
}

// monitor is a Prometheus.
type monitor struct {
	url   string
	rules []rule
}

// rule is an alert rule of alerts.yml, as Prometheus has understood it.
type rule struct {
	Name, Type, Query string
	Duration          float64 // of its "for", in seconds
	Labels            map[string]string
	Annotations       map[string]string
}

// startMonitor starts a Prometheus that scrapes sites once a second, and loads the rules of alerts.yml. It evaluates them
// once an hour: tests ask for their expressions. The label job of a site is its name. recorded are samples that it has
// already, in the format of OpenMetrics.
func startMonitor(t *testing.T, recorded []byte, sites ...*testSite) *monitor {
	t.Helper()
	program := tool(t, "prometheus")
	rules, err := filepath.Abs("alerts.yml")
	require.NoError(t, err)
	config := "global:\n  scrape_interval: 1s\n  evaluation_interval: 1h\nrule_files:\n  - " + strconv.Quote(rules) +
		"\nscrape_configs:\n  - job_name: authkit\n    static_configs:\n"
	for _, s := range sites {
		config += fmt.Sprintf("      - targets: [%q]\n        labels: {job: %q}\n", strings.TrimPrefix(s.private, "http://"), s.name)
	}
	folder := t.TempDir()
	file, data := filepath.Join(folder, "prometheus.yml"), filepath.Join(folder, "data")
	require.NoError(t, os.WriteFile(file, []byte(config), 0o600))
	if recorded != nil {
		samples := filepath.Join(folder, "recorded.txt")
		require.NoError(t, os.WriteFile(samples, recorded, 0o600))
		output, err := exec.Command(tool(t, "promtool"), "tsdb", "create-blocks-from", "openmetrics", samples, data).CombinedOutput()
		require.NoError(t, err, string(output))
	}
	address, err := startProgram(t, func(address string) *exec.Cmd {
		return exec.Command(program, "--config.file="+file, "--storage.tsdb.path="+data, "--storage.tsdb.retention.time=100y",
			"--web.listen-address="+address, "--log.level=warn")
	}, "/-/ready")
	require.NoError(t, err)
	m := &monitor{url: "http://" + address}
	var loaded struct{ Groups []struct{ Rules []rule } }
	require.NoError(t, m.get("/api/v1/rules", nil, &loaded))
	for _, group := range loaded.Groups {
		m.rules = append(m.rules, group.Rules...)
	}
	require.NotEmpty(t, m.rules)
	return m
}

// startProgram starts a server on a port that is free, and waits until it answers at path. Another process can take the port
// before the server does. The server ends then, and another port is tried.
func startProgram(t *testing.T, command func(address string) *exec.Cmd, path string) (address string, err error) {
	t.Helper()
	for range 5 {
		address := freeAddress()
		cmd := command(address)
		var output bytes.Buffer
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Start(); err != nil {
			return "", err
		}
		ended := make(chan struct{})
		go func() {
			_ = cmd.Wait() // the state of the process says how it ended
			close(ended)
		}()
		stop := sync.OnceFunc(func() {
			_ = cmd.Process.Signal(syscall.SIGTERM)
			<-ended
		})
		t.Cleanup(stop)
		if answers(address, path, ended) {
			return address, nil
		}
		stop()
		err = errors.Join(err, fmt.Errorf("%s at %s: %s\n%s", cmd.Path, address, cmd.ProcessState, output.String()))
	}
	return "", err
}

// freeAddress returns an address that was free a moment ago. Its port is below those of outgoing connections.
func freeAddress() string {
	for {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(10_000+rand.IntN(20_000)))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
}

// answers waits until a server answers 200. It returns false if the server has ended, or does not answer in time.
func answers(address, path string, ended <-chan struct{}) bool {
	limit := time.After(startLimit)
	for {
		if response, err := http.Get("http://" + address + path); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ended:
			return false
		case <-limit:
			return false
		case <-time.After(poll):
		}
	}
}

// get reads a document of the HTTP API.
func (m *monitor) get(path string, query url.Values, data any) error {
	response, err := http.Get(m.url + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", query.Get("query"), response.Status, text)
	}
	return json.Unmarshal(text, &struct{ Data any }{data})
}

// sample is one series of an answer.
type sample struct {
	labels map[string]string
	value  float64
}

// samples are the series of an answer.
type samples []sample

// sum returns the sum of the values whose label has a value.
func (all samples) sum(label, value string) (sum float64) {
	for _, s := range all {
		if s.labels[label] == value {
			sum += s.value
		}
	}
	return sum
}

// query evaluates an expression at a time.
func (m *monitor) query(expression string, at time.Time) (samples, error) {
	var answer struct {
		Result []struct {
			Metric map[string]string
			Value  [2]any
		}
	}
	if err := m.get("/api/v1/query", url.Values{"query": {expression}, "time": {unix(at)}}, &answer); err != nil {
		return nil, err
	}
	found := make(samples, len(answer.Result))
	for i, r := range answer.Result {
		value, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			return nil, err
		}
		found[i] = sample{r.Metric, value}
	}
	return found, nil
}

// span is a time.
type span struct{ begin, end time.Time }

// holds returns, for each value of the label job, the times from begin to end at which an expression has a result.
func (m *monitor) holds(expression string, during span, step time.Duration) (times map[string][]time.Time, err error) {
	var answer struct {
		Result []struct {
			Metric map[string]string
			Values [][2]any
		}
	}
	query := url.Values{"query": {expression}, "start": {unix(during.begin)}, "end": {unix(during.end)}, "step": {fmt.Sprint(step.Seconds())}}
	if err := m.get("/api/v1/query_range", query, &answer); err != nil {
		return nil, err
	}
	times = map[string][]time.Time{}
	for _, r := range answer.Result {
		for _, v := range r.Values {
			at := time.UnixMilli(int64(v[0].(float64) * 1000))
			times[r.Metric["job"]] = append(times[r.Metric["job"]], at)
		}
	}
	for job := range times { // an expression can have several series of one job
		slices.SortFunc(times[job], time.Time.Compare)
		times[job] = slices.CompactFunc(times[job], time.Time.Equal)
	}
	return times, nil
}

func unix(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
