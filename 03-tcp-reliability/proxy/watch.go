package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// A watcher shows what happens on the network, and writes it to captures. Its
// methods are called with the path's lock held.
type watcher struct {
	out      io.Writer
	view     string
	ladder   *views.Live
	captures []*views.Capture
	files    []*os.File
	trouble  error // of a capture
}

func newWatcher(out io.Writer, view string, color bool) *watcher {
	return &watcher{out: out, view: view, ladder: views.NewLive(out, views.Style{Color: color})}
}

// capture begins to write NAME-client.pcapng and NAME-server.pcapng, or none.
// Those of an earlier run are kept, under another name.
func (w *watcher) capture(name string) error {
	start := time.Now()
	for end, suffix := range []string{"-client", "-server"} {
		f, err := createBeside(name+suffix, ".pcapng")
		if err != nil {
			for _, f := range w.files {
				f.Close()
				os.Remove(f.Name())
			}
			var trouble *fs.PathError
			if errors.As(err, &trouble) {
				err = trouble.Err
			}
			return fmt.Errorf("cannot write %s.pcapng: %w\n"+
				"give -pcap a name in a folder that exists and may be written to", name+suffix, err)
		}
		w.files = append(w.files, f)
		// Room for the largest packet: each goes out in one piece, so that
		// the file can be read at any moment.
		c := &views.Capture{Writer: bufio.NewWriterSize(f, 1<<17), End: network.Direction(end), Start: start}
		c.Begin()
		c.Flush()
		w.captures = append(w.captures, c)
	}
	return nil
}

// createBeside creates a file. One of that name takes the first free name with
// a number: run-client.pcapng becomes run-client-1.pcapng.
func createBeside(name, suffix string) (*os.File, error) {
	for n := 1; ; n++ {
		f, err := os.OpenFile(name+suffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if !errors.Is(err, os.ErrExist) {
			return f, err
		}
		earlier := fmt.Sprintf("%s-%d%s", name, n, suffix)
		if _, err := os.Lstat(earlier); errors.Is(err, os.ErrNotExist) {
			if err := os.Rename(name+suffix, earlier); err != nil {
				return nil, err
			}
		}
	}
}

// watching says whether there is anybody to tell of events.
func (w *watcher) watching() bool {
	return w.view == "ladder" || w.view == "json" || len(w.captures) > 0
}

// add shows an event. lost says that the network loses the packet sent.
func (w *watcher) add(e *trace.Event, lost bool) {
	for _, c := range w.captures {
		c.Add(e, lost)
		if err := c.Flush(); err != nil && w.trouble == nil {
			w.trouble = err
			fmt.Fprintf(os.Stderr, "cannot write the captures: %v\n", err)
		}
	}
	switch w.view {
	case "ladder":
		w.ladder.Add(e)
	case "json":
		views.WriteEventJSON(w.out, e)
	}
}

// ended tells that a connection is over, and how it went.
func (m *medium) ended(l *link, reason string) {
	l.mu.Lock() // before the medium's, as everywhere
	defer l.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	w, now := m.watch, m.net.now()
	e := trace.Event{At: now, Kind: trace.Finished, Connection: l.id}
	if reason != "" {
		e.Kind, e.Text = trace.Failed, reason
	}
	w.add(&e, false)
	if w.view != "ladder" && w.view != "summary" {
		return
	}
	fmt.Fprintf(w.out, "Connection %d: %s\n", l.id, l.account(now))
	if reason != "" {
		fmt.Fprintf(w.out, "  it ended early: %s\n", reason)
	}
}

// account says how a connection goes, in lines of at most 80 columns. It is
// called with the link's lock held.
func (l *link) account(now time.Duration) string {
	text := fmt.Sprintf("%d bytes up, %d down, in %s;\n  segments: %d up (%d lost), %d down (%d lost)",
		l.bytes[0], l.bytes[1], (now - l.begun).Round(time.Millisecond),
		l.packets[0], l.lost[0], l.packets[1], l.lost[1])
	again := 0
	for _, n := range l.again {
		again += n
	}
	if again > 0 {
		text += fmt.Sprintf("\n  sent again: %d (%s)", again, views.Reasons(l.again))
	}
	if l.waiting >= time.Millisecond {
		text += fmt.Sprintf("\n  waited for timers alone: %s", l.waiting.Round(time.Millisecond))
	}
	return text
}

// How long nothing has to happen before a connection that waits is told of, and
// how often the summary tells of those that go on.
const (
	longSilence = time.Second
	progress    = 5 * time.Second
)

// tellOfWaiting tells of connections that wait for a timer: else a long pause
// looks like a hang.
func (p *tcpProxy) tellOfWaiting(ctx context.Context) {
	if p.view != "ladder" && p.view != "summary" {
		return
	}
	tick := time.NewTicker(longSilence)
	defer tick.Stop()
	told := map[*link]time.Duration{} // when it had last moved
	for n := 1; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		p.mu.Lock()
		links := map[*link]bool{}
		for r := range p.open {
			links[r.inner.link] = true
		}
		p.mu.Unlock()
		for l := range told {
			if !links[l] {
				delete(told, l)
			}
		}
		for l := range links {
			switch now := p.medium.net.now(); {
			case p.view == "summary" && n%int(progress/longSilence) == 0:
				l.mu.Lock()
				text := l.account(now)
				l.mu.Unlock()
				p.medium.say("Connection %d, so far: %s\n", l.id, text)
			case p.view == "ladder":
				left, last, ok := l.waits(now, longSilence)
				if ok && told[l] != last {
					told[l] = last
					p.medium.waits(l.id, left)
				}
			}
		}
	}
}

// say prints a line between those of the view.
func (m *medium) say(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fmt.Fprintf(m.watch.out, format, args...)
}

// waits draws a row in the live ladder: nothing moves, and that is no hang.
func (m *medium) waits(connection int, left time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watch.ladder.Say(connection, fmt.Sprintf("waits for a timer, %.1f s more", left.Seconds()))
}

// close ends the captures.
func (w *watcher) close() error {
	errs := []error{w.trouble}
	for _, f := range w.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
