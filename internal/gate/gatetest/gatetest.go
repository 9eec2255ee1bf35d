// The table of path tricks, for every front door that is built on the gate.

// Package gatetest has what the tests of the gate and of the front doors that are built on it share.
package gatetest

import (
	"strings"

	"github.com/authkit-go/authkit/internal/gate"
)

// Rules are the rules for [PathTricks]. All other paths need a session.
var Rules = []gate.Rule{
	{Path: "/public/*", Allow: []string{gate.Public}},
	{Path: "/public/admin/*", Roles: []string{"admin"}},
	{Path: "/public/exact", Roles: []string{"admin"}},
	{Path: "/", Allow: []string{gate.Public}},
}

// PathTricks has the status of the answer to an anonymous request, by its method and its request target as they stand in the request
// line. 200 is that of the upstream, and of the sign-out at /logout. No trick reaches the upstream at a path that is not public.
var PathTricks = map[string]int{
	"GET /public/a":                                    200,
	"GET /public/a.b/c-d_e":                            200,
	"GET /public/a%20b":                                200,
	"GET /public/a%2Fb":                                200,
	"GET /public//b":                                   200,
	"GET /public/a;v=1":                                200,
	"GET /public/.well-known/x":                        200,
	"GET /public/100%25":                               200,
	"GET /public/%E9":                                  200,
	"GET /":                                            200,
	"GET /public/../admin":                             400,
	"GET /public/./a":                                  400,
	"GET /public/..":                                   400,
	"GET /public/.":                                    400,
	"GET /public/%2e%2e/admin":                         400,
	"GET /public/%2E./admin":                           400,
	"GET /public/%252e%252e/admin":                     400,
	"GET /public/%25252e%25252e/admin":                 400,
	"GET /public/..%2fadmin":                           400,
	"GET /public/..%252fadmin":                         400,
	"GET /public/..;/admin":                            400,
	"GET /public/..;x=1/admin":                         400,
	"GET /public/..%3b/admin":                          400,
	"GET /public/.%20./admin":                          400,
	"GET /public/..%20/admin":                          400,
	"GET /public/.../admin":                            400,
	`GET /public/..\admin`:                             400,
	"GET /public/..%5cadmin":                           400,
	"GET /public/x%5c..%5c..%5cadmin":                  400,
	"GET /public/%255cadmin":                           400,
	"GET /public/x%00":                                 400,
	"GET /public/x%2500":                               400,
	"GET /public/x%0aadmin":                            400,
	"GET /public/x%7f":                                 400,
	"GET /public/%c0%ae%c0%ae/admin":                   400,
	"GET /public/%c0%af..":                             400,
	"GET /public/%e0%80%ae":                            400,
	"GET /public/%f0%80%80%ae":                         400,
	"GET /public/%zz":                                  400,
	"GET /public/%":                                    400,
	"GET /public/%u002e":                               400,
	"GET /public/admin":                                401,
	"GET /public/admin/":                               401,
	"GET /public/Admin/x":                              401,
	"GET /public//admin/x":                             401,
	"GET /public/%61dmin":                              401,
	"GET /public/%2561dmin":                            401,
	"GET /public/admin%2Fx":                            401,
	"GET /public%2Fadmin":                              401,
	"GET /public%2F%2Fadmin":                           401,
	"GET /public/admin;x=1":                            401,
	"GET /public/admin;x=1/users":                      401,
	"GET /public/a;b/../admin":                         400,
	"GET /public/exact/y":                              200,
	"GET /public/exact;x/y":                            401, // some programs cut the path at the first ;
	"GET /public/admin./x":                             401,
	"POST /%6Cogout":                                   401, // the gate's own paths have one spelling
	"GET /public/admin.":                               401,
	"GET /public/admin%20":                             401,
	"GET /public/%20admin":                             401,
	"GET /public/admin%3Fx":                            401,
	"GET /public/admin%23x":                            401,
	"GET /public/adm%C4%B1n":                           401, // a dotless i, whose capital letter is I
	"GET //public/x":                                   401, // a URL parser may take public for a host
	"GET //x/public/a":                                 401,
	"GET ///public/admin":                              401,
	"GET /;/public/a":                                  401,
	"GET /;a":                                          401,
	"GET /%2F":                                         401, // one reading is not /
	"GET /private":                                     401,
	"GET http://elsewhere.test/public/a":               200,
	"GET http://elsewhere.test/public/../admin":        400,
	"GET http://elsewhere.test/private":                401,
	"GET http://elsewhere.test":                        200,
	"GET http://user@elsewhere.test/public/a":          400,
	"GET ftp://elsewhere.test/public/a":                400,
	"GET mailto:public":                                400,
	"GET public/a":                                     400,
	"GET *":                                            400,
	"CONNECT elsewhere.test:443":                       400,
	"CONNECT /public/a":                                400,
	"POST http://elsewhere.test/logout":                200,
	"GET /public/" + strings.Repeat("a", 9000):         200,
	"GET /public/%20" + strings.Repeat("a", 9000):      414,
	"GET /public/%" + strings.Repeat("25", 200) + "41": 400,
}
