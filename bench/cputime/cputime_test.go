package cputime

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheCPUTimeGrowsWhileTheProcessComputes(t *testing.T) {
	before := Self()
	sum := 0
	for i := 0; Self() == before; i++ {
		sum += i
	}
	runtime.KeepAlive(sum)
	assert.Greater(t, Self(), before-1)
	assert.Positive(t, Self())
}
