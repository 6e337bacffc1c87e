package document

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"example.com/sockets/03-tcp-reliability/engine/arq"
)

func itoa(n int) string { return strconv.Itoa(n) }

// fieldsOf takes the headers of a packet apart, in the order of the wire: for
// TCP those of IPv4 (RFC 791, section 3.1) and TCP (RFC 9293, section 3.1),
// else the header of package arq.
func fieldsOf(b []byte, tcp bool) []Field {
	if !tcp {
		return arqFields(b)
	}
	if len(b) < 20 || len(b) < int(b[0]&15)*4+20 {
		return nil
	}
	fields := internetFields(b)
	return append(fields, tcpFields(b[int(b[0]&15)*4:],
		int(binary.BigEndian.Uint16(b[2:]))-int(b[0]&15)*4)...)
}

func field(name string, bits int, value any, meaning string) Field {
	return Field{name, bits, fmt.Sprint(value), meaning}
}

func internetFields(b []byte) []Field {
	be := binary.BigEndian
	return []Field{
		field("IP version", 4, b[0]>>4, "IPv4"),
		field("IP header length", 4, b[0]&15,
			fmt.Sprintf("in words of 4 bytes: %d bytes", b[0]&15*4)),
		field("DSCP and ECN", 8, b[1], "how routers should treat it"),
		field("total length", 16, be.Uint16(b[2:]), "bytes, with the headers"),
		field("identification", 16, be.Uint16(b[4:]), "of the fragments of one packet"),
		field("flags and fragment offset", 16, hex16(be.Uint16(b[6:])), fragment(be.Uint16(b[6:]))),
		field("time to live", 8, b[8], "routers that it may still pass"),
		field("protocol", 8, b[9], "6 is TCP"),
		field("IP checksum", 16, hex16(be.Uint16(b[10:])), "of the IP header alone"),
		field("source address", 32, netip.AddrFrom4([4]byte(b[12:16])), "who sends"),
		field("destination address", 32, netip.AddrFrom4([4]byte(b[16:20])), "who receives"),
	}
}

func fragment(v uint16) string {
	if v&0x4000 != 0 {
		return "don't fragment"
	}
	return "may be fragmented"
}

func hex16(v uint16) string { return fmt.Sprintf("0x%04x", v) }

// tcpFields takes a segment of a length in bytes apart; of the payload only
// the length is told.
func tcpFields(b []byte, length int) []Field {
	be := binary.BigEndian
	offset := int(b[12]>>4) * 4
	fields := []Field{
		field("source port", 16, be.Uint16(b), ""),
		field("destination port", 16, be.Uint16(b[2:]), ""),
		field("sequence number", 32, be.Uint32(b[4:]),
			"of the first byte; the picture counts from the SYN's"),
		field("acknowledgement number", 32, be.Uint32(b[8:]),
			"the byte expected next: all before it has arrived"),
		field("data offset", 4, b[12]>>4,
			fmt.Sprintf("in words of 4 bytes: the header has %d bytes", offset)),
		field("flags", 12, flags(b[13]), "which fields mean something, and what is asked for"),
		field("window", 16, be.Uint16(b[14:]),
			"how much more the sender of this takes, before the scale that its SYN gave"),
		field("checksum", 16, hex16(be.Uint16(b[16:])), "of addresses, header and payload"),
		field("urgent pointer", 16, be.Uint16(b[18:]), "not used today"),
	}
	if offset > 20 && offset <= len(b) {
		fields = append(fields, optionFields(b[20:offset])...)
	}
	return append(fields, field("payload", 8*max(0, length-offset),
		fmt.Sprintf("%d bytes", max(0, length-offset)), ""))
}

// flags names the bits that are set, most significant first.
func flags(b byte) string {
	var set []string
	for i, name := range []string{"CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"} {
		if b&(0x80>>i) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, " ")
}

func optionFields(b []byte) (fields []Field) {
	be := binary.BigEndian
	for len(b) > 0 {
		if b[0] == 0 {
			break // end of the list
		}
		if b[0] == 1 {
			b = b[1:] // padding
			continue
		}
		if len(b) < 2 || int(b[1]) < 2 || int(b[1]) > len(b) {
			break
		}
		kind, body := b[0], b[2:b[1]]
		bits := 8 * int(b[1])
		b = b[b[1]:]
		switch {
		case kind == 2 && len(body) == 2:
			fields = append(fields, field("option: maximum segment size", bits, be.Uint16(body),
				"bytes of payload that the sender of this takes at once (RFC 9293, section 3.7.1)"))
		case kind == 3 && len(body) == 1:
			fields = append(fields, field("option: window scale", bits, body[0],
				fmt.Sprintf("its windows count units of %d bytes (RFC 7323, section 2)",
					1<<min(body[0], 14))))
		case kind == 4:
			fields = append(fields, field("option: SACK permitted", bits, "",
				"it understands selective acknowledgements (RFC 2018)"))
		case kind == 5:
			for ; len(body) >= 8; body = body[8:] {
				fields = append(fields, field("option: SACK block", 64,
					fmt.Sprintf("%d to %d", be.Uint32(body), be.Uint32(body[4:])),
					"this has arrived, though something before it has not; the last number is "+
						"not in it"))
			}
		case kind == 8 && len(body) == 8:
			fields = append(fields, field("option: timestamps", bits,
				fmt.Sprintf("%d, echo of %d", be.Uint32(body), be.Uint32(body[4:])),
				"the sender's clock, and the peer's that it answers: so a round trip is measured "+
					"(RFC 7323, section 3)"))
		default:
			fields = append(fields, field(fmt.Sprintf("option %d", kind), bits,
				fmt.Sprintf("%x", body), ""))
		}
	}
	return fields
}

// arqFields takes a packet of package arq apart, damaged or not.
func arqFields(b []byte) []Field {
	if len(b) < arq.HeaderSize {
		return nil
	}
	be := binary.BigEndian
	sum := "of all the other bytes (CRC-32)"
	if _, err := arq.Decode(b); err == arq.ErrChecksum {
		sum = "it does not fit the other bytes: the packet was damaged"
	}
	return []Field{
		field("protocol", 8, b[0], arq.Protocol(b[0]).String()),
		field("type", 8, b[1], arq.Type(b[1]).String()),
		field("length", 16, be.Uint16(b[2:]), "bytes of payload"),
		field("transfer", 64, fmt.Sprintf("0x%016x", be.Uint64(b[4:])),
			"which one this packet belongs to"),
		field("sequence number", 32, be.Uint32(b[12:]),
			"of this packet; the picture counts from 1"),
		field("acknowledgement number", 32, be.Uint32(b[16:]),
			"the packet that this one acknowledges"),
		field("checksum", 32, fmt.Sprintf("0x%08x", be.Uint32(b[20:])), sum),
		field("payload", 8*(len(b)-arq.HeaderSize), fmt.Sprintf("%d bytes", len(b)-arq.HeaderSize),
			""),
	}
}
