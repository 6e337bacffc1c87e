package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// The ladder shows the loss, the retransmission and what is read.
func TestLiveLadder(t *testing.T) {
	t.Parallel()
	p := startProxy(t, echoServer(t), func(o *options) {
		o.view, o.RACK = "ladder", false
		faults("-drop data:1 -delay 5ms")(o)
	})
	if got, err := exchange(dial(t, p.addr),
		[]byte("Hello, world")); string(got) != "Hello, world" {
		t.Fatalf("%q came back, error %v", got, err)
	}
	p.wait(t, "Connection 1:")
	for _, want := range []string{`: "Hello, world" seq 1-12 ── × lost`, `again: timeout`,
		`reads "Hello, world"`, `12 bytes up, 12 down`, " by timeout)"} {
		if !strings.Contains(p.text(), want) {
			t.Errorf("the ladder does not show %q:\n%s", want, p.text())
		}
	}
}

// What was spent waiting are the silences that a timer has ended.
func TestWaited(t *testing.T) {
	f := flow{watch: newWatcher(io.Discard, "none", false, t.Logf), again: map[trace.Reason]int{}}
	send := func(ms int, why trace.Reason) {
		p := trace.Packet{Header: trace.Header{Why: why}}
		if why != "" {
			p.Retransmits = 1
		}
		f.sent(time.Duration(ms)*time.Millisecond, network.Up, &p, &network.Fate{})
	}
	send(0, "")
	f.arrived(10*time.Millisecond, &arrival{})
	if account := f.account(time.Second); strings.Contains(account, "waited") {
		t.Errorf("nothing waited, and yet:\n%s", account)
	}
	send(210, trace.Timeout)
	f.arrived(220*time.Millisecond, &arrival{})
	send(1000, "") // the program was silent, nobody waited for a timer
	send(1500, trace.TailLossProbe)
	send(1501, trace.FastRetransmit)
	if account := f.account(time.Second); !strings.HasSuffix(account,
		"\n  waited for timers: 700ms\n") {
		t.Errorf("it waited 200 and 500 ms, and yet:\n%s", account)
	}
}

// A timer is that of the oldest packet without an acknowledgement. A FIN is
// acknowledged, too, and an ACK that was overtaken takes nothing back.
func TestOldest(t *testing.T) {
	f := flow{watch: newWatcher(io.Discard, "summary", false, t.Logf),
		again: map[trace.Reason]int{}}
	send := func(number int, h trace.Header) *trace.Header {
		return f.sent(0, network.Up, &trace.Packet{Header: h}, &network.Fate{Number: number})
	}
	ack := func(n uint32) {
		f.arrived(0, &arrival{direction: network.Down,
			header: &trace.Header{Ack: n, HasAck: true}})
	}
	send(100, trace.Header{Kind: trace.SYN})
	if oldest := f.oldest(network.Up); oldest != 100 {
		t.Errorf("the SYN is not acknowledged, and the oldest packet is %d", oldest)
	}
	ack(1)
	f.drained(network.Up)
	send(101, trace.Header{Kind: trace.ACK, Seq: 1, Length: 10})
	send(102, trace.Header{Kind: trace.FINACK, Seq: 11})
	if oldest := f.oldest(network.Up); oldest != 101 {
		t.Errorf("nothing is acknowledged, and the oldest packet is %d", oldest)
	}
	ack(11)
	ack(1)
	f.drained(network.Up)
	if oldest := f.oldest(network.Up); oldest != 102 {
		t.Errorf("the FIN is not acknowledged, and the oldest packet is %d", oldest)
	}
	again := send(103, trace.Header{Kind: trace.FINACK, Seq: 11, Retransmits: 3})
	if again.Retransmits != 102 {
		t.Errorf("the FIN is the repetition of %d", again.Retransmits)
	}
	ack(12)
	f.drained(network.Up)
	if oldest := f.oldest(network.Up); oldest != 0 {
		t.Errorf("all is acknowledged, and the oldest packet is %d", oldest)
	}
}

