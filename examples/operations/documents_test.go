// The dashboard, the alerts and the page for operators agree with each other and with the metrics.

package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// chapter returns a chapter of a page, from its heading to the next one of the same level.
func chapter(t *testing.T, page, heading string) string {
	t.Helper()
	level := heading[:strings.Index(heading, " ")+1]
	_, rest, found := strings.Cut(page, "\n"+heading+"\n")
	require.True(t, found, "there is no chapter %q", heading)
	text, _, _ := strings.Cut(rest, "\n"+level)
	return text
}

// alertRule is what the page says about a rule of alerts.yml.
type alertRule struct{ name, severity, runbook string }

func readAlerts(t *testing.T) (rules []alertRule) {
	t.Helper()
	pattern := regexp.MustCompile(`(?s)- alert: (\w+)\n.*?severity: (\w+)\n.*?runbook_url: (\S+)\n`)
	text := readText(t, "alerts.yml")
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		rules = append(rules, alertRule{m[1], m[2], m[3]})
	}
	require.Len(t, rules, strings.Count(text, "- alert: "))
	return rules
}

const operations = "../../docs/operations.md"

func TestEachPanelSaysWhichQuestionItAnswers(t *testing.T) {
	d := readDashboard(t)
	assert.GreaterOrEqual(t, d.SchemaVersion, 39, "Grafana 11")
	rows := 0
	for _, p := range d.Panels {
		if p.Type == "row" {
			rows++
			continue
		}
		assert.Contains(t, p.Description, "?", p.Title)
		assert.Equal(t, "${datasource}", p.Datasource.UID, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			assert.Equal(t, "${datasource}", target.Datasource.UID, p.Title)
			assert.NotEmpty(t, target.LegendFormat, p.Title)
			selectors := regexp.MustCompile(`authkit_\w+`).FindAllString(target.Expr, -1)
			assert.Equal(t, len(selectors)-strings.Count(target.Expr, "by (authkit_"), strings.Count(target.Expr, `{job=~"$job", instance=~"$instance"`)+labels(target.Expr), "%s: each metric is of the chosen instances", p.Title)
			for _, length := range regexp.MustCompile(`\[(.*?)\]`).FindAllStringSubmatch(target.Expr, -1) {
				assert.Equal(t, "$__rate_interval", length[1], p.Title)
			}
		}
	}
	assert.Equal(t, 10, rows)
}

// labels returns how many names in the braces of an expression begin as those of metrics.
func labels(expression string) (n int) {
	for _, braces := range regexp.MustCompile(`\{.*?\}`).FindAllString(expression, -1) {
		n += strings.Count(braces, "authkit_")
	}
	return n
}

func TestEachMetricOfTheDashboardAndTheAlertsIsDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, name := range regexp.MustCompile("\\| `(authkit_\\w+)` \\|").FindAllStringSubmatch(readText(t, "../../contrib/authkitotel/README.md"), -1) {
		documented[name[1]] = true
	}
	require.NotEmpty(t, documented)
	var used []string
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			used = append(used, metricsOf(target.Expr)...)
		}
	}
	for _, line := range strings.Split(readText(t, "alerts.yml"), "\n") {
		if strings.HasPrefix(line, "          ") && !strings.Contains(line, ": ") { // a line of an expression
			used = append(used, metricsOf(line)...)
		}
	}
	require.NotEmpty(t, used)
	for _, name := range used {
		assert.True(t, documented[name] || documented[strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count")], "%s is not a metric of contrib/authkitotel", name)
	}
}

var (
	inBraces = regexp.MustCompile(`\{.*?\}`)
	byLabels = regexp.MustCompile(`\b(by|on|ignoring|without|group_left) ?\(.*?\)`)
)

// metricsOf returns the names of the metrics in an expression.
func metricsOf(expression string) []string {
	expression = byLabels.ReplaceAllString(inBraces.ReplaceAllString(expression, ""), "")
	return regexp.MustCompile(`authkit_\w+`).FindAllString(expression, -1)
}

func TestThePageForOperatorsListsThePanels(t *testing.T) {
	var titles, listed []string
	for _, p := range readDashboard(t).Panels {
		if p.Type != "row" {
			titles = append(titles, p.Title)
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| (.*?) \|`).FindAllStringSubmatch(chapter(t, readText(t, operations), "## Panels"), -1) {
		listed = append(listed, row[1])
	}
	require.NotEmpty(t, listed)
	assert.Equal(t, titles, listed[1:])
}

func TestThePageForOperatorsListsTheAlerts(t *testing.T) {
	text := chapter(t, readText(t, operations), "## Alerts")
	rules := readAlerts(t)
	var names, listed []string
	for _, r := range rules {
		names = append(names, r.name)
		assert.Equal(t, "https://github.com/authkit-go/authkit/blob/main/docs/operations.md#"+strings.ToLower(r.name), r.runbook)
		assert.Contains(t, strings.ToLower(chapter(t, text, "### "+r.name)), "*"+r.severity+".*", r.name)
	}
	for _, heading := range regexp.MustCompile(`(?m)^### (\w+)$`).FindAllStringSubmatch(text, -1) {
		listed = append(listed, heading[1])
	}
	assert.ElementsMatch(t, names, listed)
}

func TestThePageForOperatorsDescribesTheIncidentsAsTheyArePlayed(t *testing.T) {
	page := readText(t, operations)
	text := chapter(t, page, "## Incidents")
	sections := strings.Split(text, "\n### ")[1:]
	require.NotEmpty(t, sections)
	described := map[string]bool{}
	for _, section := range sections {
		title, body, _ := strings.Cut(section, "\n")
		buttons, _, found := strings.Cut(strings.TrimSpace(body), "\n")
		require.True(t, found && strings.HasPrefix(buttons, "("), "%s has no name of a button", title)
		sees, _, found := strings.Cut(strings.SplitN(body, "**You see.**", 2)[1], "\n\n")
		require.True(t, found, title)
		fires := map[string]bool{}
		for _, name := range regexp.MustCompile("`([\\w-]+)`").FindAllStringSubmatch(buttons, -1) {
			described[name[1]] = true
			d, planned := drills[name[1]]
			require.True(t, planned, "%s: there is no incident %s", title, name[1])
			assert.True(t, slices.ContainsFunc(d.alerts, func(alert string) bool { return strings.Contains(sees, "`"+alert+"`") }), "%s: no alert of %s is named", title, name[1])
			for _, alert := range append(d.alerts, d.also...) {
				fires[alert] = true
			}
			for _, reason := range d.health {
				assert.Contains(t, chapter(t, page, "## Symptoms"), reason)
			}
		}
		for _, alert := range regexp.MustCompile("`(AuthKit\\w+)`").FindAllStringSubmatch(sees, -1) {
			assert.True(t, fires[alert[1]], "%s: %s does not fire", title, alert[1])
		}
	}
	for _, i := range incidents {
		assert.Equal(t, !i.Load, described[i.Name], i.Name)
	}
}

func TestThePageAndTheFileForPrometheusHaveTheDefaultAddress(t *testing.T) {
	assert.Contains(t, readText(t, "prometheus.yml"), `targets: ["localhost:9464"]`)
	assert.Contains(t, readText(t, "main.go"), `"localhost:9464"`)
	assert.Contains(t, readText(t, "README.md"), "http://localhost:9464")
}
