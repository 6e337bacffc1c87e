package arq

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The format of a packet, byte for byte.
func TestFormat(t *testing.T) {
	got := encode(nil, Packet{Protocol: GoBackN, Type: Data,
		Transfer: 0x0102030405060708, Seq: 0x0a0b0c0d}, "Hi")
	want := []byte{3, 1, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8, 0xa, 0xb, 0xc, 0xd,
		0, 0, 0, 0}
	if diff := cmp.Diff(want, got[:20]); diff != "" {
		t.Errorf("header before the checksum (-want +got):\n%s", diff)
	}
	if !bytes.Equal(got[24:], []byte("Hi")) {
		t.Errorf("payload %q", got[24:])
	}
	// CRC-32 of these 22 bytes, from Python: zlib.crc32.
	if diff := cmp.Diff([]byte{0xa7, 0x39, 0xb1, 0x68}, got[20:24]); diff != "" {
		t.Errorf("checksum (-want +got):\n%s", diff)
	}
}

// Each single bit that the network flips is noticed.
func TestEveryBit(t *testing.T) {
	for _, size := range []int{0, 1, 64, MaxPayload} {
		b := encode(nil, Packet{Protocol: StopAndWait, Type: Data,
			Transfer: 42, Seq: 43}, string(make([]byte, size)))
		if _, err := Decode(b); err != nil {
			t.Fatalf("intact packet of %d bytes: %v", len(b), err)
		}
		for bit := range 8 * len(b) {
			b[bit/8] ^= 0x80 >> (bit % 8)
			if p, err := Decode(b); err != ErrChecksum {
				t.Fatalf("%d bytes, bit %d flipped: %+v, error %v",
					len(b), bit, p, err)
			}
			b[bit/8] ^= 0x80 >> (bit % 8)
		}
	}
}

// RFC 1982, section 3.2, on both sides of the wrap.
func TestBefore(t *testing.T) {
	for _, c := range []struct {
		a, b uint32
		want bool
	}{
		{0, 0, false}, {0, 1, true}, {1, 0, false},
		{math.MaxUint32, 0, true}, {0, math.MaxUint32, false},
		{math.MaxUint32 - 5, 5, true}, {5, math.MaxUint32 - 5, false},
		{0, 1<<31 - 1, true}, {1<<31 - 1, 0, false},
		{1 << 31, math.MaxUint32, true},
	} {
		if got := before(c.a, c.b); got != c.want {
			t.Errorf("before(%d, %d) = %v", c.a, c.b, got)
		}
	}
}

// What Decode takes, encode gives back, byte for byte.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	for p := UDP; p <= SelectiveRepeat; p++ {
		for typ := Data; typ <= Ack; typ++ {
			f.Add(encode(nil, Packet{Protocol: p, Type: typ}, ""))
		}
	}
	f.Add(encode(nil, Packet{Protocol: UDP, Type: Data, Seq: 7}, "text"))
	f.Fuzz(func(t *testing.T, b []byte) {
		// A right checksum lets the fuzzer get past it.
		if len(b) >= HeaderSize {
			b = bytes.Clone(b)
			c := checksum(b)
			b[20], b[21] = byte(c>>24), byte(c>>16)
			b[22], b[23] = byte(c>>8), byte(c)
		}
		p, err := Decode(b)
		if err != nil {
			return
		}
		if again := encode(nil, p, string(p.Payload)); !bytes.Equal(b, again) {
			t.Errorf("%x\ndecoded to %+v\nwhich encodes to %x", b, p, again)
		}
	})
}

// Hosts that are fed what nobody honest sends neither panic nor grow.
func FuzzHosts(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Add(uint64(3), uint64(5))
	f.Fuzz(func(t *testing.T, seed1, seed2 uint64) {
		r := rand.New(rand.NewPCG(seed1, seed2))
		hosts := receivers()
		for p, h := range senders(0) {
			h.Write(0, make([]byte, 20*MaxPayload))
			for range 4 {
				h.Send(0)
			}
			hosts[p+100] = h
		}
		for p, h := range hosts {
			for range 3000 {
				typ := Type(r.IntN(5))
				packet := Packet{Protocol: p % 100, Type: typ,
					Transfer: wrapping}
				near := first(wrapping) + uint32(r.IntN(2500)-1200)
				if r.IntN(8) == 0 {
					near = r.Uint32()
				}
				payload := ""
				if typ == Ack {
					packet.Ack = near
				} else {
					packet.Seq = near
					payload = string(make([]byte, r.IntN(MaxPayload+2)))
				}
				h.Receive(0, encode(nil, packet, payload))
				if r.IntN(4) == 0 {
					h.Send(0)
					h.Deadline()
				}
			}
			kept := 0
			for {
				n, _ := h.Read(0, make([]byte, 65536))
				if n == 0 {
					break
				}
				kept += n
			}
			if kept > ReceiveBuffer+MaxWindow*MaxPayload {
				t.Errorf("%v kept %d bytes", p, kept)
			}
			if r, ok := h.(*SelectiveRepeatReceiver); ok &&
				len(r.kept) > MaxWindow {
				t.Errorf("%d packets kept out of order", len(r.kept))
			}
		}
	})
}
