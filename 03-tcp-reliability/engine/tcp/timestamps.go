package tcp

import "time"

// Timestamps (RFC 7323, sections 3 to 5). Each segment carries its sender's clock, and each
// acknowledgement sends back the clock of the segment that it answers. So even a repeated segment
// gives a round trip: the echo says which of its transmissions arrived.
type stamps struct {
	on     bool
	offset uint32 // of our clock, which tells nobody how long we run (section 5.4)
	recent uint32 // TS.Recent: the peer's clock, to be sent back
}

// tick is the clock's unit. Section 5.4 allows 1 ms to 1 s.
const tick = time.Millisecond

func (t *stamps) clock(now time.Duration) uint32 { return t.offset + uint32(now/tick) }

// old says whether a segment is a duplicate from long ago: its clock is behind the one seen last
// (PAWS, section 5.3, R1). On a fast network the numbers may have wrapped since.
func (t *stamps) old(s *Segment) bool {
	return t.on && s.Flags&RST == 0 && s.HasTimestamps && before(s.TSVal, t.recent)
}

// keep remembers the peer's clock, if the segment begins no later than what we acknowledged last
// (section 4.3, rule 2). Section 5.3 looks at the window before (R2); here it comes after: what is a
// repetition of what we have must be answered with its own clock, not with that of its first
// transmission, or the peer takes the whole time in between for a round trip.
func (t *stamps) keep(s *Segment, acknowledged uint32) {
	if t.on && s.HasTimestamps && !before(s.TSVal, t.recent) && !before(acknowledged, s.Seq) {
		t.recent = s.TSVal
	}
}

// roundTrip is the time since the clock that the peer sent back, to a tick.
func (t *stamps) roundTrip(now time.Duration, s *Segment) (time.Duration, bool) {
	if !t.on || !s.HasTimestamps {
		return 0, false
	}
	ticks := int32(t.clock(now) - s.TSEcr)
	return max(time.Duration(ticks)*tick, tick), ticks >= 0
}
