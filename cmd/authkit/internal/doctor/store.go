// Whether the store of several instances can be reached.

package doctor

import (
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

// checkStore connects to the store of --store. It writes nothing.
func (d *doctor) checkStore(ctx context.Context) {
	const check = "store"
	if d.Store == "" {
		d.skip(check, "none given (--store redis://… or postgres://…)")
		return
	}
	scheme, rest, _ := strings.Cut(d.Store, "://")
	authority, tail := rest, ""
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority, tail = rest[:end], rest[end:]
	}
	if authority != "" && !strings.Contains(authority, "@") && strings.Contains(tail, "@") { // then the host has a part of the password
		d.fault(check, "Encode special characters of the password: %2F for /, %23 for #, %3F for ? and %40 for @.", "the password of the address has characters that are not encoded")
		return
	}
	ctx, cancel := d.limited(ctx)
	defer cancel()
	if scheme == "postgres" || scheme == "postgresql" {
		d.checkPostgres(ctx)
		return
	}
	u, err := url.Parse(d.Store)
	switch {
	case err != nil || u.Host == "":
		d.fault(check, "Give an address such as redis://localhost:6379 or postgres://user:password@localhost/database. Encode special characters of the password (%40 for @).",
			"the address is no URL with a host")
	case scheme == "redis" || scheme == "rediss":
		d.checkRedis(ctx, u)
	default:
		d.fault(check, "Use redis://, rediss:// or postgres://.", "no store has the scheme %q", scheme) // as it is written: case matters
	}
}

func (d *doctor) checkRedis(ctx context.Context, u *url.URL) {
	const check = "store"
	opts, err := redis.ParseURL(u.String())
	if err != nil {
		d.fault(check, "Give an address such as redis://user:password@localhost:6379/0.", "the address of Redis has a wrong path or parameter")
		return
	}
	opts.MaxRetries = -1       // none: the answer is wanted now
	redis.SetLogger(silence{}) // the finding says what is wrong
	client := redis.NewClient(opts)
	defer client.Close()
	if err := client.Ping(ctx).Err(); err != nil {
		d.storeFailure("Redis", u.Host, err)
		return
	}
	info, err := client.Info(ctx, "memory").Result()
	if _, policy, found := strings.Cut(info, "maxmemory_policy:"); err == nil && found {
		policy, _, _ = strings.Cut(policy, "\r")
		if policy != "noeviction" {
			d.warn(check, "Set maxmemory-policy noeviction: docs/replicas.md.", "Redis at %s answers, and removes entries when it is full (maxmemory-policy %s)", u.Host, policy)
			return
		}
	}
	d.ok(check, "Redis at %s answers", u.Host)
}

// silence is a logger of the Redis client that writes nothing.
type silence struct{}

// Printf implements the interface of package redis.
func (silence) Printf(context.Context, string, ...any) {}

// checkPostgres connects to PostgreSQL. An address may have the forms of libpq: a Unix socket, several hosts, and no host for the default.
func (d *doctor) checkPostgres(ctx context.Context) {
	const check = "store"
	config, err := pgxpool.ParseConfig(d.Store) // as the library reads it, with the parameters of the pool
	if err != nil {
		d.fault(check, "Give an address such as postgres://user:password@localhost/database. Encode special characters of the password (%40 for @).",
			"the address of PostgreSQL cannot be parsed")
		return
	}
	host := hostsOf(&config.ConnConfig.Config)
	connection, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		d.storeFailure("PostgreSQL", host, err)
		return
	}
	defer connection.Close(context.WithoutCancel(ctx))
	var readOnly string
	if err := connection.QueryRow(ctx, "SHOW transaction_read_only").Scan(&readOnly); err != nil {
		d.storeFailure("PostgreSQL", host, err)
		return
	}
	if readOnly == "on" {
		d.fault(check, "Use the address of the primary server, or target_session_attrs=read-write with several hosts.", "PostgreSQL at %s is read-only", host)
		return
	}
	d.ok(check, "PostgreSQL at %s answers", host)
}

// hostsOf returns the addresses to which a connection may be made.
func hostsOf(config *pgconn.Config) string {
	_, first := pgconn.NetworkAddress(config.Host, config.Port)
	hosts := []string{first}
	for _, other := range config.Fallbacks { // also of the same host, without TLS
		if _, address := pgconn.NetworkAddress(other.Host, other.Port); !slices.Contains(hosts, address) {
			hosts = append(hosts, address)
		}
	}
	return strings.Join(hosts, " or ")
}

// storeFailure reports a failed connection, without the text of the error: it may contain the address with its password.
func (d *doctor) storeFailure(name, host string, err error) {
	var (
		refusal *pgconn.PgError
		dial    *net.OpError
		dns     *net.DNSError
	)
	text := err.Error()
	switch {
	case errors.As(err, &refusal) && (strings.HasPrefix(refusal.Code, "28")), // invalid authorization
		strings.HasPrefix(text, "WRONGPASS"), strings.HasPrefix(text, "NOAUTH"):
		d.fault("store", "Correct the user and the password in the address, and encode special characters of the password (%40 for @).", "%s at %s refuses the user or the password", name, host)
	case errors.As(err, &refusal) && refusal.Code == "3D000":
		d.fault("store", "Create the database, or correct its name in the address.", "%s at %s has no such database", name, host)
	case errors.As(err, &dns):
		d.fault("store", "Check the spelling of the host, and the DNS of this machine or container.", "the name of %s has no address: %s", name, host)
	case strings.HasPrefix(host, "/") && !strings.Contains(host, " or ") && errors.As(err, &dial):
		d.fault("store", "Check whether the server runs, whether this is the folder of its socket, and whether this user may use it. A container needs the folder as a volume.",
			"%s at %s cannot be reached", name, host)
	case errors.As(err, &dial), errors.Is(err, context.DeadlineExceeded):
		d.fault("store", "Check the host, the port and the firewall. In a container, localhost is the container itself.", "%s at %s cannot be reached", name, host)
	default:
		d.fault("store", "Check whether the server at this address is "+name+", and whether it wants TLS (rediss://, sslmode=require).", "%s at %s does not answer as expected", name, host)
	}
}
