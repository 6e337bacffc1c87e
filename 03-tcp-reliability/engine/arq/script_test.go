package arq

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// wrapping is a transfer whose third packet has sequence number 0.
const wrapping = 0x0123_4567_ffff_fffd

// A script drives one end in virtual time, a named step at a time. When a
// step goes wrong it prints those that went well, then the one that did not.
type script struct {
	t        *testing.T
	h        End
	protocol Protocol
	now      time.Duration
	good     []string
	rto      time.Duration
}

func newScript(t *testing.T, p Protocol, h End) *script {
	return &script{t: t, h: h, protocol: p}
}

func (s *script) step(want, got string, args ...any) {
	s.t.Helper()
	want = fmt.Sprintf(want, args...)
	if want != got {
		s.t.Fatalf("%v\nwent well:\n  %s\nthen, at %v, wanted:\n  %s\n"+
			"and got:\n  %s", s.protocol,
			strings.Join(s.good, "\n  "), s.now, want, got)
	}
	s.good = append(s.good, fmt.Sprintf("%v %s", s.now, want))
}

// at lets the time go by, with nothing sent on the way: not now, and not a
// moment too early.
func (s *script) at(now time.Duration) {
	s.t.Helper()
	s.quiet()
	if when, ok := s.h.Deadline(); ok && when < now {
		s.step("nothing due before %v", fmt.Sprintf("due at %v", when), now)
	}
	s.now = now - 1
	s.quiet()
	s.now = now
}

func (s *script) write(words ...string) {
	s.t.Helper()
	for _, w := range words {
		n := s.h.Write(s.now, []byte(w))
		s.step("write %q: %d bytes taken",
			fmt.Sprintf("write %q: %d bytes taken", w, n), w, len(w))
	}
}

func (s *script) close() {
	s.h.Close(s.now)
	s.step("close", "close")
}

// sends expects the next packet: "data 2 two", "fin 4", "ack 3"; of a
// retransmission with "again: " and why.
func (s *script) sends(want string) {
	s.t.Helper()
	got := "no packet"
	if p, ok := s.h.Send(s.now); ok {
		q, err := Decode(p.Bytes)
		n := q.Seq
		if q.Type == Ack {
			n = q.Ack
		}
		got = strings.TrimSpace(fmt.Sprintf("%v %d %s", q.Type,
			n-uint32(q.Transfer), q.Payload))
		if p.Why != "" {
			got += ", again: " + string(p.Why)
		}
		// What the trace is told must be what the bytes say.
		told := fmt.Sprintf("%s %d %s", p.Kind, p.Seq+p.Ack, p.Text)
		if err != nil || !strings.HasPrefix(got, strings.TrimSpace(told)) ||
			(p.Why != "") != (p.Retransmits > 0) {
			got += fmt.Sprintf(" (decoded: %v; told: %s)", err, told)
		}
	}
	s.step("sends %s", "sends "+got, want)
}

// quiet expects no packet.
func (s *script) quiet() {
	s.t.Helper()
	if p, ok := s.h.Send(s.now); ok {
		s.step("sends nothing",
			fmt.Sprintf("sends %s %d", p.Kind, p.Seq+p.Ack))
	}
}

// ack hands the sender an acknowledgement of the n-th packet.
func (s *script) ack(n int) {
	s.h.Receive(s.now, encode(nil, Packet{Protocol: s.protocol, Type: Ack,
		Transfer: wrapping, Ack: uint32(uint64(wrapping) + uint64(n))}, ""))
	s.good = append(s.good, fmt.Sprintf("%v ack %d arrives", s.now, n))
}

// data hands the receiver the n-th packet; text "" is the fin.
func (s *script) data(n int, text string) {
	typ := Data
	if text == "" {
		typ = Fin
	}
	s.h.Receive(s.now, encode(nil, Packet{Protocol: s.protocol, Type: typ,
		Transfer: wrapping, Seq: uint32(uint64(wrapping) + uint64(n))}, text))
	s.good = append(s.good,
		fmt.Sprintf("%v %v %d arrives: %q", s.now, typ, n, text))
}

// reads expects what the application can read now.
func (s *script) reads(want string) {
	s.t.Helper()
	b := make([]byte, 100)
	n, err := s.h.Read(s.now, b)
	got := string(b[:n])
	if err == io.EOF {
		got += "<end>"
	} else if err != nil {
		got += err.Error()
	}
	s.step("reads %q", fmt.Sprintf("reads %q", got), want)
}

