package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// Whoever watches must see the difference between a program that waits for a
// timer and one that hangs.

const (
	lookEvery     = 250 * time.Millisecond
	silence       = time.Second     // after it the ladder says who waits for what
	progressEvery = 5 * time.Second // with -view summary
	progressLines = 5               // connections at a time: a screen is small
)

// watchLinks says what the links wait for, and how far they are, until ctx is
// cancelled.
func (p *tcpProxy) watchLinks(ctx context.Context) {
	if p.view != "ladder" && p.view != "summary" {
		return
	}
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for told := p.net.now(); ; told = p.tick(p.net.now(), told) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// tick says what there is to say now. It returns when progress was told last.
func (p *tcpProxy) tick(now, told time.Duration) time.Duration {
	switch {
	case p.view == "ladder":
		p.watch.settle(now)
		for _, l := range p.links() {
			l.tellSilence(now)
		}
	case now-told >= progressEvery:
		p.tellProgress(now, told)
		return now
	}
	return told
}

// links are those that are open, in order.
func (p *tcpProxy) links() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.SortedFunc(maps.Keys(p.open),
		func(a, b *link) int { return cmp.Compare(a.flow.id, b.flow.id) })
}

// tellSilence says, once in each silence, what the link waits for.
func (l *link) tellSilence(now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &l.flow
	if now-f.latest < silence || f.silent == f.latest {
		return
	}
	if text := l.waits(now); text != "" {
		f.silent = f.latest
		f.watch.waits(now, f.id, text)
	}
}

// tellProgress says how far the links are that have moved since the last time,
// or wait for a timer.
func (p *tcpProxy) tellProgress(now, last time.Duration) {
	n := 0
	for _, l := range p.links() {
		text := l.progress(now, last)
		if text == "" {
			continue
		}
		if n++; n <= progressLines {
			p.watch.say(text)
		}
	}
	if n > progressLines {
		p.watch.say(fmt.Sprintf("… and %d more connections\n", n-progressLines))
	}
}

func (l *link) progress(now, last time.Duration) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, waits := &l.flow, l.waits(now)
	if l.ended() || waits == "" && f.latest < last {
		return ""
	}
	text := fmt.Sprintf("Connection %d so far: %s", f.id, f.account(now))
	if waits != "" {
		text += "  " + waits + "\n"
	}
	return text
}

// waits says what the link waits for, or "": a window is closed, or an
// acknowledgement has been missing for long. (While bytes flow, one is missing
// all the time.)
func (l *link) waits(now time.Duration) string {
	if l.ended() {
		return ""
	}
	for d, host := range [...]string{"client", "server"} {
		e := &l.ends[d]
		if e.conn == nil {
			continue
		}
		timer := e.conn.State().Out.Timer
		more := fmt.Sprintf("%.1f s more", max(0, timer.Due-now).Seconds())
		switch {
		case timer.For == trace.WindowProbe:
			return fmt.Sprintf("%s waits: the window is closed; it asks again after %s", host, more)
		case now-l.flow.latest < silence:
		case timer.For == trace.Timeout, timer.For == trace.TailLossProbe:
			return fmt.Sprintf("%s waits for the timer of packet %d, %s", host,
				l.flow.oldest(network.Direction(d)), more)
		}
	}
	return ""
}

// oldest is the number of the oldest packet that is not acknowledged.
func (f *flow) oldest(d network.Direction) int {
	if len(f.names[d]) == 0 {
		return 0
	}
	return f.names[d][0].number
}
