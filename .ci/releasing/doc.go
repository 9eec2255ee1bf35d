// Package releasing makes a release of this repository: which modules it has, the commits without replace directives, the tags, and
// the files of a module proxy.
//
// A release gives every released module the same version. The module of the root is tagged first, at the commit that is released.
// Each nested module follows in a commit of its own: without replace directives for this repository, with the real versions of its
// modules in go.mod and with their hashes in go.sum. These commits are on no branch. Their tags are the only names for them, so
// that the branch keeps its replace directives.
//
// The commands release and publish of this directory use it.
package releasing
