// Examples: the clients of a single server, Sentinel, a Cluster and TLS.

package redisstore_test

import (
	"crypto/tls"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/redisstore"
)

func ExampleStore() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
	store, err := redisstore.New(client)
	if err != nil {
		log.Fatal(err)
	}
	ak, err := authkit.FromEnv(authkit.WithStore(store))
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(":8080", ak.Middleware(http.NotFoundHandler())))
}

// A password and TLS. A URL such as rediss://authkit:password@redis.example.com:6380
// says the same: see redis.ParseURL.
func ExampleNew_tls() {
	client := redis.NewClient(&redis.Options{
		Addr:                  "redis.example.com:6380",
		Username:              "authkit",
		Password:              "from the application's configuration",
		TLSConfig:             &tls.Config{MinVersion: tls.VersionTLS12},
		ContextTimeoutEnabled: true,
	})
	store, err := redisstore.New(client)
	fmt.Println(store != nil, err)
	// Output: true <nil>
}

// The client asks the Sentinels for the master, and follows a failover.
func ExampleNew_sentinel() {
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName:            "authkit",
		SentinelAddrs:         []string{"sentinel-1:26379", "sentinel-2:26379", "sentinel-3:26379"},
		ContextTimeoutEnabled: true,
	})
	store, err := redisstore.New(client)
	fmt.Println(store != nil, err)
	// Output: true <nil>
}

func ExampleNew_cluster() {
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs:                 []string{"redis-1:6379", "redis-2:6379", "redis-3:6379"},
		ContextTimeoutEnabled: true,
	})
	store, err := redisstore.New(client)
	fmt.Println(store != nil, err)
	// Output: true <nil>
}

// Two applications share a Redis. Access tokens of this one live for an hour.
func ExampleNew_options() {
	client := redis.NewClient(&redis.Options{Addr: "localhost:6379", ContextTimeoutEnabled: true})
	store, err := redisstore.New(client,
		redisstore.WithPrefix("shop:"),
		redisstore.WithLogRetention(time.Hour+time.Minute))
	fmt.Println(store != nil, err)
	// Output: true <nil>
}
