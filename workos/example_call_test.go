// Example: a call that has no method in this package.

package workos_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"

	"github.com/authkit-go/authkit/workos"
)

// A list is read page by page.
func ExampleClient_Call_list() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("after") == "" {
			io.WriteString(w, `{"data":[{"id":"directory_01A"}],"list_metadata":{"after":"directory_01A"}}`)
			return
		}
		io.WriteString(w, `{"data":[{"id":"directory_01B"}],"list_metadata":{"after":null}}`)
	}))
	defer api.Close()
	client, err := workos.NewClient("client_01A", workos.WithAPIKey("sk_test_example"), workos.WithBaseURL(api.URL))
	if err != nil {
		panic(err)
	}

	for query := (url.Values{"limit": {"100"}}); ; {
		var page struct {
			Data     []struct{ ID string }
			Metadata struct{ After string } `json:"list_metadata"`
		}
		if err := client.Call(context.Background(), http.MethodGet, "/directories", query, &page); err != nil {
			panic(err)
		}
		for _, directory := range page.Data {
			fmt.Println(directory.ID)
		}
		if page.Metadata.After == "" {
			break
		}
		query.Set("after", page.Metadata.After)
	}
	// Output:
	// directory_01A
	// directory_01B
}

func ExampleClient_Call() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL)
		io.WriteString(w, `{"data":[{"id":"directory_01A","name":"Acme"}],"list_metadata":{"after":null}}`)
	}))
	defer api.Close()
	client, err := workos.NewClient("client_01A", workos.WithAPIKey("sk_test_example"), workos.WithBaseURL(api.URL))
	if err != nil {
		panic(err)
	}

	var directories struct {
		Data []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"data"`
	}
	query := url.Values{"organization_id": {"org_01A"}, "limit": {"100"}}
	if err := client.Call(context.Background(), http.MethodGet, "/directories", query, &directories); err != nil {
		panic(err)
	}
	fmt.Println(directories.Data)

	// An ID is an argument of its own.
	if err := client.Call(context.Background(), http.MethodDelete, "/directories/{id}", nil, nil, "directory_01A"); err != nil {
		panic(err)
	}
	// Output:
	// GET /directories?limit=100&organization_id=org_01A
	// [{directory_01A Acme}]
	// DELETE /directories/directory_01A
}
