package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// startTCP runs a proxy whose links the test can see, until the test ends.
func startTCP(t *testing.T, target string, set func(*options)) (*tcpProxy, *running) {
	t.Helper()
	o := defaults()
	o.listen, o.target, o.view = "127.0.0.1:0", target, "ladder"
	set(o)
	out := &running{more: make(chan struct{}, 1)}
	p, err := listenTCP(o, newSharedNetwork(o.Conditions), newWatcher(out, o.view, false, t.Logf),
		t.Logf)
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

// inOneLine leaves out what is only layout.
func inOneLine(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "│", " ")), " ")
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
		return strings.Contains(l.waits(l.flow.latest+silence), "client waits")
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
	want := fmt.Sprintf("waits for the timer of packet %d,", lost)
	if n := strings.Count(inOneLine(out.text()), want); n != 1 {
		t.Errorf("it says %d times that it %s\n%s", n, want, out.text())
	}
	if text := l.progress(latest+2*silence, latest); !strings.HasPrefix(text,
		"Connection 1 so far: 1 bytes up, 1 down, in ") || !strings.Contains(text, want) {
		t.Errorf("its progress is %q", text)
	}
	if text := l.progress(latest+silence-1, latest); strings.Contains(text, "waits") {
		t.Errorf("before a silence its progress is %q", text)
	}
	// The alarm is an hour off. What is sent now arrives all the same, and has the
	// loss noticed.
	c.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprint(c, " and more")
	got := make([]byte, len("lost and more"))
	if _, err := io.ReadFull(c, got); string(got) != "lost and more" {
		t.Errorf("%q came back, error %v", got, err)
	}
}

// The ladder and the progress say that a window is closed, and nothing of links
// where nothing happens. No program is there: the bytes are written and read here.
func TestTick(t *testing.T) {
	o := defaults()
	o.Delay, o.ReceiveBuffer, o.RTOMin, o.RTOMax = 0, 1000, time.Hour, time.Hour
	out := &running{more: make(chan struct{}, 1)}
	p := &tcpProxy{options: o, net: newSharedNetwork(o.Conditions), open: map[*link]struct{}{},
		watch: newWatcher(out, o.view, false, t.Logf)}
	l := newLink(p.net, p.watch, o, nil)
	l.cancel = func() {}
	p.add(l)
	defer l.stop()
	l.answered(nil, nil)
	l.write(&l.ends[network.Up], random(3000))
	tick := func(now, told time.Duration) (said string, then time.Duration) {
		before := len(out.text())
		then = p.tick(now, told)
		return inOneLine(out.text()[before:]), then
	}

	const closed = "client waits: the window is closed; it asks again after "
	latest := l.flow.latest
	tick(latest, 0) // draws what is pending
	for _, step := range []struct {
		at   time.Duration
		want bool
	}{{silence - 1, false}, {silence, true}, {silence + lookEvery, false}} {
		if said, _ := tick(latest+step.at, 0); strings.Contains(said, closed) != step.want {
			t.Errorf("after %v the ladder says %q", step.at, said)
		}
	}
	p.view = "summary"
	told := latest + time.Hour/2
	if said, then := tick(told+progressEvery-1, told); said != "" || then != told {
		t.Errorf("before its time the progress is %q", said)
	}
	said, then := tick(told+progressEvery, told)
	if !strings.HasPrefix(said, "Connection 1 so far: 0 bytes up") ||
		!strings.Contains(said, closed) || then != told+progressEvery {
		t.Errorf("while the window is closed the progress is %q", said)
	}

	for n := 0; n < 3000; {
		b, err := l.read(network.Down)
		if err != nil {
			t.Fatal(err)
		}
		n += len(b)
	}
	latest = l.flow.latest
	if said, _ := tick(latest+progressEvery, latest); !strings.HasPrefix(said, "Connection 1") ||
		strings.Contains(said, "waits") {
		t.Errorf("when all was read the progress is %q", said)
	}
	if said, _ := tick(latest+2*progressEvery, latest+progressEvery); said != "" {
		t.Errorf("nothing moves and nothing waits, and yet: %q", said)
	}
	l.stop()
	if said, _ := tick(latest+progressEvery, latest); said != "" {
		t.Errorf("the link is over, and yet: %q", said)
	}
}

// What is acknowledged needs no number any more: a connection that lasts does
// not gather them.
func TestNumbersForgotten(t *testing.T) {
	t.Parallel()
	p, _ := startTCP(t, echoServer(t), faults("-loss 0.02"))
	c := dial(t, p.listener.Addr().String())
	data := random(200_000)
	go c.Write(data)
	if got, err := io.ReadAll(io.LimitReader(c, int64(len(data)))); !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back, error %v", len(got), err)
	}
	p.until(t, "no numbers are kept", func(l *link) bool {
		n := 0
		for d := range l.ends {
			n += len(l.flow.names[d]) + len(l.flow.heards[d].numbers)
		}
		return n == 0
	})
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
		l := newLink(newSharedNetwork(o.Conditions), newWatcher(io.Discard, "none", false, t.Logf),
			o, nil)
		for d := range l.ends {
			if got := l.ends[d].options.RTOMax; got != max(want, o.RTOMax) {
				t.Errorf("%s: the bound of an end is %v and not %v", flags, got,
					max(want, o.RTOMax))
			}
		}
	}
}
