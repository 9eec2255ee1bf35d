// Command fake runs a fake AuthKit for both programs of the example, and prints the environment variables that they need:
//
//	go run ./fake | tee .env
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os/signal"
	"syscall"

	"github.com/authkit-go/authkit/authkittest"
)

func main() {
	fake, err := authkittest.Start(authkittest.WithAppName("Next.js and Go"))
	if err != nil {
		log.Fatal(err)
	}
	defer fake.Close()
	for name, value := range fake.Env() {
		fmt.Printf("%s=%s\n", name, value)
	}
	fmt.Printf("WORKOS_COOKIE_PASSWORD=%s\n", rand.Text()+rand.Text())
	fmt.Println("NEXT_PUBLIC_WORKOS_REDIRECT_URI=http://localhost:3000/callback")

	interrupted, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	<-interrupted.Done()
}
