package tcp_test

import (
	"encoding/binary"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/tcp"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// What decodes is encoded to a packet that says the same.
func FuzzDecode(f *testing.F) {
	s := tcp.Segment{Src: clientAddr, Dst: serverAddr, Flags: tcp.SYN,
		SegmentOptions: tcp.SegmentOptions{
			MSS: 1460, SACKPermitted: true, HasScale: true, Scale: 7, HasTimestamps: true,
			TSVal: 5}}
	f.Add(s.Encode(nil))
	s.Flags, s.Payload, s.SegmentOptions = tcp.ACK, make([]byte, 100), tcp.SegmentOptions{
		SACK: []tcp.Block{{From: 7, To: 9}, {From: 20, To: 30}}, HasTimestamps: true, TSVal: 5,
		TSEcr: 9}
	f.Add(s.Encode(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := tcp.Decode(repaired(b))
		if err != nil {
			return
		}
		if len(s.SACK) > 3 {
			return // may not fit beside what else there is
		}
		again, err := tcp.Decode(s.Encode(nil))
		diff := cmp.Diff(s, again, cmpopts.EquateEmpty(), cmpopts.EquateComparable(s.Src))
		if err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
}

// repaired gives a packet right checksums, or no input would ever get past them.
func repaired(b []byte) []byte {
	b = append([]byte(nil), b...)
	if len(b) < 40 || len(b) < int(b[0]&15)*4+20 || b[0]&15 < 5 {
		return b
	}
	ip, segment := b[:b[0]&15*4], b[b[0]&15*4:]
	binary.BigEndian.PutUint16(ip[2:], uint16(len(b)))
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], ^sum16(ip))
	binary.BigEndian.PutUint16(segment[16:], 0)
	pseudo := append([]byte(nil), ip[12:20]...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(6<<16+len(segment)))
	binary.BigEndian.PutUint16(segment[16:], ^sum16(append(pseudo, segment...)))
	return b
}

// sum16 is the Internet checksum in its plainest form.
func sum16(b []byte) uint16 {
	acc := 0
	for i, c := range b {
		if acc += int(c) << (8 * (1 - i%2)); acc > 0xffff {
			acc -= 0xffff
		}
	}
	return uint16(acc)
}

// Whatever arrives, in any state: no panic, no endless loop, and never more
// packets than a window has.
func FuzzReceive(f *testing.F) {
	f.Add(uint8(0), []byte("\x02\x00\x00\x00\x00\x00\x00\x00"))
	f.Add(uint8(1), []byte("\x10\x01\x00\x01\x20\x00\x40\x02\x11\x01\x00\x20\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		o := variant(int(kind))
		o.Local, o.Remote, o.ISS, o.Trace = serverAddr, clientAddr, ourISS, true
		o.NoSACK, o.NoTimestamps, o.Nagle, o.DelayedACK =
			kind&4 != 0, kind&8 != 0, kind&16 != 0, kind&32 != 0
		c := tcp.Accept(o)
		if kind&64 != 0 {
			c = tcp.Dial(o)
		}
		now, buffer := time.Duration(0), make([]byte, 3000)
		settle := func() {
			for n := 0; ; n++ {
				if _, ok := c.Send(now); !ok {
					break
				}
				if n > 10_000 {
					t.Fatal("it sends without end")
				}
			}
			c.State()
			c.Notes()
		}
		settle()
		if kind&128 != 0 { // begin with a connection that stands
			s := tcp.Segment{Src: clientAddr, Dst: serverAddr, Seq: peerISS, Ack: ourISS + 1,
				Window:         65535,
				SegmentOptions: tcp.SegmentOptions{MSS: 1460, SACKPermitted: true}}
			for _, s.Flags = range []tcp.Flags{tcp.SYN | tcp.ACK, tcp.SYN} {
				c.Receive(now, s.Encode(nil))
			}
			settle()
			s.Flags, s.Seq, s.SegmentOptions = tcp.ACK, peerISS+1, tcp.SegmentOptions{}
			c.Receive(now, s.Encode(nil))
		}
		// Eight bytes are one event: flags, sequence number, length, ACK, window,
		// a SACK block.
		for ; len(b) >= 8; b = b[8:] {
			switch b[0] >> 5 {
			case 1:
				c.Write(now, buffer[:int(b[1])*10])
			case 2:
				c.Read(now, buffer[:int(b[1])])
			case 3:
				now += time.Duration(b[1]) * 10 * time.Millisecond
			case 4:
				if at, ok := c.Deadline(); ok {
					now = max(now, at)
				}
			case 5:
				c.Close(now)
			default:
				s := tcp.Segment{Src: clientAddr, Dst: serverAddr, Flags: tcp.Flags(b[0] & 31),
					Seq: peerISS + uint32(int8(b[1]))*uint32(b[2]), Payload: buffer[:int(b[3])*5],
					Ack:    ourISS + uint32(int8(b[4]))*uint32(b[5]),
					Window: uint16(b[6]) << (b[6] % 9)}
				if b[7] > 0 {
					from := ourISS + uint32(b[7])*uint32(b[5])
					s.SACK = []tcp.Block{{From: from, To: from +
						uint32(binary.BigEndian.Uint16(b[6:]))}}
				}
				if b[7]&1 != 0 {
					s.HasTimestamps, s.TSVal, s.TSEcr = true, uint32(b[2]), ourISS+uint32(b[3])
				}
				c.Receive(now, s.Encode(nil))
			}
			settle()
		}
	})
}
