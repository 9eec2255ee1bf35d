// Package github checks the files for GitHub in .github: the workflows with actionlint, their pins and paths, and that the lists of
// Dependabot are those of the repository. It has tests only.
package github
