// Feature flags on the wire.

package workos_test

import (
	"context"
	"iter"
	"slices"

	"github.com/authkit-go/authkit/workos"
)

const featureFlagJSON = `{"object":"feature_flag","id":"flag_01A","slug":"advanced-analytics","name":"Advanced analytics",
	"description":"Charts","owner":{"email":"ops@acme.test","first_name":"Kim","last_name":"Lee"},"tags":["beta"],"enabled":true,
	"default_value":true,` + timesJSON + `}`

var featureFlag = workos.FeatureFlag{
	ID: "flag_01A", Slug: "advanced-analytics", Name: "Advanced analytics", Description: "Charts",
	Owner: &workos.FeatureFlagOwner{Email: "ops@acme.test", FirstName: "Kim", LastName: "Lee"}, Tags: []string{"beta"},
	Enabled: true, Default: true, CreatedAt: created, UpdatedAt: updated,
}

// featureFlagList returns a case of a list of feature flags.
func featureFlagList(path string, flags func(context.Context, *workos.Client, workos.Paging) iter.Seq2[workos.FeatureFlag, error]) wire {
	return wire{
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return collect(flags(ctx, c, workos.Paging{PageSize: 7, After: "flag_01", Order: workos.OrderAscending}))
		},
		method: "GET", path: path, query: "after=flag_01&limit=7&order=asc",
		status: 200, response: listOf(featureFlagJSON), required: []string{"data", "data.0", "data.0.slug"},
		want:   []workos.FeatureFlag{featureFlag},
		errors: slices.Concat(readErrors, plain(400, as[*workos.ValidationError], workos.CodeInvalidRequestParameters)),
	}
}

// featureFlagCall returns a case of a call that returns a feature flag.
func featureFlagCall(method, path string, call func(*workos.Client, context.Context, string) (*workos.FeatureFlag, error)) wire {
	return wire{
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			flag, err := call(c, ctx, "advanced-analytics")
			if err != nil {
				return nil, err
			}
			return flag, nil
		},
		method: method, path: path,
		status: 200, response: featureFlagJSON, required: []string{"slug"}, want: &featureFlag, errors: readErrors,
	}
}

// featureFlagTarget returns a case of a call about a target.
func featureFlagTarget(method, target string, call func(*workos.Client, context.Context, string, string) error) wire {
	return wire{
		call: func(ctx context.Context, c *workos.Client) (any, error) {
			return done(call(c, ctx, "advanced-analytics", target))
		},
		method: method, path: "/feature-flags/advanced-analytics/targets/" + target, status: 204,
		errors: slices.Concat(readErrors, plain(400, nil, "invalid_target")),
	}
}

var featureFlagCalls = map[string]wire{
	"ListFeatureFlags": featureFlagList("/feature-flags",
		func(ctx context.Context, c *workos.Client, p workos.Paging) iter.Seq2[workos.FeatureFlag, error] {
			return c.ListFeatureFlags(ctx, p)
		}),
	"ListOrganizationFeatureFlags": featureFlagList("/organizations/org_01A/feature-flags",
		func(ctx context.Context, c *workos.Client, p workos.Paging) iter.Seq2[workos.FeatureFlag, error] {
			return c.ListOrganizationFeatureFlags(ctx, "org_01A", p)
		}),
	"ListUserFeatureFlags": featureFlagList("/user_management/users/user_01A/feature-flags",
		func(ctx context.Context, c *workos.Client, p workos.Paging) iter.Seq2[workos.FeatureFlag, error] {
			return c.ListUserFeatureFlags(ctx, "user_01A", p)
		}),
	"GetFeatureFlag":          featureFlagCall("GET", "/feature-flags/advanced-analytics", (*workos.Client).GetFeatureFlag),
	"EnableFeatureFlag":       featureFlagCall("PUT", "/feature-flags/advanced-analytics/enable", (*workos.Client).EnableFeatureFlag),
	"DisableFeatureFlag":      featureFlagCall("PUT", "/feature-flags/advanced-analytics/disable", (*workos.Client).DisableFeatureFlag),
	"AddFeatureFlagTarget":    featureFlagTarget("POST", "user_01A", (*workos.Client).AddFeatureFlagTarget),
	"RemoveFeatureFlagTarget": featureFlagTarget("DELETE", "org_01A", (*workos.Client).RemoveFeatureFlagTarget),
}
