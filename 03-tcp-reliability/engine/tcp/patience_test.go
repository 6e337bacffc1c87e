package tcp_test

import (
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/tcp"
)

// An end is given up after 15 repetitions, but never sooner than RFC 9293, section 3.8.3, allows,
// however fast it repeats: 100 s, for a SYN 3 minutes.
func TestPatience(t *testing.T) {
	const late = time.Hour // events may begin at any time
	peer := tcp.Segment{Src: serverAddr, Dst: clientAddr, Seq: peerISS, Ack: ourISS + 1,
		Flags: tcp.SYN | tcp.ACK, SegmentOptions: tcp.SegmentOptions{MSS: 1460}}
	// silence lets the time go on until the end gives up. It counts what leaves, with the RST.
	silence := func(c *tcp.Conn, now time.Duration) (until time.Duration, sent int) {
		for {
			for _, ok := c.Send(now); ok; _, ok = c.Send(now) {
				if sent++; sent > 1000 {
					t.Fatal("it never ends")
				}
			}
			at, ok := c.Deadline()
			if !ok {
				return now, sent
			}
			now = at
		}
	}
	dial := func(most time.Duration) *tcp.Conn {
		return tcp.Dial(tcp.Options{Local: clientAddr, Remote: serverAddr, ISS: ourISS,
			NoTimestamps: true, RTOMax: most})
	}
	established := func(most time.Duration, window uint16) *tcp.Conn {
		c := dial(most)
		c.Send(late)
		s := peer
		s.Window = window
		c.Receive(late, s.Encode(nil))
		return c
	}
	check := func(what string, c *tcp.Conn, begun, until time.Duration, least, most time.Duration) {
		t.Helper()
		if _, err := c.Done(); err == nil || until-begun < least || until-begun > most {
			t.Errorf("%s: given up after %v, error %v", what, until-begun, err)
		}
	}

	c := dial(time.Second)
	until, _ := silence(c, late)
	check("a SYN", c, late, until, 3*time.Minute, 181*time.Second)

	c = established(time.Second, 1000)
	c.Write(late, make([]byte, 10))
	until, _ = silence(c, late)
	check("data", c, late, until, 100*time.Second, 101*time.Second)

	c = established(time.Second, 0)
	c.Write(late, make([]byte, 10))
	until, _ = silence(c, late)
	check("a first window probe", c, late, until, 100*time.Second, 101*time.Second)

	// A closed window, whose probe is answered once.
	c = established(time.Second, 0)
	c.Write(late, make([]byte, 10))
	c.Send(late + 50*time.Second)
	answer := peer
	answer.Seq, answer.Flags, answer.SegmentOptions = peerISS+1, tcp.ACK, tcp.SegmentOptions{}
	c.Receive(late+50*time.Second, answer.Encode(nil))
	until, _ = silence(c, late+50*time.Second)
	check("a window probe", c, late+50*time.Second, until, 100*time.Second, 101*time.Second)

	// A handshake with losses leaves the probes their 15 repetitions: the ACK, 15 probes, the RST.
	c = dial(time.Minute)
	now := late
	for range 5 {
		c.Send(now)
		now, _ = c.Deadline()
	}
	c.Receive(now, peer.Encode(nil))
	c.Write(now, make([]byte, 10))
	if _, sent := silence(c, now); sent != 17 {
		t.Errorf("after SYNs that were lost, %d packets leave", sent)
	}
}