func (s *script) done(want string) {
	s.t.Helper()
	done, err := s.h.Done()
	got := "not done"
	if done {
		got = fmt.Sprintf("done, error %v", err)
	}
	s.step("%s", got, want)
}

// hasRTO expects what the timer has told so far.
func (s *script) hasRTO(want time.Duration) {
	s.t.Helper()
	for _, n := range s.h.Notes() {
		if n.Name == "rto" {
			s.rto = time.Duration(n.Value) * time.Microsecond
		}
	}
	s.step("rto %v", fmt.Sprintf("rto %v", s.rto), want)
}

const wellDone = "done, error <nil>"

func TestStopAndWaitSender(t *testing.T) {
	s := newScript(t, StopAndWait, NewStopAndWaitSender(wrapping, 300*ms))
	s.write("one", "two", "three")
	s.close()
	s.sends("data 1 one")
	s.quiet()
	s.at(100 * ms)
	s.ack(1)
	s.sends("data 2 two")
	s.at(250 * ms)
	s.ack(1) // a late duplicate
	s.quiet()
	s.at(400 * ms)
	s.sends("data 2 two, again: timeout")
	s.at(500 * ms)
	s.ack(2)
	s.sends("data 3 three")
	s.ack(2) // of the first transmission: the wrap lies between
	s.quiet()
	s.ack(3)
	s.sends("fin 4")
	s.done("not done")
	s.ack(4)
	s.done(wellDone)
	s.quiet()
}

func TestStopAndWaitReceiver(t *testing.T) {
	s := newScript(t, StopAndWait, NewStopAndWaitReceiver(wrapping))
	s.reads("")
	s.data(2, "two") // the first was lost, which an honest sender repeats
	s.quiet()
	s.data(1, "one")
	s.sends("ack 1")
	s.reads("one")
	s.data(1, "one")
	s.sends("ack 1")
	s.reads("")
	s.data(2, "two")
	s.data(3, "three")
	s.sends("ack 2")
	s.sends("ack 3")
	s.reads("twothree")
	s.data(4, "")
	s.done("not done")
	s.reads("<end>")
	s.sends("ack 4")
	s.done(wellDone)
	s.data(4, "") // the last acknowledgement was lost
	s.sends("ack 4")
	s.data(3, "three")
	s.sends("ack 3")
	s.reads("<end>")
}

func TestGoBackNSender(t *testing.T) {
	s := newScript(t, GoBackN, NewGoBackNSender(wrapping, 3, 300*ms))
	s.write("one", "two", "three", "four", "five")
	s.close()
	s.sends("data 1 one")
	s.sends("data 2 two")
	s.sends("data 3 three")
	s.at(100 * ms)
	s.ack(0) // nothing has arrived in order
	s.quiet()
	s.ack(1)
	s.sends("data 4 four")
	s.at(300 * ms)
	s.sends("data 2 two, again: timeout")
	s.sends("data 3 three, again: go-back")
	s.sends("data 4 four, again: go-back")
	s.at(350 * ms)
	s.ack(3) // stands for the second too
	s.sends("data 5 five")
	s.sends("fin 6")
	s.at(600 * ms)
	s.sends("data 4 four, again: timeout")
	s.ack(5) // while it goes back
	s.sends("fin 6, again: go-back")
	s.ack(6)
	s.done(wellDone)
}

func TestGoBackNReceiver(t *testing.T) {
	s := newScript(t, GoBackN, NewGoBackNReceiver(wrapping))
	s.data(2, "two")
	s.sends("ack 0")
	s.data(1, "one")
	s.sends("ack 1")
	s.data(3, "three")
	s.sends("ack 1")
	s.data(2, "two")
	s.sends("ack 2")
	s.reads("onetwo")
	s.data(3, "three")
	s.data(4, "")
	s.sends("ack 3")
	s.sends("ack 4")
	s.reads("three")
	s.reads("<end>")
	s.data(4, "")
	s.sends("ack 4")
}

