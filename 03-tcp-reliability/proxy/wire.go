package main

import (
	"bytes"
	"encoding/binary"
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/tcpstack"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A wire joins the two TCP stacks by the lossy network. Each packet that one
// of them sends comes to send; those that the network lets through, and when,
// go to the other.
type wire struct {
	net      *sharedNetwork
	pair     *tcpstack.Pair
	schedule *schedule

	mu      sync.Mutex // guards what follows
	watch   *watcher
	tracks  map[uint16]*track // by the client's port between the stacks
	count   int               // connections so far
	numbers [2]int            // packets so far
	data    int               // first transmissions of payload from clients
}

// A track is what is known of one connection between the stacks.
type track struct {
	id      int
	begun   time.Duration
	tells   [2]tcpstack.Teller // of the packets in each direction
	repairs [2]repair
	ends    [2]*tcpstack.Conn // nil until they are connected
	packets [2]int
	lost    [2]int
	again   map[trace.Reason]int // retransmissions, by reason
	bytes   [2]int64             // handed over to the program at the end
}

func newWire(net *sharedNetwork, watch *watcher, o tcpstack.Options, mtu int) (*wire, error) {
	w := &wire{net: net, watch: watch, tracks: map[uint16]*track{}, schedule: newSchedule(net.now)}
	// The stacks begin to send as soon as they exist.
	w.mu.Lock()
	defer w.mu.Unlock()
	pair, err := tcpstack.NewPair(o, uint32(mtu),
		func(b []byte) { w.send(network.Up, b) },
		func(b []byte) { w.send(network.Down, b) })
	if err != nil {
		w.schedule.close()
		return nil, err
	}
	w.pair = pair
	return w, nil
}

func (w *wire) close() {
	w.pair.Destroy()
	w.schedule.close()
}

// send takes a packet that a stack sends.
func (w *wire) send(d network.Direction, packet []byte) {
	b := bytes.Clone(packet) // it is only lent
	w.mu.Lock()
	t := w.track(d, b)
	w.numbers[d]++
	t.tells[d].Number(w.numbers[d])
	c := t.tells[d].Sent(b, func(syn bool) trace.Reason { return t.why(d, syn) })
	t.repairs[d].sent(&c)
	if d == network.Up && c.Data > 0 {
		w.data++
		c.Data = w.data
	}
	fate, now := w.net.send(d, len(b), c.Data)

	t.packets[d]++
	if c.Retransmits > 0 {
		t.again[c.Why]++
	}
	lost := fate.Lost != network.NotLost
	if lost {
		t.lost[d]++
	}
	if w.watch.watching() {
		e := trace.Event{At: now, Kind: trace.Sent, Connection: t.id, Direction: d,
			Number: fate.Number, Packet: &c, Bytes: b}
		w.watch.add(&e, lost)
		if lost {
			e.Kind, e.Loss = trace.Lost, fate.Lost
			w.watch.add(&e, false)
		}
	}
	var arrived [2][]byte // what the network does not hold back
	for i := range fate.N {
		copied := fate.Copies[i]
		arrive := func(now time.Duration) []byte {
			return w.arrive(now, t, d, fate.Number, i+1, b, copied.FlipBit, &c)
		}
		if copied.At <= now {
			arrived[i] = arrive(now)
			continue
		}
		w.schedule.at(copied.At, func() {
			w.mu.Lock()
			b := arrive(w.net.now())
			w.mu.Unlock()
			w.pair.Deliver(1-int(d), b)
		})
	}
	w.mu.Unlock()
	for _, b := range arrived {
		if b != nil {
			w.pair.Deliver(1-int(d), b)
		}
	}
}

// arrive notes that a copy of a packet has come to the other end, and gives
// its bytes, perhaps damaged. It is called with the lock held.
func (w *wire) arrive(now time.Duration, t *track, d network.Direction, number, copied int, b []byte, flip int, c *trace.Header) []byte {
	kind := trace.Arrived
	if flip >= 0 {
		b = bytes.Clone(b)
		b[flip/8] ^= 0x80 >> (flip % 8)
		kind = trace.Discarded // the checksums see it
	}
	if w.watch.watching() {
		w.watch.add(&trace.Event{At: now, Kind: kind, Connection: t.id, Direction: d,
			Number: number, Copy: copied, Packet: c, Bytes: b}, false)
	}
	if flip < 0 {
		t.tells[1-d].Received(b)
		t.repairs[1-d].received(c)
	}
	return b
}

// track finds the connection of a packet, or begins one with its first SYN.
func (w *wire) track(d network.Direction, b []byte) *track {
	header := int(b[0]&15) * 4 // of IPv4
	port := binary.BigEndian.Uint16(b[header+2*int(d):])
	syn := b[header+13]&0b10010 == 0b00010 // and no ACK
	t := w.tracks[port]
	if t == nil || syn && t.ends[0] != nil && t.ends[0].Over() {
		w.count++
		t = &track{id: w.count, begun: w.net.now(), again: map[trace.Reason]int{}}
		w.tracks[port] = t
	}
	return t
}

// connected tells the wire of an end of a connection, and returns its track.
func (w *wire) connected(end network.Direction, c *tcpstack.Conn) *track {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.tracks[c.Port]
	t.ends[end] = c
	return t
}

// handed notes bytes that a program at an end of the connection got. d is the
// direction in which they went; none is the end.
func (w *wire) handed(t *track, d network.Direction, p []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.bytes[d] += int64(len(p))
	if !w.watch.watching() {
		return
	}
	e := trace.Event{At: w.net.now(), Kind: trace.Read, Connection: t.id, Direction: d,
		Length: len(p), Text: trace.Cut(p)}
	if len(p) == 0 {
		e.Kind = trace.End
	}
	w.watch.add(&e, false)
}

// ended prints the summary of a connection.
func (w *wire) ended(t *track, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := trace.Event{At: w.net.now(), Kind: trace.Finished, Connection: t.id}
	if reason != "" {
		e.Kind, e.Text = trace.Failed, reason
	}
	w.watch.add(&e, false)
	w.watch.summary(t, w.net.now()-t.begun, reason)
}

// A repair follows one direction of a connection, to say why a packet was sent
// again.
type repair struct {
	max      uint32       // the first number never sent
	mode     trace.Reason // what the repair under way was begun by
	until    uint32       // and it goes on until this is acknowledged
	timeouts uint64
}

func (c *repair) sent(p *trace.Header) {
	end := p.Seq + uint32(p.Length)
	if p.Kind.Has("SYN") || p.Kind.Has("FIN") {
		end++ // they take a number each
	}
	if int32(end-c.max) > 0 {
		c.max = end
	}
}

func (c *repair) received(p *trace.Header) {
	if p.HasAck && int32(p.Ack-c.until) >= 0 {
		c.mode = ""
	}
}

// why says why an end sends a packet again: its timer ran out, as the stack
// counts, or else acknowledgements told of a loss (RFC 5681, section 3.2, and
// RFC 6675, section 5). With RACK off the stacks have no third reason.
func (t *track) why(d network.Direction, syn bool) trace.Reason {
	if syn {
		return "timeout" // nothing but the handshake's timer repeats it
	}
	c, end := &t.repairs[d], t.ends[d]
	if end == nil {
		return "unknown"
	}
	if n := end.Timeouts(); n > c.timeouts {
		c.timeouts, c.mode, c.until = n, trace.AfterTimeout, c.max
		return trace.Timeout
	}
	if c.mode == "" {
		c.mode, c.until = trace.FastRetransmit, c.max
	}
	return c.mode
}

// over says whether both ends of a connection have finished.
func (w *wire) over(t *track) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return t.ends[0].Over() && (t.ends[1] == nil || t.ends[1].Over())
}
