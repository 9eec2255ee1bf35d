// The drills: how each incident is played, and what the operator must see.

package main

import (
	"errors"
	"math"
	"net/url"
	"strconv"
	"time"
)

// drill is how an incident is played, and what the operator must see. A field that is not set has its default.
type drill struct {
	amount                int
	before, during, later time.Duration // of the healthy traffic, of the incident, and after it
	step                  time.Duration // between two scrapes
	users, visits         int           // and their visits in each step
	signInEvery           int           // steps between two sign-ins and sign-outs of a further user, and two uses of an API key
	stay                  bool          // users who lose their session during the incident do not sign in again
	unanswered            bool          // no call of WorkOS is answered during the incident
	slow                  bool          // calls of WorkOS take real time, and each is answered before the clock moves again
	neighbour             bool          // the application has another instance
	shorten               float64       // the ranges and the "for" of the alerts are divided by it
	more                  func(*player) // further traffic of each step

	alerts []string          // that fire
	also   []string          // that may fire too
	health map[string]string // the reason of each check that is degraded
	panels map[string]func(shown) error
}

func (d drill) withDefaults() drill {
	set := func(field *time.Duration, value time.Duration) {
		if *field == 0 {
			*field = value
		}
	}
	set(&d.before, 12*time.Minute)
	set(&d.during, 12*time.Minute)
	set(&d.later, 14*time.Minute)
	set(&d.step, time.Minute)
	d.shorten = max(d.shorten, 1)
	d.users, d.visits, d.signInEvery = max(d.users, 4), max(d.visits, 1), max(d.signInEvery, 1)
	return d
}

func amountFields(n int) url.Values {
	if n == 0 {
		return nil
	}
	return url.Values{"amount": {strconv.Itoa(n)}}
}

// single checks the only value of a panel.
func single(least, most float64) func(shown) error {
	return func(p shown) error { return between(p.value(0), least, most) }
}

// counted checks how often something has happened.
func counted(label, value string, least, most float64) func(shown) error {
	return func(p shown) error { return between(p.count(0, label, value), least, most) }
}

// state checks that this instance is in a state.
func state(name string) func(shown) error {
	return func(p shown) error { return between(p.queries[0].sum("authkit_state", name), 1, 1) }
}

const (
	keysKept    = "the last fetch of the signing keys has failed, and earlier ones are used"
	keysMissing = "the signing keys could not be fetched"
	callFailed  = "the last call of WorkOS has failed"

	eventsUnread = "the events of WorkOS cannot be read"
)