func TestSelectiveRepeatSender(t *testing.T) {
	s := newScript(t, SelectiveRepeat,
		NewSelectiveRepeatSender(wrapping, 3, 300*ms))
	s.write("one", "two", "three", "four")
	s.close()
	s.sends("data 1 one")
	s.sends("data 2 two")
	s.sends("data 3 three")
	s.at(100 * ms)
	s.ack(2)
	s.ack(3)
	s.quiet() // the window waits for the first
	s.at(300 * ms)
	s.sends("data 1 one, again: timeout")
	s.at(350 * ms)
	s.ack(1)
	s.sends("data 4 four")
	s.sends("fin 5")
	s.at(400 * ms)
	s.ack(5)
	s.done("not done")
	s.at(650 * ms)
	s.sends("data 4 four, again: timeout")
	s.ack(4)
	s.done(wellDone)
}

func TestSelectiveRepeatReceiver(t *testing.T) {
	s := newScript(t, SelectiveRepeat, NewSelectiveRepeatReceiver(wrapping))
	s.data(2, "two")
	s.sends("ack 2")
	s.data(4, "four")
	s.sends("ack 4")
	s.data(2, "two")
	s.sends("ack 2")
	s.reads("")
	s.data(1, "one")
	s.sends("ack 1")
	s.reads("onetwo")
	s.data(5, "")
	s.sends("ack 5")
	s.data(3, "three")
	s.sends("ack 3")
	s.reads("threefour")
	s.reads("<end>")
	s.data(5, "")
	s.sends("ack 5")
	s.data(6+MaxWindow, "too far ahead")
	s.quiet()
}

func TestUDP(t *testing.T) {
	s := newScript(t, UDP, NewUDPSender(wrapping))
	s.write("one", "two")
	s.close()
	s.sends("data 1 one")
	s.done("not done")
	s.sends("data 2 two")
	s.done(wellDone)
	s = newScript(t, UDP, NewUDPReceiver(wrapping))
	s.data(2, "two")
	s.data(1, "one")
	s.data(2, "two")
	s.reads("two")
	s.reads("one")
	s.reads("two")
	s.reads("")
}

// The round trip of a packet sent twice is not measured, and the doubled
// timeout stays until one is measured again.
func TestTimer(t *testing.T) {
	s := newScript(t, StopAndWait, NewStopAndWaitSender(wrapping, 0))
	s.write("one", "two", "three", "four", "five", "six")
	s.sends("data 1 one")
	s.hasRTO(1000 * ms)
	s.at(400 * ms)
	s.ack(1)
	s.hasRTO(1200 * ms) // 400 + 4 * 200
	s.sends("data 2 two")
	s.at(1600 * ms)
	s.sends("data 2 two, again: timeout")
	s.hasRTO(2000 * ms) // not 2400: the cap
	s.at(1610 * ms)
	s.ack(2)            // Karn: not a round trip of 10 ms
	s.hasRTO(2000 * ms) // and the doubled timeout stays
	s.sends("data 3 three")
	s.at(2010 * ms)
	s.ack(3)
	s.hasRTO(1000 * ms) // 400 + 4 * 150
	for i, word := range []string{"four", "five", "six"} {
		s.sends(fmt.Sprintf("data %d %s", i+4, word))
		s.now += 400 * ms
		s.ack(i + 4)
	}
	// rttvar falls by a quarter each time: 150, 112.5, 84.375, 63.28125.
	s.hasRTO(653125 * time.Microsecond)
}

// However short the round trip, the timeout stays above the floor.
func TestTimerFloor(t *testing.T) {
	s := newScript(t, StopAndWait, NewStopAndWaitSender(wrapping, 0))
	s.write("one")
	s.sends("data 1 one")
	s.at(1 * ms)
	s.ack(1)
	s.hasRTO(200 * ms)
}

// A full window lost at one time doubles the timeout once.
func TestOneLossDoublesOnce(t *testing.T) {
	s := newScript(t, SelectiveRepeat,
		NewSelectiveRepeatSender(wrapping, 4, 0))
	s.write("zero")
	s.sends("data 1 zero")
	s.at(100 * ms)
	s.ack(1)
	s.hasRTO(300 * ms) // far from the cap, which would hide a second doubling
	s.write("one", "two", "three", "four")
	for _, p := range []string{"2 one", "3 two", "4 three", "5 four"} {
		s.sends("data " + p)
	}
	s.at(400 * ms)
	for _, p := range []string{"2 one", "3 two", "4 three", "5 four"} {
		s.sends("data " + p + ", again: timeout")
	}
	s.hasRTO(600 * ms)
}

