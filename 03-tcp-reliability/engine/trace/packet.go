package trace

import (
	"path"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// A Packet is what a host hands to the network.
type Packet struct {
	Bytes []byte // as they cross the network: for TCP an IPv4 packet
	Header
}

// A Header is a packet in the field's terms.
type Header struct {
	Kind      PacketKind
	Seq, Ack  uint32      // relative, as Wireshark shows them
	HasAck    bool        // Ack means something
	Length    int         // payload bytes
	Text      string      // the payload's first TextSize bytes
	Window    int         // bytes, scaled
	HasWindow bool        // Window means something; it may be 0
	SACK      [][2]uint32 // relative, first byte and the one after the last
	Data      int         // k: first transmission of the k-th packet with payload

	// Of a packet that was sent before, or a probe:
	Retransmits int    // number of the first transmission, or 0
	Previous    int    // number of the latest transmission before this one, or 0
	Why         Reason // "" for a first transmission

	// What made the host send it: an arrival, or 0 when its timer or its
	// application did. A host counts what it receives: 1, 2, 3 …; in a trace
	// it is that packet's number in its own direction.
	Cause int
	Line  Line // of the protocol's code that sent it
}

// PacketKind says what a packet is for: the type of a textbook protocol's
// packet, or the flags of a TCP segment.
type PacketKind string

const (
	Datagram PacketKind = "datagram" // UDP's
	Data     PacketKind = "data"     // the textbook protocols'
	Fin      PacketKind = "fin"
	Ack      PacketKind = "ack"

	SYN    PacketKind = "SYN" // TCP's
	SYNACK PacketKind = "SYN ACK"
	ACK    PacketKind = "ACK" // with or without data
	FINACK PacketKind = "FIN ACK"
	RST    PacketKind = "RST"
	RSTACK PacketKind = "RST ACK"
)

// TCP says whether the packet is a TCP segment.
func (k PacketKind) TCP() bool {
	return k != Datagram && k != Data && k != Fin && k != Ack
}

// Has says whether a segment has a flag, such as SYN.
func (k PacketKind) Has(flag PacketKind) bool {
	return strings.Contains(string(k), string(flag))
}

// A Reason says why a packet was sent again, or why a probe was sent.
type Reason string

const (
	Timeout        Reason = "timeout"         // its timer ran out at this moment
	GoBack         Reason = "go-back"         // an earlier packet's timer ran out: go-back-N
	AfterTimeout   Reason = "after a timeout" // the same in TCP, as the window lets it go
	FastRetransmit Reason = "fast retransmit" // acknowledgements say that it is missing
	// what was sent a while later has arrived (RFC 8985, section 6.2)
	RACK Reason = "RACK"
	// nothing was heard for two round trips (RFC 8985, section 7)
	TailLossProbe Reason = "tail loss probe"
	// is the window still closed? (RFC 9293, section 3.8.6.1)
	WindowProbe  Reason = "window probe"
	KeepAlive    Reason = "keep-alive"    // is the peer still there? (RFC 9293, section 3.8.4)
	DuplicateSYN Reason = "duplicate SYN" // the peer repeated its SYN, so it misses ours
	Unknown      Reason = "unknown"       // the sender does not say
)

// A Note is something that a host says of its own state.
type Note struct {
	At    time.Duration
	Name  string // "cwnd", "ssthresh", "srtt", "rto"
	Value int64
	Unit  string // "segments", "us"
}

// A Line is a place in the code of a protocol, or 0.
type Line uintptr

// Here is the line that called, or with skip 1, 2 … a line further out.
func Here(skip int) Line {
	var pc [1]uintptr
	runtime.Callers(skip+2, pc[:])
	return Line(pc[0])
}

// Place is the file, as "arq/selectiverepeat.go", and the number of the line.
func (l Line) Place() (file string, line int) {
	if l == 0 {
		return "", 0
	}
	frame, _ := runtime.CallersFrames([]uintptr{uintptr(l)}).Next()
	dir, base := path.Split(strings.ReplaceAll(frame.File, `\`, "/"))
	return path.Join(path.Base(dir), base), frame.Line
}

// String is the line in the form "selectiverepeat.go:57", or "".
func (l Line) String() string {
	if l == 0 {
		return ""
	}
	file, line := l.Place()
	return path.Base(file) + ":" + strconv.Itoa(line)
}
