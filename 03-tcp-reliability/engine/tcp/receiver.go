package tcp

// The receiving half: it puts bytes into order, keeps what comes too early, and tells the peer how
// much more it may send (RFC 9293, sections 3.4 and 3.8.6).
//
//	      read            nxt                         edge
//	 read   |   waiting    |  [kept]  [kept]           |
//	--------+--------------+---------------------------+----------
//	        |<---------- at most size ---------------->|  too much
type receiver struct {
	irs  uint32 // IRS: the number of the peer's SYN
	read uint32 // the next byte for the application
	nxt  uint32 // RCV.NXT: all before it has arrived
	edge uint32 // RCV.NXT + RCV.WND, as the peer was last told

	size  int    // RCV.BUFF, in bytes
	least int    // by how much the window must grow to be worth telling
	shift uint8  // windows are told as bytes >> shift (RFC 7323, section 2)
	bytes buffer // from read on

	kept []Block // what arrived out of order, the newest first

	fin    uint32 // the FIN's number,
	hasFIN bool   // if one arrived
	thrown int    // segments thrown away so far
}

// begin takes the number of the peer's SYN.
func (r *receiver) begin(irs uint32) {
	r.irs, r.read, r.nxt, r.edge = irs, irs+1, irs+1, irs+1
	r.kept, r.hasFIN = r.kept[:0], false
}

// accepts says whether a segment has a number in the window: the four cases of RFC 9293, section
// 3.10.7.4. It takes two more, as Linux does: one that covers the whole window, and an empty one at
// its end. Its sender has used up our window, and its acknowledgement may be what gets us going.
func (r *receiver) accepts(s *Segment) bool {
	first, last := s.Seq, s.end()-1
	if s.end() == s.Seq {
		return !before(first, r.nxt) && !before(r.edge, first)
	}
	in := func(n uint32) bool { return !before(n, r.nxt) && before(n, r.edge) }
	return in(first) || in(last) || before(first, r.nxt) && !before(last, r.edge) && r.edge != r.nxt
}

// add takes the bytes, and perhaps the FIN, of a segment. What lies outside the window is cut off.
// The FIN counts as one more byte.
func (r *receiver) add(seq uint32, p []byte, fin bool) {
	end := seq + uint32(len(p))
	if before(r.edge, end) {
		p, fin = p[:r.edge-seq], false
		end = r.edge
	}
	if fin && end != r.edge && !before(end, r.nxt) {
		if !r.hasFIN {
			r.fin, r.hasFIN = end, true
		}
		end++
	}
	if before(seq, r.nxt) {
		p = p[min(int(r.nxt-seq), len(p)):]
		seq = r.nxt
	}
	if !before(seq, end) {
		return
	}
	r.bytes.put(int(seq-r.read), p)

	// Ranges that overlap or touch become one. The newest stands first: the order that RFC 2018,
	// section 4, wants for SACK blocks.
	others := r.kept[:0]
	for _, k := range r.kept {
		if before(end, k.From) || before(k.To, seq) {
			others = append(others, k)
			continue
		}
		end = latest(end, k.To)
		if before(k.From, seq) {
			seq = k.From
		}
	}
	r.kept = others
	if seq == r.nxt {
		r.nxt = end
		return
	}
	r.kept = append(r.kept, Block{})
	copy(r.kept[1:], r.kept)
	r.kept[0] = Block{seq, end}
}

// finished says whether the FIN and every byte before it arrived.
func (r *receiver) finished() bool { return r.hasFIN && before(r.fin, r.nxt) }

// waiting is how many bytes the application may read.
func (r *receiver) waiting() int {
	if r.finished() {
		return int(r.fin - r.read)
	}
	return int(r.nxt - r.read)
}

// take gives the application bytes.
func (r *receiver) take(p []byte) int {
	n := min(len(p), r.waiting())
	copy(p, r.bytes.get(0, n))
	r.bytes.drop(n)
	r.read += uint32(n)
	return n
}

// free is the window that could be told now: what there is room for, as far as 16 bits can say it.
func (r *receiver) free() int {
	return max(0, min(r.size-r.waiting(), 0xffff<<r.shift)>>r.shift<<r.shift)
}

// opens says whether the window may grow. It grows by a whole segment or half the buffer at once:
// else a few bytes would be sent each time that a few are read (RFC 9293, section 3.8.6.2.2).
func (r *receiver) opens() bool {
	return int(int32(r.nxt+uint32(r.free())-r.edge)) >= r.least
}

// stuck says whether the peer waits for the window, and may go on.
func (r *receiver) stuck() bool { return int(r.edge-r.nxt) < r.least && r.opens() }

// window moves the edge, and gives what to tell. The edge never moves back (section 3.8.6).
func (r *receiver) window() int {
	if r.opens() {
		r.edge = r.nxt + uint32(r.free())
	}
	return int(r.edge - r.nxt)
}