// A packet acknowledged twice is measured once.
func TestRepeatedAcknowledgement(t *testing.T) {
	s := newScript(t, SelectiveRepeat, NewSelectiveRepeatSender(wrapping, 4, 0))
	s.write("one", "two")
	s.sends("data 1 one")
	s.sends("data 2 two")
	s.at(100 * ms)
	s.ack(2)
	s.hasRTO(300 * ms)
	s.at(200 * ms)
	s.ack(2)
	s.hasRTO(300 * ms)
}

// The sender whose fin is never acknowledged ends well, and says so. One
// whose data is not gives up.
func TestLastAcknowledgementLost(t *testing.T) {
	for p, h := range senders(300 * ms) {
		s := newScript(t, p, h)
		s.write("one")
		s.close()
		s.sends("data 1 one")
		s.ack(1)
		for range MaxRetransmissions {
			s.h.Send(s.now) // the fin
			s.quiet()
			s.at(s.now + 300*ms)
			s.done("not done")
		}
		s.sends("fin 2, again: timeout")
		s.at(s.now + 300*ms)
		s.quiet()
		s.done(wellDone)
		notes := s.h.Notes()
		if n := notes[len(notes)-1]; n.Value != MaxRetransmissions+1 ||
			n.Name != "fin without acknowledgement" {
			t.Errorf("%v: the last note is %+v", p, n)
		}
	}
}

func senders(rto time.Duration) map[Protocol]End {
	ends := map[Protocol]End{}
	for _, p := range []Protocol{StopAndWait, GoBackN, SelectiveRepeat} {
		ends[p] = NewSender(p, wrapping, Options{Window: 4, RTO: rto})
	}
	return ends
}

func receivers() map[Protocol]End {
	ends := map[Protocol]End{}
	for p := UDP; p.known(); p++ {
		ends[p] = NewReceiver(p, wrapping)
	}
	return ends
}

// One Write of more than a packet carries travels in several.
func TestLongWrite(t *testing.T) {
	for p, h := range senders(0) {
		long := strings.Repeat("x", 2*MaxPayload+1)
		s := newScript(t, p, h)
		s.write(long)
		var lengths []int
		for n := 1; n <= 3; n++ {
			packet, _ := h.Send(0)
			lengths = append(lengths, packet.Length)
			s.ack(n)
		}
		if fmt.Sprint(lengths) != "[1200 1200 1]" {
			t.Errorf("%v: a Write of 2401 bytes went as %v", p, lengths)
		}
	}
}

// A sender takes no more than its buffer holds, and a receiver keeps no more
// for an application that does not read.
func TestBounded(t *testing.T) {
	for p, h := range senders(0) {
		taken := 0
		for range 10_000 {
			taken += h.Write(0, make([]byte, MaxPayload))
		}
		if taken == 0 || taken > 2*sendBuffer*MaxPayload {
			t.Errorf("%v sender took %d bytes", p, taken)
		}
	}
	u := NewUDPSender(wrapping)
	if n := u.Write(0, make([]byte, 2*udpBuffer*MaxPayload)); n != udpBuffer*MaxPayload {
		t.Errorf("udp sender took %d bytes", n)
	}
	for p, h := range receivers() {
		s := newScript(t, p, h)
		text := strings.Repeat("x", MaxPayload)
		acks := 0
		for n := 1; n <= 3000; n++ {
			s.data(n, text)
			if packet, ok := h.Send(0); ok && int(packet.Ack) == n {
				acks++
			}
		}
		read := 0
		for {
			n, _ := h.Read(0, make([]byte, 1000))
			if n == 0 {
				break
			}
			read += n
		}
		if read < ReceiveBuffer || read > ReceiveBuffer+udpBuffer*MaxPayload {
			t.Errorf("%v receiver kept %d bytes", p, read)
		}
		if p != UDP && acks*MaxPayload != read {
			t.Errorf("%v: %d bytes acknowledged, %d read",
				p, acks*MaxPayload, read)
		}
		// What is neither kept nor out of order was dropped, and is counted.
		h.Receive(0, nil)
		dropped := h.(interface{ Dropped() int }).Dropped()
		if want := 3000 - read/MaxPayload; p == UDP && dropped != want ||
			p != UDP && (dropped == 0 || dropped > want) {
			t.Errorf("%v: of 3000 packets %d were read and %d dropped",
				p, read/MaxPayload, dropped)
		}
	}
}
