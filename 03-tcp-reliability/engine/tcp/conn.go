package tcp

import (
	"cmp"
	"errors"
	"io"
	"net/netip"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// Options are the settings of one end. All but Local, and for Dial Remote, may be left zero.
type Options struct {
	Local, Remote netip.AddrPort // IPv4. Accept without Remote takes any peer
	ISS           uint32         // the first sequence number: random, so that nobody guesses it

	MTU           int // bytes of the largest IPv4 packet; 0: 1500
	ReceiveBuffer int // bytes; 0: DefaultBuffer
	SendBuffer    int // bytes; 0: DefaultBuffer

	Congestion   string        // "reno" (RFC 5681) or "cubic" (RFC 9438); "": cubic
	RACK         bool          // judge losses by time, and probe for a lost tail (RFC 8985)
	NoSACK       bool          // don't speak of selective acknowledgements (RFC 2018)
	NoTimestamps bool          // nor of timestamps (RFC 7323)
	RTOMin       time.Duration // the least and the most of the retransmission
	RTOMax       time.Duration // timeout; 0: 200 ms and 60 s (rto.go)
	Nagle        bool          // collect small writes (RFC 9293, section 3.7.4)
	DelayedACK   bool          // acknowledge every second segment, or after 40 ms (3.8.6.3)

	// Trace has Send tell everything of each packet. Without it only Bytes, Data and whether
	// Retransmits is 0 are right, and packets leave faster.
	Trace bool
}

// DefaultBuffer is how many bytes a buffer takes: 1 MiB.
const DefaultBuffer = 1 << 20

// A Conn is one end of a connection, a host of package simulation. Its methods are for one
// goroutine. The time passed to them is since any start, and never goes back.
type Conn struct {
	options Options
	state   state
	err     error          // why it failed
	remote  netip.AddrPort // the peer, as soon as it is known

	snd        sender     // flight.go
	rcv        receiver   // receiver.go
	congestion congestion // congestion.go
	recovery   recovery   // recovery.go
	rto        rto        // rto.go
	stamps     stamps     // timestamps.go
	rack       rack       // rack.go

	peerMSS int  // what the peer takes in a segment
	sack    bool // both ends speak of selective acknowledgements
	scaled  bool // the peer's SYN spoke of window scale
	passive bool // a SYN came to us
	ended   bool // the application has closed: the FIN follows the last byte

	timer    timer
	rearm    bool          // the timer begins anew at the end of output
	timeouts int           // in a row, without any progress
	probing  time.Duration // between window probes; 0: the window is open

	heard     time.Duration   // when the peer was last heard,
	unheard   int             // and how often the timer has run out since
	owed      acknowledgement // arrive.go
	duplicate int             // acknowledgements in a row that repeat the one before

	now  time.Duration // of the latest event
	dial bool          // the SYN is to be sent at the first event
	out  outbox        // packets for Send (tell.go)
	told told          // what Notes has told
}

// Dial makes the end that connects: its SYN leaves with the first Send.
func Dial(o Options) *Conn {
	c := newConn(o)
	c.dial = true
	return c
}

// Accept makes the end that waits for a SYN.
func Accept(o Options) *Conn {
	c := newConn(o)
	c.state = listen
	return c
}

func newConn(o Options) *Conn {
	o.MTU = max(cmp.Or(o.MTU, 1500), leastMTU)
	o.ReceiveBuffer = cmp.Or(o.ReceiveBuffer, DefaultBuffer)
	o.SendBuffer = cmp.Or(o.SendBuffer, DefaultBuffer)
	c := &Conn{options: o, remote: o.Remote, sack: !o.NoSACK}
	c.stamps = stamps{on: !o.NoTimestamps, offset: o.ISS}
	c.rto = rto{now: initialRTO, least: cmp.Or(o.RTOMin, leastRTO), most: cmp.Or(o.RTOMax, mostRTO)}
	c.rcv.size, c.rcv.least = o.ReceiveBuffer, max(1, min(o.ReceiveBuffer/2, c.ownMSS()))
	for c.rcv.size>>c.rcv.shift > 0xffff && c.rcv.shift < maxScale {
		c.rcv.shift++ // until 16 bits can say it (RFC 7323, section 2.3)
	}
	c.congestion.avoid = &cubic{}
	if o.Congestion == "reno" {
		c.congestion.avoid = &reno{}
	}
	c.snd.begin(o.ISS)
	c.recovery.point = o.ISS
	c.congestion.begin(c.ownMSS(), false)
	c.rack.on = o.RACK && c.sack
	return c
}

const (
	defaultMSS = 536 // what every host takes (RFC 9293, section 3.7.1)
	leastMSS   = 64  // less would be hardly more than headers
	leastMTU   = 68  // what every link carries (RFC 791, section 3.2)
)

func (c *Conn) ownMSS() int { return c.options.MTU - ipHeader - tcpHeader }

// begin is done first at each event.
func (c *Conn) begin(now time.Duration) {
	c.now = now
	if c.dial {
		c.dial = false
		c.state = synSent
		c.sendSYN(now)
	}
}

// Receive takes a packet from the network. It keeps none of its bytes.
func (c *Conn) Receive(now time.Duration, packet []byte) {
	c.begin(now)
	c.out.arrivals++
	c.out.cause = c.out.arrivals
	s, err := Decode(packet)
	if err != nil || s.Dst != c.options.Local ||
		c.remote.IsValid() && s.Src != c.remote {
		c.rcv.thrown++
	} else {
		c.arrive(now, &s)
		c.output(now)
	}
	c.out.cause = 0
}

// Send gives the next packet for the network, if any. Its bytes are good until the next event.
func (c *Conn) Send(now time.Duration) (trace.Packet, bool) {
	c.begin(now)
	if c.tick(now) {
		c.output(now)
	}
	return c.out.pop()
}

// Deadline says when to call Send although nothing arrives.
func (c *Conn) Deadline() (time.Duration, bool) {
	if c.dial {
		return 0, true
	}
	return c.due()
}

// Write takes what fits of p, to be sent: 0 to len(p) bytes. Before it is established: none.
func (c *Conn) Write(now time.Duration, p []byte) int {
	c.begin(now)
	if c.ended || !c.state.maySend() {
		return 0
	}
	held := int(c.snd.end - c.snd.first)
	n := max(0, min(len(p), c.options.SendBuffer-held))
	if n > 0 {
		c.snd.bytes.put(held, p[:n])
		c.snd.end += uint32(n)
		c.output(now)
	}
	return n
}

// Close says that no more bytes come from this side: a FIN follows them. The peer may go on
// sending. (In SYN-SENT, RFC 9293, section 3.10.4, deletes the connection; here the FIN waits.)
func (c *Conn) Close(now time.Duration) {
	c.begin(now)
	if c.state == listen {
		c.state = closed
	}
	if !c.ended {
		c.ended = true
		c.output(now)
	}
}

// Abort ends the connection at once: the peer gets a RST (section 3.10.5).
func (c *Conn) Abort(now time.Duration) {
	c.begin(now)
	if c.state != closed && c.state != timeWait {
		c.fail(errors.New("connection aborted by this side"), true)
	}
}

// Read moves received bytes to p: 0 and nil when there are none yet, io.EOF after the peer's last,
// another error when the connection has failed.
func (c *Conn) Read(now time.Duration, p []byte) (int, error) {
	c.begin(now)
	if n := c.rcv.take(p); n > 0 {
		if c.rcv.stuck() && c.state.mayReceive() {
			c.acknowledge() // so that the peer learns of the window
			c.output(now)
		}
		return n, nil
	}
	if c.rcv.waiting() == 0 && c.rcv.finished() {
		return 0, io.EOF
	}
	if c.rcv.waiting() > 0 {
		return 0, nil
	}
	return 0, c.err
}

// Done says whether this side has finished: closed in both directions, or in TIME-WAIT, where it
// only answers a peer that missed the last acknowledgement; or failed, and then why.
func (c *Conn) Done() (bool, error) {
	return c.err != nil || c.state == timeWait || c.state == closed && !c.dial, c.err
}
