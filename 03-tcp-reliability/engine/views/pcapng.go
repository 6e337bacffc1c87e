package views

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// captureStart is the date of time 0 in a capture, the same in every run.
var captureStart = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// Values of the pcapng format
// (https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/): the sections
// are 4.1, 4.2, 4.3 and, for the options, 3.5.
const (
	sectionHeader  = 0x0A0D0D0A
	interfaceBlock = 1
	packetBlock    = 6
	byteOrderMagic = 0x1A2B3C4D
	linkTypeRaw    = 101 // packets begin with their IP header
	optComment     = 1
	optName        = 2
	optResolution  = 9
)

// LostComment marks a packet of a capture that is missing at the other end.
const LostComment = "lost in the network"

// WritePcapng writes what a capture would see at one end: at the client, what
// it sends and what comes down to it. TCP's packets are written as they
// are, those of the textbook protocols as UDP datagrams. There is one file for
// each end, because an analyser that sees both ends in one file takes every
// packet for a retransmission.
func WritePcapng(w io.Writer, t *trace.Trace, end network.Direction) error {
	out := bufio.NewWriter(w)
	c := Capture{Writer: out, End: end, Start: captureStart, Datagrams: t.Protocol != "tcp"}
	c.Begin()
	lost := map[int]bool{} // by number, of those sent from this end
	for _, e := range t.Events {
		if e.Kind == trace.Lost && e.Direction == end {
			lost[e.Number] = true
		}
	}
	for i := range t.Events {
		e := &t.Events[i]
		c.Add(e, e.Kind == trace.Sent && lost[e.Number])
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("cannot write the capture: %w", err)
	}
	return nil
}

// A Capture writes the packets of one end, one after the other. The Writer
// keeps its first error to itself until it is asked, as bufio's does.
type Capture struct {
	*bufio.Writer
	End       network.Direction
	Start     time.Time // of the run
	Datagrams bool      // the packets are payloads of UDP

	sent map[packetName][]byte // with Datagrams: the payloads before any damage
}

type packetName struct {
	direction network.Direction
	number    int
}

// Begin writes what a capture begins with.
func (c *Capture) Begin() {
	section := binary.LittleEndian.AppendUint32(nil, byteOrderMagic)
	section = append(section, 1, 0, 0, 0)                        // version 1.0
	section = binary.LittleEndian.AppendUint64(section, 1<<64-1) // of unknown length
	block(c, sectionHeader, section)
	face := binary.LittleEndian.AppendUint32(nil, linkTypeRaw)
	face = binary.LittleEndian.AppendUint32(face, 0) // no limit to a packet's length
	face = option(face, optName, [...]string{"client", "server"}[c.End])
	face = option(face, optResolution, "\x09") // 10^-9 seconds
	face = option(face, 0, "")
	block(c, interfaceBlock, face)
}

// Add writes the event's packet, if this end sees it.
func (c *Capture) Add(e *trace.Event, lost bool) {
	name := packetName{e.Direction, e.Number}
	if c.Datagrams && e.Kind == trace.Sent {
		if c.sent == nil {
			c.sent = map[packetName][]byte{}
		}
		c.sent[name] = e.Bytes
	}
	here := e.Kind == trace.Sent && e.Direction == c.End ||
		(e.Kind == trace.Arrived || e.Kind == trace.Discarded || e.Kind == trace.Dropped) &&
			e.Direction != c.End
	if !here {
		return
	}
	b := e.Bytes
	if c.Datagrams {
		whole := c.sent[name]
		if e.Kind != trace.Discarded || whole == nil {
			whole = b
		}
		b = datagram(e.Direction, b, whole)
	}
	at := uint64(c.Start.Add(e.At).UnixNano())
	p := binary.LittleEndian.AppendUint32(nil, 0) // the one interface
	p = binary.LittleEndian.AppendUint32(p, uint32(at>>32))
	p = binary.LittleEndian.AppendUint32(p, uint32(at))
	p = binary.LittleEndian.AppendUint32(p, uint32(len(b)))
	p = binary.LittleEndian.AppendUint32(p, uint32(len(b)))
	p = padded(append(p, b...))
	switch {
	case lost:
		p = option(option(p, optComment, LostComment), 0, "")
	case e.Kind == trace.Discarded:
		p = option(option(p, optComment, "damaged in the network"), 0, "")
	case e.Copy > 1:
		p = option(option(p, optComment, "duplicated in the network"), 0, "")
	}
	block(c, packetBlock, p)
}

// block writes a block: type, length, body, and the length once more.
func block(w io.Writer, kind uint32, body []byte) {
	size := uint32(12 + len(body))
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = binary.LittleEndian.AppendUint32(b, size)
	b = append(b, body...)
	w.Write(binary.LittleEndian.AppendUint32(b, size))
}

func option(b []byte, code uint16, value string) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return padded(append(b, value...))
}

func padded(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// datagram wraps a payload in UDP and IPv4 headers, between the addresses
// that the TCP hosts have. The checksum is that of the payload as it was sent.
func datagram(d network.Direction, payload, sent []byte) []byte {
	client, server := [4]byte{192, 0, 2, 1}, [4]byte{192, 0, 2, 2}
	from, to, fromPort, toPort := client, server, uint16(50000), uint16(65432)
	if d == network.Down {
		from, to, fromPort, toPort = to, from, toPort, fromPort
	}
	size := uint16(28 + len(payload))
	b := []byte{0x45, 0}                            // IPv4, 20 bytes of header
	b = binary.BigEndian.AppendUint16(b, size)      // total length
	b = append(b, 0, 0, 0x40, 0, 64, 17, 0, 0)      // not to be fragmented, TTL 64, UDP
	b = append(append(b, from[:]...), to[:]...)     // RFC 791, section 3.1
	binary.BigEndian.PutUint16(b[10:], internet(b)) // its checksum

	// The UDP checksum covers a pseudo header too: RFC 768.
	pseudo := append(append([]byte(nil), from[:]...), to[:]...)
	pseudo = append(pseudo, 0, 17)
	pseudo = binary.BigEndian.AppendUint16(pseudo, size-20)
	u := binary.BigEndian.AppendUint16(nil, fromPort)
	u = binary.BigEndian.AppendUint16(u, toPort)
	u = binary.BigEndian.AppendUint16(u, size-20)
	u = append(u, 0, 0)
	sum := internet(append(append(pseudo, u...), sent...))
	if sum == 0 {
		sum = 0xffff // 0 means that there is none
	}
	binary.BigEndian.PutUint16(u[6:], sum)
	return append(append(b, u...), payload...)
}

// internet is the checksum of RFC 1071.
func internet(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i]) << 8
		if i+1 < len(b) {
			sum += uint32(b[i+1])
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
