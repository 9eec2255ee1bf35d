// Command signin is the server of bare with a sign-in. Its size is compared with that of bare.
package main

import (
	"log"
	"net/http"

	"github.com/authkit-go/authkit"
)

func main() {
	ak, err := authkit.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /login", ak.Login())
	mux.Handle("GET /callback", ak.Callback())
	mux.Handle("POST /logout", ak.Logout())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		session, _ := authkit.FromContext(r.Context())
		w.Write([]byte("hello " + session.User().Email))
	})
	log.Fatal(http.ListenAndServe("localhost:8080", ak.Middleware(mux)))
}
