package tcpstack

import (
	"sort"
	"strings"

	"example.com/sockets/03-tcp-reliability/engine/trace"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/checksum"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// A step is one thing done to the stack: a timer ran, a packet came, the
// application called. What the stack counted before and after it says why
// it sent what it sent.
type step struct {
	timer    bool            // a timer ran
	received header.TCPFlags // flags of the packet that came, or 0
	timeouts uint64          // retransmission timeouts so far
	fast     uint64          // fast retransmissions so far
	recovery uint64          // recoveries entered so far
	info     tcpip.TCPInfoOption
}

func (h *Host) step() step {
	t := h.stack.Stats().TCP
	s := step{
		timeouts: t.Timeouts.Value(),
		fast:     t.FastRetransmit.Value(),
		recovery: t.FastRecovery.Value() + t.SACKRecovery.Value(),
	}
	if h.ep != nil && !connecting(tcp.EndpointState(h.ep.State())) {
		h.ep.GetSockOpt(&s.info)
	}
	return s
}

// A Teller describes the packets that one end of a connection sends. Sequence
// numbers are relative to each end's SYN, as Wireshark shows them.
type Teller struct {
	number   int    // packets sent
	data     int    // first transmissions with payload
	iss, irs uint32 // the SYN's sequence numbers, ours and the peer's
	hasISS   bool
	hasIRS   bool
	scale    int
	max      uint32  // relative: the first number never sent
	first    []sent1 // first transmissions, in order of their numbers
	closed   bool    // the peer's window is zero
	una      uint32  // relative: what the peer asks for next
}

type sent1 struct {
	seq    uint32 // relative
	number int    // the packet's
	latest int    // that of its latest transmission
}

// Number says which number the next packet has, where the network counts the
// packets of several connections together.
func (t *Teller) Number(n int) { t.number = n - 1 }

// Received notes the peer's window and acknowledgement in an IPv4 packet, and
// gives its flags; 0 for a packet that is damaged.
func (t *Teller) Received(b []byte) header.TCPFlags {
	ip := header.IPv4(b)
	if !ip.IsValid(len(b)) || !ip.IsChecksumValid() ||
		len(ip.Payload()) < header.TCPMinimumSize {
		return 0
	}
	seg := header.TCP(ip.Payload())
	off := int(seg.DataOffset())
	if off < header.TCPMinimumSize || off > len(seg) ||
		!seg.IsChecksumValid(ip.SourceAddress(), ip.DestinationAddress(),
			checksum.Checksum(seg[off:], 0), uint16(len(seg)-off)) {
		return 0
	}
	t.closed = seg.WindowSize() == 0
	if seg.Flags().Contains(header.TCPFlagAck) {
		if a := seg.AckNumber() - t.iss; int32(a-t.una) > 0 {
			t.una = a
			t.forget()
		}
	}
	return seg.Flags()
}

// forget bounds the memory: of a long transfer it drops the packets that are
// acknowledged.
func (t *Teller) forget() {
	if len(t.first) < 10_000 || int32(t.first[len(t.first)/2].seq-t.una) > 0 {
		return
	}
	i := sort.Search(len(t.first)-1, func(i int) bool { return int32(t.first[i+1].seq-t.una) > 0 })
	t.first = append(t.first[:0], t.first[i:]...)
}

// Sent describes an IPv4 packet that the end sends. For a retransmission it
// asks why.
func (t *Teller) Sent(b []byte, why func(syn bool) trace.Reason) trace.Header {
	t.number++
	seg := header.TCP(header.IPv4(b).Payload())
	flags, payload := seg.Flags(), seg.Payload()
	syn, fin := flags.Contains(header.TCPFlagSyn), flags.Contains(header.TCPFlagFin)

	// The first SYN fixes our zero; the first acknowledgement is the
	// handshake's, of the peer's SYN, and fixes the peer's.
	if syn && !t.hasISS {
		t.iss, t.hasISS = seg.SequenceNumber(), true
		o := header.ParseSynOptions(seg.Options(),
			flags.Contains(header.TCPFlagAck))
		t.scale = max(o.WS, 0)
	}
	ack := flags.Contains(header.TCPFlagAck)
	if ack && !t.hasIRS {
		t.irs, t.hasIRS = seg.AckNumber()-1, true
	}

	c := trace.Header{
		Kind:   trace.PacketKind(kind(flags)),
		Seq:    seg.SequenceNumber() - t.iss,
		HasAck: ack,
		Length: len(payload),
		Text:   trace.Cut(payload),
		Window: int(seg.WindowSize()), HasWindow: true,
	}
	if !syn { // a SYN's own window is not scaled: RFC 7323, section 2.2
		c.Window <<= t.scale
	}
	if ack {
		c.Ack = seg.AckNumber() - t.irs
	}
	if !syn {
		for _, s := range seg.ParsedOptions().SACKBlocks {
			c.SACK = append(c.SACK, [2]uint32{
				uint32(s.Start) - t.irs, uint32(s.End) - t.irs})
		}
	}

	// SYN and FIN take a sequence number each: RFC 9293, section 3.4.
	size := uint32(len(payload))
	if syn {
		size++
	}
	if fin {
		size++
	}
	switch {
	case flags.Contains(header.TCPFlagRst):
	case size == 0 && c.Seq+1 == t.max:
		c.Why = "keep-alive"
	case len(payload) == 1 && t.closed && c.Seq+1 == t.una:
		// gVisor, like Linux, asks with the last acknowledged number;
		// RFC 9293, section 3.8.6.1, would send the next byte.
		c.Why, c.Text = "window probe", ""
		size = 0
	case size == 0:
	case len(t.first) > 0 && int32(c.Seq-t.max) < 0:
		i := sort.Search(len(t.first), func(i int) bool {
			return int32(t.first[i].seq-c.Seq) > 0
		})
		again := &t.first[max(i-1, 0)]
		c.Retransmits, c.Previous = again.number, again.latest
		again.latest = t.number
		c.Why = why(syn)
	default:
		t.first = append(t.first, sent1{c.Seq, t.number, t.number})
		if len(payload) > 0 {
			t.data++
			c.Data = t.data
		}
	}
	if end := c.Seq + size; size > 0 && int32(end-t.max) > 0 {
		t.max = end
	}
	return c
}

// why says what made the stack repeat a packet, as far as its timers and
// counters tell.
func why(syn bool, before, after step) trace.Reason {
	in := func(s tcpip.CongestionControlState) bool {
		return s == tcpip.SACKRecovery || s == tcpip.FastRecovery
	}
	switch {
	case syn && before.timer:
		return "timeout" // nothing but the handshake's timer repeats it
	case syn && before.received.Contains(header.TCPFlagSyn):
		return "duplicate SYN"
	case after.timeouts > before.timeouts:
		return "timeout"
	case after.fast > before.fast, after.recovery > before.recovery,
		in(before.info.CcState) && in(after.info.CcState):
		return "fast retransmit"
	case !before.timer && before.info.CcState == tcpip.RTORecovery:
		return trace.AfterTimeout // an arrival made room for it
	case before.timer && !in(before.info.CcState) &&
		before.info.CcState != tcpip.RTORecovery &&
		before.info.CcState == after.info.CcState:
		// Outside recovery the one other timer that repeats data is
		// RACK's probe timer: RFC 8985, section 7.
		return "tail loss probe"
	}
	return "unknown"
}

// kind names the flags in the order that a reader expects.
func kind(f header.TCPFlags) string {
	var s []string
	for _, n := range []struct {
		flag header.TCPFlags
		name string
	}{
		{header.TCPFlagRst, "RST"}, {header.TCPFlagSyn, "SYN"},
		{header.TCPFlagFin, "FIN"}, {header.TCPFlagAck, "ACK"},
	} {
		if f.Contains(n.flag) {
			s = append(s, n.name)
		}
	}
	return strings.Join(s, " ")
}
