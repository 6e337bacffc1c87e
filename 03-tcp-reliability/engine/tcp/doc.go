// Package tcp is a TCP to be read: RFC 9293 with selective acknowledgements, congestion control and
// modern loss detection, over real IPv4 packets. It goes on from package arq: a Conn is a host like
// the senders and receivers there. Packets and the time go in, packets and the next deadline come
// out; there is no socket, goroutine, clock or randomness inside.
//
// Everything turns on three rules:
//
//   - Every event (a segment arrives, the application calls, a timer runs out)
//     first changes the state. Then one function decides which data leave: output.
//   - Data leave only while pipe + size <= cwnd; pipe is what is still in the
//     network (congestion.go). Excepted is one segment after a loss, or a probe.
//   - To judge that a segment is lost is one step, to repeat it another, which is output's. These
//     judge: judge (flight.go), timedOut and guess (recovery.go), rackJudges (rack.go).
//
// Read it in this order:
//
//	seq.go         numbers that wrap
//	segment.go     a segment's bytes; options.go has those behind the header
//	state.go       the state machine: RFC 9293, figure 5
//	conn.go        the connection, and what the application calls
//	handshake.go   how a connection begins
//	arrive.go      a segment arrives: RFC 9293, section 3.10.7
//	receiver.go    bytes come in: order, gaps, window
//	flight.go      bytes under way: the list of segments sent
//	recovery.go    what an acknowledgement says, and a timeout; the closed window
//	rto.go         how long to wait
//	congestion.go  how much may be under way: slow start, Reno
//	output.go      what leaves, and when to look again
//	timestamps.go  round trips of repeated segments; old duplicates
//
// and, at a second reading, cubic.go and rack.go: what Linux does in place of Reno and of counting
// to three. buffer.go holds bytes; tell.go and snapshot.go describe packets and state for a trace,
// and decide nothing.
//
// Names are RFC 9293's (section 3.3.1): snd.una is SND.UNA, the oldest number not acknowledged;
// snd.nxt the next to send; snd.wnd the peer's window; rcv.nxt the next number expected; iss and
// irs each end's first number. What c.here gives is for the trace alone: the line of code.
//
// Kept: RFC 9293 (TCP), 2018 and 6675 (SACK), 3042 and 5681 (Reno), 6582 (NewReno, for peers
// without SACK), 6298 (timer), 7323 (timestamps, window scale), 9438 (CUBIC), 8985 (RACK-TLP), 5961
// (blind resets), 6928 (a first window of 10).
//
// Left out, and what that costs: D-SACK and F-RTO (a needless repetition is not undone); PRR (cwnd
// is cut at once, so sending pauses); ECN; path MTU discovery, IP options and fragments, IPv6; SYN
// cookies; keep-alive; urgent data; restart after idle (RFC 5681, section 4.1); a limit on
// challenge ACKs (RFC 5961, section 7).
package tcp
