package authkit

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestALocationKeepsPrintableASCIIAndNothingElse(t *testing.T) {
	assert.Equal(t, "/!~%20%7F%00%1F%80%FF", asciiURL("/!~ \x7f\x00\x1f\x80\xff"))
}