// drills are how the incidents are played. Each incident has one.
var drills = map[string]drill{
	"traffic": {},
	"bots":    {more: func(p *player) { p.sendJunk(p.t.Context()) }},
	"keys-down": {during: 50 * time.Minute, later: 20 * time.Minute, step: 2 * time.Minute,
		alerts: []string{"AuthKitKeysNotRenewed", "AuthKitRefreshesFail", "AuthKitSignInsFail", "AuthKitRequestsUnavailable"},
		also:   []string{"AuthKitWorkOSFails"},
		health: map[string]string{"keys": keysKept},
		panels: map[string]func(shown) error{
			"Age of the signing keys":      single(50*60, 62*60),
			"Fetches of the signing keys":  counted("authkit_outcome", "failed", 20, 1000),
			"Failed sign-ins by code":      counted("error_type", "sign_in_unavailable", 20, 30),
			"Share of refreshes that fail": single(0.9, 1),
		}},
	"keys-missing": {
		alerts: []string{"AuthKitKeysMissing", "AuthKitRequestsUnavailable", "AuthKitSignInsFail"},
		also:   []string{"AuthKitRefreshesFail", "AuthKitWorkOSFails"},
		health: map[string]string{"keys": keysMissing},
		panels: map[string]func(shown) error{"Usable signing keys": single(0, 0)}},
	// The delay is real time.
	"workos-slow": {amount: 2200, before: 16 * time.Minute, during: 22 * time.Minute, step: 2 * time.Minute, users: 8, signInEvery: 1000, slow: true,
		alerts: []string{"AuthKitRefreshesSlow"},
		also:   []string{"AuthKitEventsNotRead"}, // a slow read of the list can miss a tick of the clock
		panels: map[string]func(shown) error{
			"Duration of refreshes": func(p shown) error { return between(p.queries[1].sum("", ""), 2.2, 30) },
			"Mean time of a call":   single(1.5, 30), // fast calls of before are a part of it, and a busy machine adds to it
		}},
	"workos-down": {during: 26 * time.Minute, step: 2 * time.Minute, unanswered: true,
		alerts: []string{"AuthKitWorkOSFails", "AuthKitSignInsFail", "AuthKitRefreshesFail", "AuthKitRequestsUnavailable"},
		also:   []string{"AuthKitEventsNotRead", "AuthKitKeysNotRenewed"},
		health: map[string]string{"workos": callFailed, "events": eventsUnread, "keys": keysKept},
		panels: map[string]func(shown) error{
			"Share of calls that fail":     single(0.95, 1.05),
			"Share of sign-ins that fail":  single(0.95, 1),
			"Share of refreshes that fail": single(0.95, 1),
		}},
	"api-key": {
		alerts: []string{"AuthKitCredentialsRefused", "AuthKitSignInsFail", "AuthKitRefreshesFail"},
		also:   []string{"AuthKitRequestsUnavailable", "AuthKitEventsNotRead"},
		health: map[string]string{"workos": "WorkOS does not accept the client ID or the API key of this application", "events": eventsUnread},
		panels: map[string]func(shown) error{"Failed sign-ins by code": counted("error_type", "sign_in_failed", 5, 1000)}},
	"clock": {amount: 45,
		alerts: []string{"AuthKitClockSkew"},
		health: map[string]string{"clock": "the clock of this instance and that of WorkOS differ"},
		panels: map[string]func(shown) error{"Clock skew": single(44, 46)}},
	// A real one takes an hour.
	"cache": {amount: 2, before: 3 * time.Minute, during: 8 * time.Minute, later: 4 * time.Minute, step: 10 * time.Second, users: 10, signInEvery: 10, shorten: 10,
		alerts: []string{"AuthKitCacheTooSmall"},
		panels: map[string]func(shown) error{
			"Share of sessions in the cache": single(0, 0.4),
			"Sessions in the cache":          func(p shown) error { return errors.Join(between(p.value(0), 1, 2), between(p.value(1), 2, 2)) },
		}},
	"store-down": {
		alerts: []string{"AuthKitStoreFails"},
		health: map[string]string{"store": "the store cannot be reached"},
		panels: map[string]func(shown) error{"State of the store": state("unreachable")}},
	"store-frozen": {
		alerts: []string{"AuthKitStoreFails"},
		health: map[string]string{"store": "the store cannot be reached"},
		panels: map[string]func(shown) error{"State of the store": state("unreachable")}},
	"deaf": {neighbour: true, signInEvery: 100,
		alerts: []string{"AuthKitInstanceDeaf", "AuthKitStoreFails"},
		health: map[string]string{"store": "the store cannot be reached"},
		panels: map[string]func(shown) error{"Age of the store's log": func(p shown) error {
			return errors.Join(between(p.queries[0].sum("instance", "deaf"), 11*60, 13*60), between(p.queries[0].sum("instance", "neighbour"), 0, 5))
		}}},
	"event-function": {during: 40 * time.Minute, later: 20 * time.Minute, step: 2 * time.Minute,
		alerts: []string{"AuthKitEventFunctionFails"},
		panels: map[string]func(shown) error{"Events that are tried again": single(1, math.Inf(1))}},
	"events": {
		alerts: []string{"AuthKitEventsNotRead"},
		health: map[string]string{"events": eventsUnread},
		panels: map[string]func(shown) error{"State of the events": state("failing")}},
	"cookie-password": {before: 66 * time.Minute, during: 14 * time.Minute, step: 2 * time.Minute, stay: true, visits: 2,
		alerts: []string{"AuthKitCookiesDoNotOpen"},
		panels: map[string]func(shown) error{"Requests by outcome": counted("authkit_outcome", "cookie_refused", 50, 65)}},
	"issuer": {
		alerts: []string{"AuthKitTokensRefused", "AuthKitSignInsFail"},
		panels: map[string]func(shown) error{"Requests by outcome": counted("authkit_outcome", "token_refused", 40, 200)}},
	"redirect-uri": {before: 40 * time.Minute, during: 68 * time.Minute, later: 10 * time.Minute, step: 2 * time.Minute,
		alerts: []string{"AuthKitSignInsDoNotReturn"},
		panels: map[string]func(shown) error{"Sign-ins": func(p shown) error {
			return errors.Join(between(p.count(0, "", ""), 30, 38), between(p.count(1, "authkit_outcome", "ok"), 0, 0))
		}}},
	// A real storm of ten minutes has 15,000 refreshes.
	"storm": {before: 12 * time.Second, during: 18 * time.Second, later: 10 * time.Second, step: time.Second, users: 34, signInEvery: 10, shorten: 40,
		alerts: []string{"AuthKitRefreshStorm"},
		also:   []string{"AuthKitWorkOSFails"},
		panels: map[string]func(shown) error{"Refreshes by outcome": counted("authkit_outcome", "ok", 25*18, math.Inf(1))}},
}
