package tcp

import "encoding/binary"

// SegmentOptions stand between a segment's header and its payload (RFC 9293, section 3.2). The
// first three are for a SYN alone: each end says there what it can do, and what both can is used.
type SegmentOptions struct {
	MSS           uint16 // the most payload that I take in one segment; 0: not said
	HasScale      bool   // my windows are to be read as Window << Scale (RFC 7323, section 2)
	Scale         uint8
	SACKPermitted bool // I understand SACK (RFC 2018, section 2)

	HasTimestamps bool // RFC 7323, section 3
	TSVal, TSEcr  uint32

	SACK []Block // what arrived beyond Ack, the newest first (RFC 2018, section 3)
}

// A Block is a range of numbers: From is in it, To is not.
type Block struct{ From, To uint32 }

// The kinds of option.
const (
	endOfOptions  = 0
	noOperation   = 1 // fills up
	mss           = 2
	windowScale   = 3
	sackPermitted = 4
	sack          = 5
	timestamps    = 8
)

const maxScale = 14 // RFC 7323, section 2.3

// encode appends the options, filled up to whole words of 4 bytes.
func (o *SegmentOptions) encode(b []byte) []byte {
	if o.MSS > 0 {
		b = append(b, mss, 4, byte(o.MSS>>8), byte(o.MSS))
	}
	if o.SACKPermitted {
		b = append(b, noOperation, noOperation, sackPermitted, 2)
	}
	if o.HasTimestamps {
		b = append(b, noOperation, noOperation, timestamps, 10)
		b = binary.BigEndian.AppendUint32(b, o.TSVal)
		b = binary.BigEndian.AppendUint32(b, o.TSEcr)
	}
	if o.HasScale {
		b = append(b, noOperation, windowScale, 3, o.Scale)
	}
	if len(o.SACK) > 0 {
		b = append(b, noOperation, noOperation, sack, byte(2+8*len(o.SACK)))
		for _, k := range o.SACK {
			b = binary.BigEndian.AppendUint32(b, k.From)
			b = binary.BigEndian.AppendUint32(b, k.To)
		}
	}
	return b
}

// decode reads the options in b. It leaves out those that it does not know (RFC 9293, MUST-6).
func (o *SegmentOptions) decode(b []byte) bool {
	for len(b) > 0 && b[0] != endOfOptions {
		if b[0] == noOperation {
			b = b[1:]
			continue
		}
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return false
		}
		kind, value := b[0], b[2:b[1]]
		b = b[b[1]:]
		switch {
		case kind == mss && len(value) == 2:
			o.MSS = binary.BigEndian.Uint16(value)
		case kind == windowScale && len(value) == 1:
			o.HasScale, o.Scale = true, min(value[0], maxScale)
		case kind == sackPermitted && len(value) == 0:
			o.SACKPermitted = true
		case kind == timestamps && len(value) == 8:
			o.HasTimestamps = true
			o.TSVal = binary.BigEndian.Uint32(value)
			o.TSEcr = binary.BigEndian.Uint32(value[4:])
		case kind == sack && len(value) > 0 && len(value)%8 == 0:
			o.SACK = make([]Block, 0, 4)
			for ; len(value) > 0; value = value[8:] {
				o.SACK = append(o.SACK, Block{
					binary.BigEndian.Uint32(value), binary.BigEndian.Uint32(value[4:])})
			}
		}
	}
	return true
}
