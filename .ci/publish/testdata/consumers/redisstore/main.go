// Command redisstore stores a value in the Redis whose socket is in REDIS_SOCKET, and reads it back.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/contrib/redisstore"
)

func main() {
	client := redis.NewClient(&redis.Options{Network: "unix", Addr: os.Getenv("REDIS_SOCKET")})
	defer client.Close()
	own, err := redisstore.New(client)
	if err != nil {
		log.Fatal(err)
	}
	var store authkit.Store = own
	ctx := context.Background()
	for _, value := range []string{"one", "another"} {
		_, _, swapped, err := store.Swap(ctx, "key", nil, []byte(value), time.Minute)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(value, swapped)
	}
	value, _, found, err := store.Get(ctx, "key")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(value), found)
}
