// Result: what a simulation has measured, for all sessions and per second.

package replicasim

import (
	"fmt"
	"strings"
	"time"
)

// Result is the load of all sessions of a [Config].
type Result struct {
	Config  Config
	Counted Counts // in Measure, of the simulated fraction

	Values, Bytes         float64 // at the end, of all sessions
	MostValues, MostBytes float64
}

func (s *Simulation) result() Result {
	f := s.fraction()
	return Result{
		Config:  s.Config,
		Counted: s.total.minus(s.start),
		Values:  float64(s.values.alive) / f, Bytes: float64(s.values.bytes) / f,
		MostValues: float64(s.values.most) / f, MostBytes: float64(s.values.mostBytes) / f,
	}
}

func (c Counts) minus(d Counts) Counts {
	return Counts{
		c.Claims - d.Claims, c.Polls - d.Polls, c.Publishes - d.Publishes, c.Responses - d.Responses,
		c.Delivered - d.Delivered, c.Shortened - d.Shortened, c.Marks - d.Marks, c.UsedStates - d.UsedStates,
		c.KeyReads - d.KeyReads, c.KeyWrites - d.KeyWrites, c.Notices - d.Notices,
		c.Requests - d.Requests, c.Exchanges - d.Exchanges, c.SignIns - d.SignIns, c.SignOuts - d.SignOuts,
	}
}

// PerSecond returns a count of all sessions per second.
func (r Result) PerSecond(counted int) float64 {
	return float64(counted) / r.Config.fraction() / r.Config.Measure.Seconds()
}

// String returns a table in Markdown.
func (r Result) String() string {
	c, n := &r.Config, &r.Counted
	var b strings.Builder
	line := func(name string, counted int, what string) {
		fmt.Fprintf(&b, "| %s | %s | %.3f | %s |\n", name, thousands(r.PerSecond(counted)), float64(counted)/float64(max(1, n.Requests)), what)
	}
	fmt.Fprintf(&b, "sessions %s, instances %d, tokens of %s, page views %g an hour with %d requests, sign-outs %g and closed browsers %g an hour, lost cookies %g, bursts %g, API keys %d with %g uses a second, seed %d, fraction %g\n\n",
		thousands(float64(c.Sessions)), c.Instances, c.TokenLifetime, c.Views, c.Requests, c.SignOuts, c.Closed, c.Lost, c.Bursts, c.APIKeys, c.KeyUses, c.Seed, c.fraction())
	b.WriteString("| | per second | per request | |\n|---|--:|--:|---|\n")
	line("requests with a session", n.Requests, "")
	line("exchanges at WorkOS", n.Exchanges, "")
	line("sign-ins", n.SignIns, "")
	line("sign-outs", n.SignOuts, "")
	line("**commands**", n.Total(), "without those that follow the log")
	line("claims", n.Claims, "Swap")
	line("polls", n.Polls, "Swap")
	line("publications", n.Publishes, "Swap")
	line("reads before a response", n.Responses, "Get")
	line("cookies first seen at an instance", n.Delivered, "Get")
	line("cookies first seen at any instance", n.Shortened, "Swap")
	line("superseded marks", n.Marks, "Swap")
	line("used states", n.UsedStates, "Swap")
	line("reads of API keys", n.KeyReads, "Get")
	line("results of API keys", n.KeyWrites, "Swap")
	line("notices", n.Notices, "Append")
	b.WriteString("\n| | |\n|---|--:|\n")
	fact := func(name, value string) { fmt.Fprintf(&b, "| %s | %s |\n", name, value) }
	fact("values kept", thousands(r.Values))
	fact("bytes of keys and values", fmt.Sprintf("%.1f GB", r.Bytes/1e9))
	fact("bytes per session", thousands(r.Bytes/float64(c.Sessions)))
	notices := r.PerSecond(n.Notices)
	fact(fmt.Sprintf("notices in the log, kept for %s", brief(c.Retention)), thousands(notices*c.Retention.Seconds()))
	fact("bytes of notices", fmt.Sprintf("%.1f MB", notices*c.Retention.Seconds()*float64(c.Sizes.Notice)/1e6))
	fact("reads of the log a second, without notices", thousands(float64(c.Instances)))
	fact("notices delivered a second, to all instances", thousands(notices*float64(c.Instances)))
	return b.String()
}

// brief formats a duration without the units that are zero at its end.
func brief(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// thousands formats a number with commas.
func thousands(x float64) string {
	if x < 100 {
		return fmt.Sprintf("%.1f", x)
	}
	text := fmt.Sprintf("%.0f", x)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
