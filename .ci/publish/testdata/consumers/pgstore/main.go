// Command pgstore prints what the store needs in a database, and asks a database that does not exist.
package main

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/pgstore"
)

func main() {
	schema, err := pgstore.Schema(pgstore.WithTablePrefix("consumer_"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("tables:", strings.Count(strings.ToUpper(schema), "CREATE TABLE"), "with the prefix:", strings.Contains(schema, "consumer_"))

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	pool, err := pgxpool.New(ctx, "host=/no/such/directory dbname=consumer user=consumer")
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	own, err := pgstore.New(pool)
	if err != nil {
		log.Fatal(err)
	}
	var store authkit.Store = own
	_, _, found, err := store.Get(ctx, "key")
	fmt.Println("found:", found, "an error:", err != nil)
}
