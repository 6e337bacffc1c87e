package trace

import "time"

// A State is what one end of a transfer knows at a moment: for a sender what
// has become of its numbers, for a receiver what it has of them. Numbers are
// relative, of bytes in TCP and of packets in the textbook protocols. In TCP
// both ends are both: Out is its sending half, In its receiving half.
type State struct {
	Name string // of a state machine: "ESTABLISHED"; "" where there is none
	Out  *Out   // nil: it sends no data
	In   *In    // nil: it receives no data
}

// Out is the sending half.
type Out struct {
	Ranges []Range // of the number line, in order: Acknowledged to Written
	Window Range   // what may be under way now

	Timer                 Timer
	Sample                time.Duration // the newest round trip measured; 0: none yet
	SRTT, RTTVar, RTO     time.Duration // RFC 6298
	Duplicates            int           // acknowledgements in a row that repeat the one before
	Cwnd, Ssthresh        int           // bytes; 0: no congestion control, no threshold yet
	Phase                 Phase         // of congestion control
	Timeouts, Retransmits int           // so far
}

// In is the receiving half.
type In struct {
	Ranges []Range // of the number line, in order: Delivered to Kept
	Window Range   // what would be taken now
	Thrown int     // packets that arrived whole and were thrown away, so far
}

// A Range is a part of a number line: From is in it, To is not.
type Range struct {
	From, To uint32
	Is       Fate
}

// Fate says what has become of a range of numbers.
type Fate string

const (
	// At the sender.
	Acknowledged Fate = "acknowledged"
	UnderWay     Fate = "under way"
	Again        Fate = "under way again" // repeated, and not yet acknowledged
	Held         Fate = "arrived"         // acknowledged although an earlier one is not
	Missing      Fate = "lost"            // the sender takes it for lost
	Written      Fate = "not yet sent"
	Forgotten    Fate = "sent" // UDP's: what becomes of it, its sender never knows

	// At the receiver.
	Delivered Fate = "read"    // by the application
	Ready     Fate = "waiting" // in order, and not yet read
	Kept      Fate = "kept"    // out of order
	Gap       Fate = "missing" // before something that is kept
)

// A Timer is the one that runs, with the time when it was set; the zero Timer
// is none.
type Timer struct {
	Set, Due time.Duration
	For      Reason // what it does when it runs out
}

// What a timer does, beside repeating.
const (
	EndOfTimeWait Reason = "end of TIME-WAIT"
	DelayedACK    Reason = "delayed ACK"
)

// Phase is what congestion control does (RFC 5681).
type Phase string

const (
	SlowStart           Phase = "slow start"
	CongestionAvoidance Phase = "congestion avoidance"
	FastRecovery        Phase = "fast recovery"
	AfterATimeout       Phase = "after a timeout"
)
