// Where a browser is sent: lines 1 and 3 of the list.

package behaviour
