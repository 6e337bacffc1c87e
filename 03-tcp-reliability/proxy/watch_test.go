package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// The ladder shows the loss, the retransmission and what is read.
func TestLiveLadder(t *testing.T) {
	t.Parallel()
	p := startProxy(t, echoServer(t), func(o *options) {
		o.view, o.RACK = "ladder", false
		faults("-drop data:1 -delay 5ms")(o)
	})
	if got, err := exchange(dial(t, p.addr), []byte("Hello, world")); string(got) != "Hello, world" {
		t.Fatalf("%q came back, error %v", got, err)
	}
	p.wait(t, "Connection 1:")
	for _, want := range []string{`: "Hello, world" seq 1-12 ── × lost`, `again: timeout`, `reads "Hello, world"`,
		`12 bytes up, 12 down`, " by timeout)\n  waited for timers: "} {
		if !strings.Contains(p.text(), want) {
			t.Errorf("the ladder does not show %q:\n%s", want, p.text())
		}
	}
}

func TestJSONView(t *testing.T) {
	t.Parallel()
	p := startProxy(t, echoServer(t), func(o *options) { o.view, o.RACK = "json", false; faults("-drop data:1")(o) })
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
	if events["lost"] != 1 || events["again by timeout"] == 0 || events["read"] != 2 || events["end"] != 2 {
		t.Errorf("events: %v", events)
	}
}

// The picture is of the connection that ended last, and nothing else is where
// it goes.
func TestPicture(t *testing.T) {
	t.Parallel()
	p := startProxy(t, echoServer(t), func(o *options) { o.view = "svg"; faults("-drop data:2")(o) })
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

// startTCP runs a proxy whose links the test can see, until the test ends.
func startTCP(t *testing.T, target string, set func(*options)) (*tcpProxy, *running) {
	t.Helper()
	o := defaults()
	o.listen, o.target, o.view = "127.0.0.1:0", target, "ladder"
	set(o)
	out := &running{more: make(chan struct{}, 1)}
	p, err := listenTCP(o, newSharedNetwork(o.Conditions), newWatcher(out, o.view, false), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	proxies.Add(1)
	ctx, cancel := context.WithCancel(context.Background())
	var run sync.WaitGroup
	run.Go(func() { p.run(ctx) })
	t.Cleanup(func() {
		cancel()
		run.Wait()
		proxies.Add(-1)
		nothingLeft(t)
	})
	return p, out
}

// until looks at the proxy's first link until it is as it must be.
func (p *tcpProxy) until(t *testing.T, what string, is func(*link) bool) *link {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); runtime.Gosched() {
		if links := p.links(); len(links) > 0 {
			l := links[0]
			l.mu.Lock()
			ok := is(l)
			l.mu.Unlock()
			if ok {
				return l
			}
		}
	}
	t.Fatal("it never came to this: ", what)
	return nil
}

// A connection that waits for a timer says so, once in a silence.
func TestWaits(t *testing.T) {
	t.Parallel()
	p, out := startTCP(t, echoServer(t), func(o *options) {
		o.RTOMin, o.RTOMax = time.Hour, time.Hour
		faults("-drop data:2 -delay 1ms")(o)
	})
	c := dial(t, p.listener.Addr().String())
	fmt.Fprint(c, "x")
	io.ReadFull(c, make([]byte, 1))
	fmt.Fprint(c, "lost")
	l := p.until(t, "the client waits", func(l *link) bool {
		return strings.Contains(l.waits(p.net.now()), "client waits")
	})
	l.mu.Lock()
	latest := l.flow.latest
	lost := p.net.packets[network.Up]
	l.mu.Unlock()
	l.tellSilence(latest + silence - 1)
	if strings.Contains(out.text(), "waits for the timer") {
		t.Errorf("it says so before a silence of %v:\n%s", silence, out.text())
	}
	l.tellSilence(latest + silence)
	l.tellSilence(latest + silence + lookEvery)
	want := fmt.Sprintf("waits for the timer of %d,", lost)
	if n := strings.Count(strings.Join(strings.Fields(out.text()), " "), want); n != 1 {
		t.Errorf("it says %d times that it %s\n%s", n, want, out.text())
	}
	if text := l.progress(latest+2*silence, latest); !strings.HasPrefix(text,
		"Connection 1 so far: 1 bytes up, 1 down, in ") || !strings.Contains(text, want) {
		t.Errorf("its progress is %q", text)
	}
}

// The bound of the timer is never below the longest round trip.
func TestLongestWait(t *testing.T) {
	for flags, want := range map[string]time.Duration{
		"-delay 0":                        0,
		"-delay 1s":                       8 * time.Second,
		"-delay 10ms -jitter 5ms":         120 * time.Millisecond,
		"-delay 0 -rate 1Mbit -queue 100": 4800 * time.Millisecond,
		"-delay 1m -rate 1bit -queue 10000 -jitter 0": time.Hour,
	} {
		o := defaults()
		faults(flags)(o)
		if got := longestWait(&o.Conditions, 1500); got != want {
			t.Errorf("%s: %v and not %v", flags, got, want)
		}
	}
}
