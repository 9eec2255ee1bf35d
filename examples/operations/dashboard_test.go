// The dashboard, as the tests read it.

package main

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// panel is a panel of dashboard.json.
type panel struct {
	Type, Title, Description string
	Datasource               struct{ Type, UID string }
	Targets                  []struct {
		Expr, LegendFormat, RefID string
		Datasource                struct{ UID string }
	}
}

// dashboard is what the tests need of dashboard.json.
type dashboard struct {
	Title         string
	SchemaVersion int
	Templating    struct {
		List []struct{ Name, Type, Query any }
	}
	Panels []panel
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var d dashboard
	require.NoError(t, json.Unmarshal(text, &d))
	return d
}

// charts returns the panels that are not rows, by their titles.
func (d dashboard) charts(t *testing.T) map[string]panel {
	t.Helper()
	charts := map[string]panel{}
	for _, p := range d.Panels {
		if p.Type != "row" {
			require.NotContains(t, charts, p.Title)
			charts[p.Title] = p
		}
	}
	require.NotEmpty(t, charts)
	return charts
}

// expression returns a query of a panel as Grafana sends it, for a site and a range.
func (p panel) expression(target int, site string, window time.Duration) string {
	return strings.NewReplacer(
		"$__rate_interval", strconv.Itoa(int(window.Seconds()))+"s",
		"$job", site,
		"$instance", ".+",
	).Replace(p.Targets[target].Expr)
}
