// Examples of the events of WorkOS: Follow and Webhook.

package authkit_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/authkit-go/authkit"
	"github.com/authkit-go/authkit/workos"
)

// This application learns of changes at WorkOS within seconds, and stops when it is told to.
func ExampleAuthKit_Follow() {
	ak, err := authkit.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	followed := make(chan struct{})
	go func() {
		defer close(followed)
		err := ak.Follow(ctx, nil, "")
		slog.Info("the events of WorkOS are no longer followed", "cause", err)
	}()

	server := &http.Server{Addr: ":8080", Handler: ak.Middleware(http.NewServeMux()), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(grace)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-followed // with a store, another instance takes over at once
}

// The function copies users into the application's database. It stores the cursor in the
// transaction of the change, so a restart continues where the database is.
func ExampleAuthKit_Follow_database() {
	ak, db, ctx := exampleAuthKit(), openDatabase(), context.Background()
	copyUser := func(ctx context.Context, event workos.Event, cursor string) error {
		payload, err := event.Payload()
		if err != nil {
			return err
		}
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if user, ok := payload.(*workos.User); ok { // the newest event wins, in whichever order they come
			if _, err := tx.ExecContext(ctx, `INSERT INTO users (id, email, deleted, changed_at) VALUES ($1, $2, $3, $4)
				ON CONFLICT (id) DO UPDATE SET email = $2, deleted = $3, changed_at = $4 WHERE users.changed_at < $4`,
				user.ID, user.Email, event.Type == workos.EventUserDeleted, event.CreatedAt); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `UPDATE workos_cursor SET cursor = $1`, cursor); err != nil { // a table with one row
			return err
		}
		return tx.Commit()
	}
	var cursor string // "" the first time
	if err := db.QueryRowContext(ctx, `SELECT cursor FROM workos_cursor`).Scan(&cursor); err != nil {
		log.Fatal(err)
	}
	log.Print(ak.Follow(ctx, copyUser, cursor))
}

// WorkOS delivers an event. The function is called once, also if the delivery is repeated.
func ExampleAuthKit_Webhook() {
	ak := exampleAuthKit()
	const secret = "the secret of the endpoint, from the WorkOS dashboard"
	mux := http.NewServeMux()
	mux.Handle("POST /webhooks/workos", ak.Webhook(func(_ context.Context, event workos.Event) error {
		if membership, err := event.Payload(); err == nil {
			if m, ok := membership.(*workos.OrganizationMembership); ok {
				fmt.Println(event.Type, m.UserID, m.OrganizationID)
			}
		}
		return nil // an error would make WorkOS deliver the event again
	}, secret))

	body := `{"object":"event","id":"event_1","event":"organization_membership.deleted","created_at":"2026-11-28T10:00:00Z",` +
		`"data":{"object":"organization_membership","id":"om_1","user_id":"user_kim","organization_id":"org_acme"}}`
	for _, key := range []string{secret, secret, "another secret"} {
		now := strconv.FormatInt(time.Now().UnixMilli(), 10)
		mac := hmac.New(sha256.New, []byte(key)) // as WorkOS does
		mac.Write([]byte(now + "." + body))
		r := httptest.NewRequest("POST", "/webhooks/workos", strings.NewReader(body))
		r.Header.Set(workos.WebhookSignatureHeader, "t="+now+", v1="+hex.EncodeToString(mac.Sum(nil)))
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// organization_membership.deleted user_kim org_acme
	// 204
	// 204
	// 401
}

// openDatabase returns the application's database. A driver for it must be imported.
func openDatabase() *sql.DB {
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	return db
}
