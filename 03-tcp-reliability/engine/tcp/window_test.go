package tcp_test

import (
	"testing"

	"example.com/sockets/03-tcp-reliability/engine/tcp"
)

// connected makes a client that is connected to a peer which takes full segments of an MTU.
func connected(o tcp.Options) *tcp.Conn {
	o.Local, o.Remote, o.ISS = clientAddr, serverAddr, ourISS
	c := tcp.Dial(o)
	c.Send(0)
	s := tcp.Segment{Src: serverAddr, Dst: clientAddr, Seq: peerISS, Ack: ourISS + 1, Window: 65535,
		Flags:          tcp.SYN | tcp.ACK,
		SegmentOptions: tcp.SegmentOptions{MSS: uint16(o.MTU - 40), HasScale: true, Scale: 8}}
	c.Receive(0, s.Encode(nil))
	c.Send(0) // the handshake's last ACK
	return c
}

// acknowledge has the peer say that it needs the byte n next.
func acknowledge(c *tcp.Conn, n uint32) {
	s := tcp.Segment{Src: serverAddr, Dst: clientAddr, Seq: peerISS + 1, Ack: ourISS + n,
		Flags: tcp.ACK, Window: 65535}
	c.Receive(0, s.Encode(nil))
}

// The first window is ten segments, and less if they are large (RFC 6928, section 2).
func TestFirstWindow(t *testing.T) {
	for mtu, want := range map[int]int{576: 5360, 1500: 14600, 1501: 14600, 9000: 17920} {
		c := connected(tcp.Options{MTU: mtu, NoTimestamps: true})
		if got := c.State().Out.Cwnd; got != want {
			t.Errorf("MTU %d: the first window has %d bytes, want %d", mtu, got, want)
		}
	}
}

// A peer without SACK repeats an acknowledgement after more than 2^31 bytes: the numbers of the last
// recovery, or of none, seem to lie ahead then (RFC 6582, section 3.2, step 2).
func TestDuplicatesAfterManyBytes(t *testing.T) {
	if !all() {
		t.Skip("sends 2 GB: set ALL")
	}
	c := connected(tcp.Options{MTU: 65535, NoSACK: true, NoTimestamps: true})
	full := make([]byte, 65535-40)
	sent := uint32(1)
	for range int64(1)<<31/int64(len(full)) + 2 {
		if c.Write(0, full) != len(full) {
			t.Fatal("a segment does not fit the buffer")
		}
		for _, ok := c.Send(0); ok; _, ok = c.Send(0) {
		}
		sent += uint32(len(full))
		acknowledge(c, sent)
	}
	for range 4 {
		c.Write(0, full[:10])
	}
	packets := 0
	for _, ok := c.Send(0); ok; _, ok = c.Send(0) {
		packets++
	}
	for range 3 {
		acknowledge(c, sent)
	}
	if p, ok := c.Send(0); packets != 4 || !ok || p.Retransmits == 0 {
		t.Errorf("of %d segments nothing is repeated after three duplicates", packets)
	}
}
