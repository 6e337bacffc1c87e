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
	}
}
