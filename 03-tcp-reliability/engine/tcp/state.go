package tcp

import "time"

// The state machine of a connection: RFC 9293, section 3.3.2, figure 5. Each end has its own. On
// the left the end that closes first, on the right the other:
//
//	           CLOSED                    LISTEN
//	Dial: send SYN │                       │ SYN: send SYN ACK
//	           SYN-SENT ─── SYN: send ──► SYN-RECEIVED
//	               │        SYN ACK        │
//	SYN ACK: send ACK                      │ ACK of our SYN
//	               └─────► ESTABLISHED ◄───┘
//	                        │       │
//	        Close: send FIN │       │ FIN: send ACK
//	                        ▼       ▼
//	                FIN-WAIT-1    CLOSE-WAIT
//	ACK of our FIN │      │ FIN:    │ Close: send FIN
//	               ▼      │ send    ▼
//	        FIN-WAIT-2    │ ACK   LAST-ACK
//	FIN: send ACK  │      ▼         │ ACK of our FIN
//	               │   CLOSING      ▼
//	               ▼      ▼       CLOSED
//	              TIME-WAIT ── after 60 s ──► CLOSED
//
// A state of closing only says which of two things has happened: our FIN was acknowledged, the
// peer's FIN arrived. Hence three events suffice below.
type state int

const (
	closed state = iota
	listen
	synSent
	synReceived
	established
	finWait1
	finWait2
	closeWait
	closing
	lastACK
	timeWait
)

var stateNames = [...]string{"CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED",
	"FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"}

func (s state) String() string { return stateNames[s] }

// maySend says whether new bytes, or the FIN, may leave.
func (s state) maySend() bool { return s == established || s == closeWait }

// mayReceive says whether the peer may still send bytes.
func (s state) mayReceive() bool { return s == established || s == finWait1 || s == finWait2 }

// finSent: no more bytes leave after it.
func (c *Conn) finSent() {
	switch c.state {
	case established:
		c.state = finWait1
	case closeWait:
		c.state = lastACK
	}
}

// finAcked: the peer has all that we ever send.
func (c *Conn) finAcked(now time.Duration) {
	switch c.state {
	case finWait1:
		c.state = finWait2
	case closing:
		c.waitTwoMSL(now)
	case lastACK:
		c.fail(nil, false) // no failure: all is over
	}
}

// finArrived: the peer's FIN, and every byte before it.
func (c *Conn) finArrived(now time.Duration) {
	switch c.state {
	case established:
		c.state = closeWait
	case finWait1:
		c.state = closing
	case finWait2:
		c.waitTwoMSL(now)
	}
}

// twoMSL is how long an end stays in TIME-WAIT: twice as long as a segment may live. RFC 9293,
// section 3.4.2, takes 2 minutes for one; Linux takes 60 s for both.
const twoMSL = 60 * time.Second

// waitTwoMSL begins TIME-WAIT, or begins it anew. The end that closed first stays to acknowledge
// the other's FIN if that comes again, and until no old segment is left (section 3.6.1).
func (c *Conn) waitTwoMSL(now time.Duration) {
	c.state = timeWait
	c.timer = timer{on: true, set: now, due: now + twoMSL}
}
