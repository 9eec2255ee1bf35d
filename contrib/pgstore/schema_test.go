// Tests of the options, of the tables and of the rights that a store needs.

package pgstore

import (
	"context"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNewPostgresStoreReportsEveryFault(t *testing.T) {
	pool, err := pgxpool.New(context.Background(), "postgres://127.0.0.1:1/none")
	require.NoError(t, err)
	defer pool.Close()
	for _, opts := range [][]Option{
		nil,
		{WithLogRetention(2 * time.Minute), WithPollInterval(10 * time.Millisecond)},
		{WithLogRetention(30 * 24 * time.Hour), WithPollInterval(time.Second)},
		{WithSchema(strings.Repeat("s", 30)), WithTablePrefix("_")},
	} {
		_, err := New(pool, opts...)
		assert.NoError(t, err)
	}
	for text, opt := range map[string]Option{
		`WithSchema: "Public" is not`:            WithSchema("Public"),
		`WithSchema: "" is not`:                  WithSchema(""),
		`WithTablePrefix: "a\"b" is not`:         WithTablePrefix(`a"b`),
		`WithTablePrefix: "1" is not`:            WithTablePrefix("1"),
		"WithLogRetention: 1m59s is not":         WithLogRetention(119 * time.Second),
		"WithLogRetention: 720h0m1s is not":      WithLogRetention(30*24*time.Hour + time.Second),
		"WithPollInterval: 9ms is not":           WithPollInterval(9 * time.Millisecond),
		"WithPollInterval: 1.001s is not":        WithPollInterval(1001 * time.Millisecond),
		`not a name of up to 30 lower-case lett`: WithSchema(strings.Repeat("s", 31)),
	} {
		_, err := New(pool, opt)
		assert.ErrorContains(t, err, text)
		_, err = Schema(opt)
		assert.ErrorContains(t, err, text)
	}
	_, err = New(pool, WithSchema(""), WithPollInterval(0))
	assert.ErrorContains(t, err, "WithSchema")
	assert.ErrorContains(t, err, "WithPollInterval")
	_, err = New(nil)
	assert.ErrorContains(t, err, "the pool is nil")
}

func TestTwentyInstancesMigratePostgresAtOnce(t *testing.T) {
	url := newDatabase(t)
	var all sync.WaitGroup
	for range 20 {
		pool := newPool(t, url, nil)
		all.Go(func() {
			s, err := New(pool, WithSchema("sessions"), WithTablePrefix("app_"))
			if assert.NoError(t, err) {
				assert.NoError(t, s.Migrate(context.Background()))
				assert.NoError(t, s.Migrate(context.Background()), "a second call changes nothing")
			}
		})
	}
	all.Wait()
	s := newStore(t, url, WithSchema("sessions"), WithTablePrefix("app_"))
	assert.Equal(t, 2, count(t, s, "select count(*) from pg_tables where schemaname = 'sessions' and tablename in ('app_values', 'app_log')"))
	assert.Zero(t, count(t, s, "select count(*) from pg_tables where schemaname = 'public'"))
	appendAll(t, s, "notice")
	assert.Equal(t, 1, count(t, s, "select count(*) from sessions.app_log"))
}

func TestPostgresPrefixesAndSchemasSeparateApplications(t *testing.T) {
	url := newDatabase(t)
	for i, opts := range [][]Option{nil, {WithTablePrefix("b_")}, {WithSchema("c")}, {WithSchema("c"), WithTablePrefix("b_")}} {
		s := newStore(t, url, append(opts, WithPollInterval(20*time.Millisecond))...)
		got, _ := swap(t, s, "key", "", strings.Repeat("v", i+1), time.Minute)
		assert.True(t, got.swapped)
		appendAll(t, s, strings.Repeat("n", i+1))
		f := follow(t, s)
		f.awaitCaughtUp(t)
		assert.Equal(t, []string{strings.Repeat("n", i+1)}, f.got())
	}
}

func TestTheTextOfThePostgresSchemaCreatesTheTables(t *testing.T) {
	for name, opts := range map[string][]Option{"default": nil, "schema": {WithSchema("s")}, "unlogged": {WithUnloggedTables()}} {
		t.Run(name, func(t *testing.T) {
			url := newDatabase(t)
			text, err := Schema(opts...)
			require.NoError(t, err)
			admin := connect(t, url)
			for range 2 {
				_, err = admin.Exec(t.Context(), text)
				require.NoError(t, err)
			}
			for _, one := range strings.SplitAfter(strings.TrimSpace(text), ";\n") { // as tools that split at semicolons
				_, err = admin.Exec(t.Context(), one)
				require.NoError(t, err)
			}
			s, err := New(newPool(t, url, nil), opts...)
			require.NoError(t, err)
			appendAll(t, s, "notice")
			want := 0
			if name == "unlogged" {
				want = 2
			}
			assert.Equal(t, want, count(t, s, "select count(*) from pg_class where relpersistence = 'u' and relkind = 'r'"))
		})
	}
}

// grants returns the GRANT lines of the README.
func grants(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^grant .*;$`).FindAllString(string(text), -1)
	require.NotEmpty(t, lines)
	return strings.Join(lines, "\n")
}

func TestTheGrantsOfTheReadmeAreWhatThePostgresStoreNeeds(t *testing.T) {
	url := newDatabase(t)
	owner := newStore(t, url)
	execute(t, owner, "drop role if exists app")
	execute(t, owner, "create role app login")
	t.Cleanup(func() {
		connect := newPool(t, url, nil)
		connect.Exec(context.Background(), "drop owned by app; drop role app")
	})
	execute(t, owner, "revoke all on schema public from public")
	s, err := New(newPool(t, strings.Replace(url, "postgres@", "app@", 1), nil), WithPollInterval(50*time.Millisecond))
	require.NoError(t, err)
	assert.ErrorContains(t, s.Migrate(t.Context()), "see the GRANT lines of the README")
	assert.ErrorContains(t, s.Append(t.Context(), []byte("notice")), "see the GRANT lines of the README")

	execute(t, owner, grants(t))
	require.NoError(t, s.Migrate(t.Context()), "the tables exist, so no right to create is needed")
	for range trimEvery { // with trimming
		swap(t, s, "key", "", "value", time.Minute)
		appendAll(t, s, "notice")
	}
	swap(t, s, "key", "value", "", 0)
	f := follow(t, s)
	f.awaitNotices(t, trimEvery)
	age(t, owner, "3 days")
	s.appends.Store(trimEvery - 1)
	s.swaps.Store(trimEvery - 1)
	appendAll(t, s, "notice")
	swap(t, s, "other", "", "value", time.Minute)
	assert.Equal(t, 2, count(t, owner, "select count(*) from authkit_log"), "trimming has the rights that it needs")
	assert.Equal(t, 1, count(t, owner, "select count(*) from authkit_values"))

	execute(t, owner, "revoke delete on authkit_log from app")
	assert.ErrorContains(t, s.Migrate(t.Context()), `no right to DELETE on "public"."authkit_log"`)
}
