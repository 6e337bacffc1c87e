// Package arq has the three textbook protocols that repeat what was lost
// (automatic repeat request): stop-and-wait, go-back-N and selective repeat;
// and, to compare, UDP with no protocol at all. An end of a transfer does no
// I/O: packets and the time go in, packets and the next deadline come out.
// What carries the packets is left to others.
package arq

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// A packet is a header of 24 bytes, numbers big-endian, and the payload:
//
//	byte  0      protocol: 1 UDP alone, 2 stop-and-wait,
//	             3 go-back-N, 4 selective repeat
//	      1      type: 1 data, 2 fin, 3 ack
//	      2-3    length of the payload in bytes; 0 in fin and ack
//	      4-11   transfer: which one this packet belongs to
//	     12-15   sequence number of a data or fin packet; 0 in an ack
//	     16-19   sequence number that an ack acknowledges; else 0
//	     20-23   checksum: CRC-32 (IEEE 802.3, section 3.2.9) of all the
//	             other bytes
//
// The sequence numbers count packets. The first packet of a transfer has the
// low 32 bits of the transfer's number, plus 1: so both ends know where to
// start and need no handshake. After 4294967295 comes 0.
const HeaderSize = 24 // bytes

// MaxPayload is the most that one packet carries, in bytes. With the headers
// of IPv6 and UDP it stays below 1280, which every IPv6 link can carry
// (RFC 8200, section 5).
const MaxPayload = 1200

// Type says what a packet is for.
type Type byte

const (
	Data Type = 1
	Fin  Type = 2 // the last packet: no data follows
	Ack  Type = 3
)

func (t Type) String() string {
	switch t {
	case Data:
		return "data"
	case Fin:
		return "fin"
	case Ack:
		return "ack"
	}
	return fmt.Sprintf("type %d", byte(t))
}

// A Packet is a decoded packet.
type Packet struct {
	Protocol Protocol
	Type     Type
	Transfer uint64
	Seq, Ack uint32
	Payload  []byte // a part of the bytes decoded
}

// ErrChecksum says that a packet was damaged on its way.
var ErrChecksum = errors.New("the checksum is wrong")

var errFormat = errors.New("not a packet of these protocols")

// Decode takes a packet apart. The error is ErrChecksum or says that the
// bytes are no such packet.
func Decode(b []byte) (Packet, error) {
	if len(b) < HeaderSize || len(b) > HeaderSize+MaxPayload {
		return Packet{}, errFormat
	}
	if binary.BigEndian.Uint32(b[20:]) != checksum(b) {
		return Packet{}, ErrChecksum
	}
	p := Packet{
		Protocol: Protocol(b[0]),
		Type:     Type(b[1]),
		Transfer: binary.BigEndian.Uint64(b[4:]),
		Seq:      binary.BigEndian.Uint32(b[12:]),
		Ack:      binary.BigEndian.Uint32(b[16:]),
		Payload:  b[HeaderSize:],
	}
	if !p.Protocol.known() ||
		p.Type < Data || p.Type > Ack ||
		int(binary.BigEndian.Uint16(b[2:])) != len(p.Payload) ||
		p.Type != Data && len(p.Payload) > 0 ||
		p.Type == Ack && p.Seq != 0 || p.Type != Ack && p.Ack != 0 {
		return Packet{}, errFormat
	}
	return p, nil
}

// Encode puts a packet together: Decode takes it apart.
func Encode(p Packet) []byte { return encode(nil, p, string(p.Payload)) }

// encode puts a packet together in b, whose old content is lost. The
// payload comes as a string of its own, because the senders keep it as one.
func encode(b []byte, p Packet, payload string) []byte {
	b = append(b[:0], byte(p.Protocol), byte(p.Type))
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	b = binary.BigEndian.AppendUint64(b, p.Transfer)
	b = binary.BigEndian.AppendUint32(b, p.Seq)
	b = binary.BigEndian.AppendUint32(b, p.Ack)
	b = append(b, 0, 0, 0, 0)
	b = append(b, payload...)
	binary.BigEndian.PutUint32(b[20:], checksum(b))
	return b
}

// checksum is over all bytes but its own four. Every change of a single bit
// gives another one.
func checksum(b []byte) uint32 {
	return crc32.Update(crc32.ChecksumIEEE(b[:20]), crc32.IEEETable,
		b[HeaderSize:])
}

// first is the sequence number of a transfer's first packet.
func first(transfer uint64) uint32 { return uint32(transfer) + 1 }

// before compares sequence numbers that wrap (RFC 1982, section 3.2): a is
// before b when the way from a up to b is shorter than half the circle.
func before(a, b uint32) bool { return int32(a-b) < 0 }
