// Example: a program that shows a list page by page, with links to the next and the previous page.

package workos_test

import (
	"context"
	"fmt"

	"github.com/authkit-go/authkit/authkittest"
	"github.com/authkit-go/authkit/workos"
)

// A program that shows two organizations at a time reads three, to know whether there is a further page.
func ExamplePaging() {
	fake, err := authkittest.Start(authkittest.WithUsers(authkittest.User{Email: "kim@example.com"}), authkittest.WithOrganizations(
		authkittest.Organization{ID: "org_1", Name: "A"}, authkittest.Organization{ID: "org_2", Name: "B"},
		authkittest.Organization{ID: "org_3", Name: "C"}, authkittest.Organization{ID: "org_4", Name: "D"},
		authkittest.Organization{ID: "org_5", Name: "E"},
	))
	if err != nil {
		panic(err)
	}
	defer fake.Close()
	client, err := workos.NewClient(fake.ClientID(), workos.WithAPIKey(fake.APIKey()), workos.WithBaseURL(fake.URL()))
	if err != nil {
		panic(err)
	}

	const size = 2
	show := func(after, before string) (first, last string) { // the query of a link has one of them
		var shown []workos.Organization
		paging := workos.Paging{PageSize: size + 1, Order: workos.OrderAscending, After: after, Before: before}
		for organization, err := range client.ListOrganizations(context.Background(), workos.ListOrganizationsParams{Paging: paging}) {
			if err != nil {
				panic(err)
			}
			if shown = append(shown, organization); len(shown) == size+1 {
				break
			}
		}
		more := len(shown) == size+1
		switch {
		case more && before != "":
			shown = shown[1:] // the page ends right before the object, so the first one is too many
		case more:
			shown = shown[:size]
		}
		next, previous := more || before != "", more && before != "" || after != ""
		for _, organization := range shown {
			fmt.Print(organization.Name, " ")
		}
		fmt.Println("next:", next, "previous:", previous)
		return shown[0].ID, shown[len(shown)-1].ID
	}

	_, last := show("", "")
	_, last = show(last, "")
	first, _ := show(last, "")
	first, _ = show("", first)
	show("", first)
	// Output:
	// A B next: true previous: false
	// C D next: true previous: true
	// E next: false previous: true
	// C D next: true previous: true
	// A B next: true previous: false
}
