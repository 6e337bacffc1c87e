// Package trace is the list of what happened in a run.
package trace

import "time"

// A Packet is what a host hands to the network.
type Packet struct {
	Bytes []byte // as they cross the network: for TCP an IPv4 packet
	Carries
}

// Carries describes a packet in the field's terms.
type Carries struct {
	Kind        string      // the flags, such as "SYN", "SYN ACK", "FIN ACK"
	Seq, Ack    uint32      // relative, as Wireshark shows them
	HasAck      bool        // Ack means something
	Length      int         // payload bytes
	Text        string      // the payload's first 64 bytes
	Window      int         // bytes, scaled
	SACK        [][2]uint32 // relative, first byte and the one after the last
	Data        int         // k: first transmission of the k-th packet with payload
	Retransmits int         // number of the first transmission, or 0
	Why         string      // of a retransmission or a probe, if it is known
}

// A Note is something that a host says of its own state.
type Note struct {
	At    time.Duration
	Name  string // "cwnd", "ssthresh", "srtt", "rto"
	Value int64
	Unit  string // "segments", "us"
}
