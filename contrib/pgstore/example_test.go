// Examples of the store, as an application uses it.

package pgstore_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/pgstore"
)

func ExampleNew() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	store, err := pgstore.New(pool)
	if err != nil {
		log.Fatal(err)
	}
	if err := store.Migrate(ctx); err != nil {
		log.Fatal(err)
	}
	ak, err := authkit.FromEnv(authkit.WithStore(store))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("localhost:8080", ak.Middleware(http.NotFoundHandler())))
}

// Behind PgBouncer, the store polls and does not listen.
func ExampleWithPollingOnly() {
	pool, err := pgxpool.New(context.Background(), os.Getenv("PGBOUNCER_URL"))
	if err != nil {
		log.Fatal(err)
	}
	store, err := pgstore.New(pool, pgstore.WithPollingOnly(), pgstore.WithPollInterval(200*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	_ = authkit.WithStore(store)
}

// An application that migrates with its own tool writes this text into a migration.
func ExampleSchema() {
	sql, err := pgstore.Schema(pgstore.WithSchema("sessions"))
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(sql) {
		if strings.HasPrefix(line, "create") {
			fmt.Print(line)
		}
	}
	// Output:
	// create schema if not exists "sessions";
	// create table if not exists "sessions"."authkit_values" (
	// create index if not exists "authkit_values_expires_at" on "sessions"."authkit_values" (expires_at);
	// create table if not exists "sessions"."authkit_log" (
}
