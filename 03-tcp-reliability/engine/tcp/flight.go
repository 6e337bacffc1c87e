package tcp

import (
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// The sending half. What is under way is a list of the segments as they were sent, the scoreboard
// of RFC 6675, section 4. SYN and FIN stand in it like data: one retransmission serves the
// handshake, the data and the closing.
//
//	               una                nxt             end
//	 acknowledged   |    under way     |   written     |
//	----------------+------------------+---------------+---- [FIN]
//	                |<------ at most wnd ------->|
type sender struct {
	iss    uint32 // ISS: the number of our SYN
	una    uint32 // SND.UNA: the oldest number not acknowledged
	nxt    uint32 // SND.NXT: the next number to send
	end    uint32 // the number after the last byte written: the FIN's
	first  uint32 // the number of the first byte in bytes
	bytes  buffer // from una on: repeated until they are acknowledged
	flight []sent // from una to nxt, in order
	room   []sent // the array behind flight, used again

	wnd      int    // SND.WND: how much the peer takes, from una on
	wl1, wl2 uint32 // SND.WL1, SND.WL2: the segment that said so
	widest   int    // the largest window seen
	shift    uint8  // of the peer's windows
}

// A sent is a segment under way.
type sent struct {
	seq, end uint32
	syn, fin bool
	at       time.Duration // sent, the last time,
	begun    time.Duration // and the first
	times    int           // how often
	original int           // number of the packet that carried it first,
	latest   int           // and of the latest

	arrived bool         // says a SACK, although not all before it did
	lost    trace.Reason // by whom it was judged lost; "": not, or it was sent again since
	line    trace.Line   // of the code that judged
}

// size is what the segment counts against a window, in bytes. A FIN is none: else a full segment
// with a FIN would never fit a window of one segment.
func (x *sent) size() int {
	if x.fin {
		return int(x.end - x.seq - 1)
	}
	return int(x.end - x.seq)
}

// allows says whether all of a segment lies in the peer's window. Nobody forbids a SYN.
func (d *sender) allows(x *sent) bool { return x.syn || !before(d.una+uint32(d.wnd), x.end) }

// begin takes the number of our SYN.
func (d *sender) begin(iss uint32) {
	d.iss, d.una, d.nxt, d.first, d.end = iss, iss, iss, iss+1, iss+1
}

// queued is how many bytes wait for their first transmission.
func (d *sender) queued() int {
	return max(0, int(int32(d.end-latest(d.nxt, d.first))))
}

// payload is the bytes of a segment. SYN and FIN have none.
func (d *sender) payload(x *sent) []byte {
	from, to := latest(x.seq, d.first), x.end
	if x.fin {
		to--
	}
	if !before(from, to) {
		return nil
	}
	return d.bytes.get(int(from-d.first), int(to-from))
}

// append adds a new segment behind the others.
func (d *sender) append(x sent) *sent {
	if len(d.flight) == cap(d.flight) {
		if 2*len(d.flight) >= len(d.room) {
			d.room = make([]sent, max(8, 4*len(d.flight)))
		}
		d.flight = d.room[:copy(d.room, d.flight)]
	}
	d.flight = append(d.flight, x)
	d.nxt = x.end
	return &d.flight[len(d.flight)-1]
}

// acknowledge takes what lies before ack off the list, and calls arrived for each segment that no
// SACK had told of.
func (d *sender) acknowledge(ack uint32, arrived func(*sent)) {
	for len(d.flight) > 0 {
		x := &d.flight[0]
		if before(ack, x.end) {
			if before(x.seq, ack) {
				x.seq = ack // a part of it: the peer's window cut it
			}
			break
		}
		if !x.arrived {
			arrived(x)
		}
		d.flight = d.flight[1:]
	}
	// A FIN has a number and no byte: only bytes leave the buffer.
	done := ack
	if before(d.end, done) {
		done = d.end
	}
	if before(d.first, done) {
		d.bytes.drop(int(done - d.first))
		d.first = done
	}
	d.una = ack
}

// selective marks what SACK blocks say (RFC 2018, section 5; RFC 6675, section 5, Update), and
// calls arrived for each segment that is new.
func (d *sender) selective(blocks []Block, arrived func(*sent)) {
	for _, k := range blocks {
		if before(k.From, d.una) || before(d.nxt, k.To) {
			continue // D-SACK, or nonsense
		}
		for i := range d.flight {
			x := &d.flight[i]
			if !x.arrived && !before(x.seq, k.From) && !before(k.To, x.end) {
				arrived(x)
				x.arrived, x.lost = true, ""
			}
		}
	}
}

// pipe is how many bytes are in the network: what is under way, without what arrived and without
// what is lost (RFC 6675, section 4, SetPipe).
func (d *sender) pipe() int {
	n := 0
	for i := range d.flight {
		if x := &d.flight[i]; !x.arrived && x.lost == "" {
			n += x.size()
		}
	}
	return n
}

// threshold is how many segments sent later must have arrived before one is taken for lost:
// DupThresh (RFC 6675, section 2). Networks reorder a little: fewer would be false alarms.
const threshold = 3

// judge marks what is lost by the order of arrival: a segment with three behind it that arrived
// (RFC 6675, section 4, IsLost, counted in segments, since small ones would not fill the RFC's
// bytes). It judges first transmissions alone: by their order nobody can tell which segments left
// before a repetition, and which after. RACK knows more (rack.go).
func (c *Conn) judge() (found bool) {
	flight, behind := c.snd.flight, 0
	for i := len(flight) - 1; i >= 0; i-- {
		x := &flight[i]
		switch {
		case x.arrived:
			behind++
		case behind >= threshold && x.lost == "" && x.times == 1:
			x.lost, x.line, found = trace.FastRetransmit, c.here(0), true
		}
	}
	return found
}
