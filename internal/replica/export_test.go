// What the tests of this package use of its inside.

package replica

// Leave ends the following of the log, so that no goroutine of it is left. A bubble of package synctest requires that.
func (l *Log) Leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop != nil {
		l.stop()
	}
}
