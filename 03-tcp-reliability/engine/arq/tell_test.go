package arq

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// knows expects the host's state: the number line, then the rest that is not
// zero.
func (s *script) knows(want string) {
	s.t.Helper()
	state := s.h.(interface{ State() trace.State }).State()
	var parts []string
	add := func(set bool, format string, args ...any) {
		if set {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	ranges := func(list []trace.Range) {
		for i, r := range list {
			add(true, "%d-%d %s", r.From, r.To, r.Is)
			if r.From >= r.To || i > 0 && list[i-1].To != r.From {
				add(true, "(which does not follow)")
			}
		}
	}
	if o := state.Out; o != nil {
		ranges(o.Ranges)
		add(o.Window.To > 0, "window %d-%d", o.Window.From, o.Window.To)
		add(o.Timer.Due > 0, "%s from %v to %v", o.Timer.For, o.Timer.Set, o.Timer.Due)
		add(o.Sample > 0, "sample %v, srtt %v, rttvar %v", o.Sample, o.SRTT, o.RTTVar)
		add(o.RTO > 0, "rto %v", o.RTO)
		add(o.Timeouts > 0, "timeouts %d", o.Timeouts)
		add(o.Retransmits > 0, "again %d", o.Retransmits)
	}
	if i := state.In; i != nil {
		ranges(i.Ranges)
		add(i.Window.To > 0, "window %d-%d", i.Window.From, i.Window.To)
		add(i.Thrown > 0, "thrown %d", i.Thrown)
	}
	s.step("knows %s", "knows "+strings.Join(parts, ", "), want)
}

func TestStopAndWaitState(t *testing.T) {
	s := newScript(t, StopAndWait, NewStopAndWaitSender(wrapping, 0))
	s.knows("window 1-2, rto 1s")
	s.write("one", "two")
	s.knows("1-3 not yet sent, window 1-2, rto 1s")
	s.sends("data 1 one")
	s.knows("1-2 under way, 2-3 not yet sent, window 1-2, timeout from 0s to 1s, rto 1s")
	s.at(100 * ms)
	s.ack(1)
	s.knows("1-2 acknowledged, 2-3 not yet sent, window 2-3, sample 100ms, srtt 100ms, rttvar " +
		"50ms, rto 300ms")
	s.sends("data 2 two")
	s.at(400 * ms)
	s.sends("data 2 two, again: timeout")
	s.knows("1-2 acknowledged, 2-3 under way again, window 2-3, timeout from 400ms to 1s, " +
		"sample 100ms, srtt 100ms, rttvar 50ms, rto 600ms, timeouts 1, again 1")
	s.ack(2)
	s.knows("1-3 acknowledged, window 3-4, sample 100ms, srtt 100ms, rttvar 50ms, rto 600ms, " +
		"timeouts 1, again 1")

	s = newScript(t, StopAndWait, NewStopAndWaitReceiver(wrapping))
	s.knows("window 1-2")
	s.data(2, "two")
	s.knows("window 1-2, thrown 1")
	s.data(1, "one")
	s.knows("1-2 waiting, window 2-3, thrown 1")
	s.reads("one")
	s.data(1, "one")
	s.knows("1-2 read, window 2-3, thrown 2")
	s.data(2, "")
	s.knows("1-2 read, 2-3 waiting, window 3-4, thrown 2")
	s.reads("<end>")
	s.knows("1-3 read, window 3-4, thrown 2")
}

func TestGoBackNState(t *testing.T) {
	s := newScript(t, GoBackN, NewGoBackNSender(wrapping, 3, 300*ms))
	s.write("one", "two", "three", "four", "five")
	for _, p := range []string{"1 one", "2 two", "3 three"} {
		s.sends("data " + p)
	}
	s.knows("1-4 under way, 4-6 not yet sent, window 1-4, timeout from 0s to 300ms, rto 300ms")
	s.at(300 * ms)
	s.sends("data 1 one, again: timeout")
	// All of them are taken for lost, and are about to be sent again.
	s.knows("1-2 under way again, 2-4 lost, 4-6 not yet sent, window 1-4, " +
		"timeout from 300ms to 600ms, rto 300ms, timeouts 1, again 1")
	s.sends("data 2 two, again: go-back")
	s.sends("data 3 three, again: go-back")
	s.ack(2)
	s.knows("1-3 acknowledged, 3-4 under way again, 4-6 not yet sent, window 3-6, " +
		"timeout from 300ms to 600ms, rto 300ms, timeouts 1, again 3")

	s = newScript(t, GoBackN, NewGoBackNReceiver(wrapping))
	s.data(1, "one")
	s.data(3, "three")
	s.knows("1-2 waiting, window 2-3, thrown 1")
}

func TestSelectiveRepeatState(t *testing.T) {
	s := newScript(t, SelectiveRepeat, NewSelectiveRepeatSender(wrapping, 3, 300*ms))
	s.write("one", "two", "three", "four")
	for _, p := range []string{"1 one", "2 two", "3 three"} {
		s.sends("data " + p)
	}
	s.at(100 * ms)
	s.ack(2)
	s.knows("1-2 under way, 2-3 arrived, 3-4 under way, 4-5 not yet sent, window 1-4, " +
		"timeout from 0s to 300ms, sample 100ms, srtt 100ms, rttvar 50ms, rto 300ms")
	s.at(300 * ms)
	s.sends("data 1 one, again: timeout")
	s.knows("1-2 under way again, 2-3 arrived, 3-4 under way, 4-5 not yet sent, window 1-4, " +
		"timeout from 0s to 300ms, sample 100ms, srtt 100ms, rttvar 50ms, rto 300ms, timeouts 1, " +
		"again 1")
	s.ack(1)
	s.knows("1-3 acknowledged, 3-4 under way, 4-5 not yet sent, window 3-6, " +
		"timeout from 0s to 300ms, sample 100ms, srtt 100ms, rttvar 50ms, rto 300ms, timeouts 1, " +
		"again 1")

	s = newScript(t, SelectiveRepeat, NewSelectiveRepeatReceiver(wrapping))
	s.data(2, "two")
	s.data(5, "")
	s.knows("1-2 missing, 2-3 kept, 3-5 missing, 5-6 kept, window 1-1025")
	s.data(2, "two")
	s.data(1, "one")
	s.knows("1-3 waiting, 3-5 missing, 5-6 kept, window 3-1027, thrown 1")
	s.reads("onetwo")
	s.data(3, "three")
	s.data(4, "four")
	s.knows("1-3 read, 3-6 waiting, window 6-1030, thrown 1")
	s.reads("threefour")
	s.knows("1-5 read, 5-6 waiting, window 6-1030, thrown 1")
	s.reads("<end>")
	s.knows("1-6 read, window 6-1030, thrown 1")
}

func TestUDPState(t *testing.T) {
	s := newScript(t, UDP, NewUDPSender(wrapping))
	s.write("one", "two")
	s.sends("data 1 one")
	s.knows("1-2 sent, 2-3 not yet sent")
	s = newScript(t, UDP, NewUDPReceiver(wrapping))
	s.data(3, "three")
	s.data(1, "one")
	s.reads("three")
	s.knows("1-2 read, 2-3 waiting") // in the order of arrival
	for range udpBuffer {
		s.data(4, "four")
	}
	s.knows("1-2 read, 2-1026 waiting, thrown 1")
}

// A receiver whose buffer is full takes nothing.
func TestFullState(t *testing.T) {
	s := newScript(t, GoBackN, NewGoBackNReceiver(wrapping))
	text := strings.Repeat("x", MaxPayload)
	n := 0
	for ; n*MaxPayload < ReceiveBuffer; n++ {
		s.data(n+1, text)
		s.h.Send(0)
	}
	s.knows(fmt.Sprintf("1-%d waiting, window %d-%d", n+1, n+1, n+1))
	s.data(n+1, text)
	s.knows(fmt.Sprintf("1-%d waiting, window %d-%d, thrown 1", n+1, n+1, n+1))
	s.h.Read(0, make([]byte, MaxPayload+1)) // one packet, and a byte of the next
	s.knows(fmt.Sprintf("1-2 read, 2-%d waiting, window %d-%d, thrown 1", n+1, n+1, n+2))
}

// Each packet says which arrival made its host send it, 0 for none.
func TestCause(t *testing.T) {
	for p, h := range senders(300 * ms) {
		s := newScript(t, p, h)
		sends := func(packet string, cause, of, previous int) {
			t.Helper()
			got, _ := h.Send(s.now)
			if text := fmt.Sprint(got.Kind, " ", got.Seq); text != packet || got.Cause != cause ||
				got.Retransmits != of || got.Previous != previous {
				t.Errorf("%v sends %s because of arrival %d, again %d, %d; want %s, %d, %d, %d", p,
					text, got.Cause, got.Retransmits, got.Previous, packet, cause, of, previous)
			}
		}
		window := 4
		if p == StopAndWait {
			window = 1
		}
		h.Receive(0, []byte("damaged")) // arrival 1
		for range window + 1 {
			s.write("word")
		}
		for n := range window {
			sends(fmt.Sprint("data ", n+1), 0, 0, 0)
		}
		s.at(100 * ms)
		s.ack(1) // arrival 2 lets the packet that waits into the window
		sends(fmt.Sprint("data ", window+1), 2, 0, 0)
		s.quiet()
		s.ack(1)     // arrival 3 changes nothing
		s.now = 1e10 // no acknowledgement: the timer alone sends
		for twice, n := range []int{2, 2} {
			sends(fmt.Sprint("data ", n), 0, n, []int{n, window + 2}[twice])
			for p == GoBackN && n < window+1 { // the others follow
				n++
				h.Send(s.now)
			}
			if p == SelectiveRepeat {
				for range window - 1 {
					h.Send(s.now)
				}
			}
			s.now += 1e10
		}
	}
}

// A window opened by one acknowledgement, in part used, and a word that is
// written later: it leaves because of the application.
func TestCauseOfLaterWrite(t *testing.T) {
	s := newScript(t, GoBackN, NewGoBackNSender(wrapping, 2, 300*ms))
	s.write("one", "two", "three")
	s.sends("data 1 one")
	s.sends("data 2 two")
	s.ack(1)
	s.ack(2)
	s.write("four")
	for _, cause := range []int{1, 0} {
		if p, _ := s.h.Send(0); p.Cause != cause {
			t.Errorf("data %d is sent because of arrival %d, not %d", p.Seq, p.Cause, cause)
		}
	}
}

// Acknowledgements name the arrival that they answer.
func TestCauseOfAcknowledgements(t *testing.T) {
	for p, h := range receivers() {
		if p == UDP {
			continue
		}
		s := newScript(t, p, h)
		h.Receive(0, []byte("damaged"))
		s.data(1, "one")
		s.data(2, "two")
		for _, cause := range []int{2, 3} {
			if a, ok := h.Send(0); !ok || a.Cause != cause {
				t.Errorf("%v: ack %d because of arrival %d, not %d", p, a.Ack, a.Cause, cause)
			}
		}
	}
}

// The line of a packet is where the protocol decided to send it.
func TestLine(t *testing.T) {
	source := func(l trace.Line) string {
		t.Helper()
		file, number, _ := strings.Cut(l.String(), ":")
		text, err := os.ReadFile(filepath.Join(".", file))
		n, _ := strconv.Atoi(number)
		lines := strings.Split(string(text), "\n")
		if err != nil || n < 1 || n > len(lines) {
			t.Fatalf("the line is %q: %v", l, err)
		}
		return file + ": " + strings.TrimSpace(lines[n-1])
	}
	check := func(p trace.Packet, want string) {
		t.Helper()
		if got := source(p.Line); !strings.HasPrefix(got, want) {
			t.Errorf("%s %d: the line is\n%s\nand not\n%s", p.Kind, p.Seq+p.Ack, got, want)
		}
	}
	want := map[Protocol][]string{ // the first, by timeout, what follows
		StopAndWait: {`stopandwait.go: return s.transmit(now, s.base, "")`,
			"stopandwait.go: return s.transmit(now, s.base, timeout)"},
		GoBackN: {`gobackn.go: return s.transmit(now, n, "")`,
			"gobackn.go: p, ok := s.transmit(now, s.base, timeout)",
			"gobackn.go: return s.transmit(now, n, goBack)"},
		SelectiveRepeat: {`selectiverepeat.go: return s.transmit(now, s.next-1, "")`,
			"selectiverepeat.go: return s.transmit(now, n, timeout)",
			"selectiverepeat.go: return s.transmit(now, n, timeout)"},
	}
	for p, h := range senders(300 * ms) {
		h.Write(0, []byte("one"))
		h.Write(0, []byte("two"))
		first, _ := h.Send(0)
		check(first, want[p][0])
		h.Send(0)
		for _, line := range want[p][1:] {
			if line != "" {
				again, _ := h.Send(time.Second)
				check(again, line)
			}
		}
	}
	for p, file := range map[Protocol]string{StopAndWait: "stopandwait.go: r.acknowledge(p.Seq)",
		GoBackN:         "gobackn.go: r.acknowledge(r.expected - 1)",
		SelectiveRepeat: "selectiverepeat.go: r.acknowledge(p.Seq)"} {
		s := newScript(t, p, NewReceiver(p, wrapping))
		s.data(1, "one")
		a, _ := s.h.Send(0)
		check(a, file)
	}
	u := NewUDPSender(wrapping)
	u.Write(0, []byte("one"))
	p, _ := u.Send(0)
	check(p, "udp.go: ")
}
