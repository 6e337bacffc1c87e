package tcp

// A buffer holds the bytes of one direction between the application and the acknowledgement. Its
// first byte stands at start; what is new is put at any distance behind it.
type buffer struct {
	room  []byte
	start int
}

// put copies p to the place at bytes behind the first.
func (b *buffer) put(at int, p []byte) {
	if at+len(p) > len(b.room)-b.start {
		b.moveDown(at + len(p))
	}
	copy(b.room[b.start+at:], p)
}

// moveDown makes room for n bytes. As there is twice the room, a byte is moved about once.
func (b *buffer) moveDown(n int) {
	room := b.room
	if 2*n > len(room) {
		room = make([]byte, max(4*n, 4<<10)) // most connections carry little
	}
	copy(room, b.room[b.start:])
	b.room, b.start = room, 0
}

// get is n bytes, from the place at bytes behind the first.
func (b *buffer) get(at, n int) []byte {
	return b.room[b.start+at : b.start+at+n]
}

// drop gives up the first n bytes.
func (b *buffer) drop(n int) { b.start += n }
