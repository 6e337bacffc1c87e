package tcp

// Sequence numbers count bytes, modulo 2^32: after 4,294,967,295 comes 0 (RFC 9293, section 3.4).
// SYN and FIN have a number each, though they are no bytes: so they are acknowledged and repeated.

// before says whether a comes before b. They must be less than 2^31 apart.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// latest is the later one of two numbers.
func latest(a, b uint32) uint32 {
	if before(a, b) {
		return b
	}
	return a
}
