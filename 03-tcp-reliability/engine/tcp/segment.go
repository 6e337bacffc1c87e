package tcp

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// A segment is the bytes of an IPv4 packet: 20 bytes of IPv4 header (RFC 791, section 3.1), 20 of
// TCP header (RFC 9293, section 3.1), options, payload.

// Flags are the control bits of a segment.
type Flags uint8

// The control bits that this TCP knows.
const (
	FIN Flags = 1 << iota // no more bytes from the sender
	SYN                   // the sequence number is the sender's first
	RST                   // there is no such connection
	PSH                   // hand the bytes over
	ACK                   // Ack means something
)

// A Segment is what one packet says.
type Segment struct {
	Src, Dst netip.AddrPort
	Seq, Ack uint32
	Flags    Flags
	Window   uint16 // as the header has it, not scaled
	SegmentOptions
	Payload []byte // after Decode a part of the packet
}

const (
	ipHeader  = 20
	tcpHeader = 20
	protocol  = 6 // TCP's number in an IPv4 header
)

// Decode takes an IPv4 packet apart. It fails if the packet was cut off, was damaged or holds
// something else. A receiver drops such a packet without a word.
func Decode(packet []byte) (Segment, error) {
	var s Segment
	if len(packet) < ipHeader+tcpHeader {
		return s, errors.New("packet too short")
	}
	start, total := int(packet[0]&15)*4, int(binary.BigEndian.Uint16(packet[2:]))
	const moreOrOffset = 0x3fff // of a fragment
	if packet[0]>>4 != 4 || packet[9] != protocol ||
		binary.BigEndian.Uint16(packet[6:])&moreOrOffset != 0 {
		return s, errors.New("not an unfragmented IPv4 packet with TCP in it")
	}
	if start < ipHeader || total < start+tcpHeader || total > len(packet) {
		return s, errors.New("packet too short")
	}
	p := packet[start:total]
	if fold(sum(packet[:start], 0)) != 0 || checksum(packet[12:20], p) != 0 {
		return s, errors.New("wrong checksum")
	}
	offset := int(p[12]>>4) * 4
	if offset < tcpHeader || offset > len(p) {
		return s, errors.New("packet too short")
	}

	s.Src = address(packet[12:], p[0:])
	s.Dst = address(packet[16:], p[2:])
	s.Seq = binary.BigEndian.Uint32(p[4:])
	s.Ack = binary.BigEndian.Uint32(p[8:])
	s.Flags = Flags(p[13]) & (FIN | SYN | RST | PSH | ACK)
	s.Window = binary.BigEndian.Uint16(p[14:])
	s.Payload = p[offset:]
	if !s.SegmentOptions.decode(p[tcpHeader:offset]) {
		return s, errors.New("options have an impossible length")
	}
	return s, nil
}

func address(ip, port []byte) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip[:4])), binary.BigEndian.Uint16(port))
}

// Encode appends the segment to b as an IPv4 packet.
func (s *Segment) Encode(b []byte) []byte {
	from := len(b)
	src, dst := s.Src.Addr().As4(), s.Dst.Addr().As4()
	b = append(b,
		0x45, 0, 0, 0, // version 4, header of 5 words; the length comes below
		0, 0, 0x40, 0, // no identification, don't fragment (RFC 6864)
		64, protocol, 0, 0) // hops left; the checksum comes below
	b = append(append(b, src[:]...), dst[:]...)

	b = binary.BigEndian.AppendUint16(b, s.Src.Port())
	b = binary.BigEndian.AppendUint16(b, s.Dst.Port())
	b = binary.BigEndian.AppendUint32(b, s.Seq)
	b = binary.BigEndian.AppendUint32(b, s.Ack)
	b = append(b, 0, byte(s.Flags), byte(s.Window>>8), byte(s.Window), 0, 0, 0, 0)
	b = s.SegmentOptions.encode(b)
	b[from+ipHeader+12] = byte((len(b)-from-ipHeader)/4) << 4
	b = append(b, s.Payload...)

	ip, tcp := b[from:from+ipHeader], b[from+ipHeader:]
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)+len(tcp)))
	binary.BigEndian.PutUint16(ip[10:], fold(sum(ip, 0)))
	binary.BigEndian.PutUint16(tcp[16:], checksum(ip[12:20], tcp))
	return b
}

// end is the number after the segment's last: SYN and FIN have one each.
func (s *Segment) end() uint32 {
	n := s.Seq + uint32(len(s.Payload))
	if s.Flags&SYN != 0 {
		n++
	}
	if s.Flags&FIN != 0 {
		n++
	}
	return n
}

// checksum covers the TCP segment, the two addresses, the protocol's number and the length (RFC
// 9293, section 3.1). Over a segment that has its checksum in it the result is 0.
func checksum(addresses, segment []byte) uint16 {
	return fold(sum(segment, sum(addresses, protocol+uint64(len(segment)))))
}

// sum adds b to acc, as the Internet checksum does (RFC 1071): as 16-bit numbers, whose carries are
// added in again. Four bytes at a time give the same sum, since 2^16 counts as 1.
func sum(b []byte, acc uint64) uint64 {
	for ; len(b) >= 4; b = b[4:] {
		acc += uint64(binary.BigEndian.Uint32(b))
	}
	for i, c := range b {
		acc += uint64(c) << (8 * (3 - i))
	}
	return acc
}

// fold adds the carries in until 16 bits are left, and turns them over.
func fold(acc uint64) uint16 {
	for acc > 0xffff {
		acc = acc&0xffff + acc>>16
	}
	return ^uint16(acc)
}
