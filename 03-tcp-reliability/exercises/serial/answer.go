// Package serial is an exercise: README.md has the task.
package serial

// Before says whether sequence number a comes before b, although the numbers
// wrap: 0 follows 4,294,967,295. Of two numbers that are 2^31 apart, neither
// comes before the other (RFC 1982, section 3.2).
func Before(a, b uint32) bool {
	// TODO: write this.
	return false
}

// InWindow says whether n is one of the size numbers that begin with first.
func InWindow(n, first, size uint32) bool {
	// TODO: write this.
	return false
}
