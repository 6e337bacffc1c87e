//go:build check

package stopwait

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/exercises/bench"
	"example.com/sockets/docs/exercises/check"
)

const rto = 200 * time.Millisecond

func TestCheck(t *testing.T) {
	over := func(flags string) func(*check.Story) {
		return func(s *check.Story) { compare(s, flags) }
	}
	cases := []check.Case{
		{Name: "no-loss", Do: over("-loss 0")},
		{Name: "packet-lost", Do: over("-drop data:3")},
		{Name: "lost-again-and-again", Do: over("-drop up:3-6")},
		{Name: "acknowledgement-lost", Do: over("-drop down:3")},
		{Name: "late-acknowledgements", Do: over("-loss 0 -delay 150ms")},
		{Name: "end-lost", Do: over("-drop up:9,down:9")},
		{Name: "duplicates", Do: over("-duplicate 1")},
	}
	for seed := range 20 {
		cases = append(cases, check.Case{Name: fmt.Sprintf("bad-network-%d", seed+1),
			Do: over(fmt.Sprintf("-loss 0.3 -duplicate 0.2 -reorder 0.2 -jitter 5ms -seed %d", seed+1))})
	}
	check.Run(t, cases)
}

// compare runs the sender over a network with these flags.
func compare(s *check.Story, flags string) {
	s.Did("sent packets 1 to %d with a timeout of %v, as in:\ngo run ./03-tcp-reliability/exercises/stopwait/try %s",
		bench.Last, rto, flags)
	c := bench.Protocol{Name: "stop-and-wait", RTO: rto,
		Sender: func() bench.Sender { return New(bench.Last, rto) }}.Compare(bench.Conditions(flags))
	if !c.Same {
		s.Picture(c.Picture())
		expected, came := c.Told()
		s.Fail(expected, came, symptom(c))
	}
}

// symptom says what the first difference looks like.
func symptom(c *bench.Comparison) string {
	var n, times, ack int // the packet sent last, how often, and the latest acknowledgement
	var sent, acked time.Duration
	for _, e := range c.Before() {
		switch {
		case e.Kind == trace.Sent && e.Direction == network.Up:
			if int(e.Packet.Seq) != n {
				n, times = int(e.Packet.Seq), 0
			}
			times++
			sent = e.At
		case e.Kind == trace.Arrived && e.Direction == network.Down:
			ack, acked = int(e.Packet.Ack), e.At
		}
	}
	want, got := c.Want, c.Got
	early := got.Up && (!want.Up || got.At <= want.At)
	switch {
	case got.None() && c.Yours.Err != nil && strings.Contains(c.Yours.Err.Error(), "cut off"):
		return fmt.Sprintf("your sender %v", strings.TrimPrefix(c.Yours.Err.Error(), "client: "))
	case n == 0 && !got.Up:
		return "nothing was sent: does Send ever say true?"
	case early && got.Number > n && ack > 0 && ack < n && got.At == acked:
		return fmt.Sprintf("your sender takes the acknowledgement of packet %d for that of packet %d", ack, n)
	case early && got.Number > n && ack < n:
		return fmt.Sprintf("your sender sends packet %d although packet %d is not acknowledged", got.Number, n)
	case early && got.Number == n && ack < n:
		return fmt.Sprintf("your sender sends packet %d again %s after its last transmission, not %s: the timer must start at each transmission",
			n, bench.Millis(got.At-sent), bench.Millis(rto))
	case early && got.Number <= n:
		return fmt.Sprintf("your sender sends packet %d again although packet %d is acknowledged", got.Number, ack)
	case early:
		return fmt.Sprintf("your sender sends packet %d, and it is the turn of packet %d", got.Number, n+1)
	case want.Up && !want.Again:
		return fmt.Sprintf("packet %d is acknowledged, and packet %d does not follow", n, n+1)
	case want.Again && got.Up && got.Number == n:
		return fmt.Sprintf("your sender sends packet %d again %s after its last transmission, not %s: too late",
			n, bench.Millis(got.At-sent), bench.Millis(rto))
	case want.Again && times > 1:
		return fmt.Sprintf("packet %d was sent %d times and never acknowledged, and now it is not sent again: a retransmission can be lost, too", n, times)
	case want.Again:
		return fmt.Sprintf("packet %d is never acknowledged, and it is not sent again", n)
	}
	return "your sender does not do what stop-and-wait does"
}
