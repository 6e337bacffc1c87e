// Package serial is a solution.
package serial

// Before says whether sequence number a comes before b, although the numbers
// wrap: 0 follows 4,294,967,295. Of two numbers that are 2^31 apart, neither
// comes before the other (RFC 1982, section 3.2).
func Before(a, b uint32) bool {
	// How far is it from a forward to b? An unsigned subtraction wraps as the
	// numbers do, so the distance is right on both sides of the wrap. Half of
	// the circle lies ahead of a, the other half behind.
	distance := b - a
	return distance > 0 && distance < 1<<31
}

// InWindow says whether n is one of the size numbers that begin with first.
func InWindow(n, first, size uint32) bool {
	// Not first <= n && n < first+size: the end may wrap.
	return n-first < size
}