func TestJSONView(t *testing.T) {
	t.Parallel()
	p := startProxy(t, echoServer(t), func(o *options) {
		o.view, o.RACK = "json", false // nothing but the timer can notice
		faults("-drop data:1")(o)
	})
	exchange(dial(t, p.addr), []byte("Hello"))
	p.wait(t, `"event":"finished"`)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	events := map[string]int{}
	for line := range strings.Lines(p.text()) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var e struct {
			Event          string
			Connection     int
			Retransmission bool
			Why            string
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Connection != 1 {
			t.Errorf("%s: %v", line, err)
		}
		events[e.Event]++
		if e.Retransmission && e.Event == "sent" {
			events["again by "+e.Why]++
		}
	}
	if events["lost"] != 1 || events["again by timeout"] == 0 ||
		events["read"] != 2 || events["end"] != 2 {
		t.Errorf("events: %v", events)
	}
}

// The picture is of the connection that ended last, and nothing else is where
// it goes.
func TestPicture(t *testing.T) {
	t.Parallel()
	p := startProxy(t, echoServer(t),
		func(o *options) { o.view = "svg"; faults("-drop data:2")(o) })
	for _, text := range []string{"first", "second"} {
		if got, err := exchange(dial(t, p.addr), []byte(text)); string(got) != text {
			t.Fatalf("%q came back, error %v", got, err)
		}
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	svg := p.text()[strings.Index(p.text(), "<svg"):]
	for _, want := range []string{"1 packet was lost", "second", "</svg>"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the picture lacks %q:\n%s", want, svg)
		}
	}
	if strings.Contains(svg, "first") {
		t.Error("the picture shows another connection")
	}
}

// In the trace packets have the network's numbers, and connections don't mix.
func TestNumbers(t *testing.T) {
	t.Parallel()
	p := startProxy(t, echoServer(t), func(o *options) { o.view = "json"; faults("-loss 0.1")(o) })
	var clients sync.WaitGroup
	for range 3 {
		c := dial(t, p.addr)
		clients.Go(func() {
			if got, err := exchange(c, random(50_000)); len(got) != 50_000 {
				t.Errorf("%d bytes came back, error %v", len(got), err)
			}
		})
	}
	clients.Wait()
	for p.count(`"event":"finished"`) < 3 {
		p.wait(t, `"event":"finished"`)
		runtime.Gosched()
	}
	p.stop()
	type event struct {
		Event, Direction, Why                                string
		Connection, Number, Of, Previous, Cause, Seq, Length int
		Retransmission                                       bool
	}
	sent, arrived := map[string]event{}, map[string]event{}
	seen := map[string]bool{}
	again, caused := 0, 0
	for line := range strings.Lines(p.text()) {
		var e event
		if json.Unmarshal([]byte(line), &e) != nil {
			continue
		}
		key := fmt.Sprint(e.Direction, e.Number)
		if e.Event == "arrived" {
			arrived[key] = e
		}
		if e.Event != "sent" {
			continue
		}
		sent[key] = e
		bytes := fmt.Sprint(e.Connection, e.Direction, e.Seq)
		if e.Length > 0 && seen[bytes] != e.Retransmission {
			t.Errorf("%+v: sent before: %t", e, seen[bytes])
		}
		seen[bytes] = seen[bytes] || e.Length > 0
		for _, n := range []int{e.Of, e.Previous} {
			if n == 0 {
				continue
			}
			again++
			was, ok := sent[fmt.Sprint(e.Direction, n)]
			if !ok || was.Connection != e.Connection || was.Seq > e.Seq || n == e.Number {
				t.Errorf("%+v repeats %+v", e, was)
			}
		}
		if e.Retransmission != (e.Of > 0 && e.Previous >= e.Of) || e.Retransmission && e.Why == "" {
			t.Errorf("%+v", e)
		}
		if e.Cause > 0 {
			caused++
			by := map[string]string{"up": "down", "down": "up"}[e.Direction]
			if was, ok := arrived[fmt.Sprint(by, e.Cause)]; !ok || was.Connection != e.Connection {
				t.Errorf("%+v is caused by %+v", e, was)
			}
		}
	}
	if again == 0 || caused == 0 {
		t.Errorf("%d repetitions, %d caused by arrivals", again, caused)
	}
}
