package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// A watcher shows what happens on the network, and writes it to captures. Its
// methods are called with the wire's lock held.
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
func (w *watcher) capture(name string) error {
	start := time.Now()
	for end, suffix := range []string{"-client.pcapng", "-server.pcapng"} {
		f, err := os.Create(name + suffix)
		if err != nil {
			w.close()
			for _, f := range w.files {
				os.Remove(f.Name())
			}
			return fmt.Errorf("cannot write the captures: %w; give -pcap a name in a folder that exists and may be written to", err)
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

// summary says how a connection went.
func (w *watcher) summary(t *track, took time.Duration, reason string) {
	if w.view != "ladder" && w.view != "summary" {
		return
	}
	again := 0
	for _, n := range t.again {
		again += n
	}
	text := fmt.Sprintf("Connection %d: %d bytes up, %d down, in %s; segments: %d up (%d lost), %d down (%d lost), sent again: %d",
		t.id, t.bytes[0], t.bytes[1], took.Round(time.Millisecond),
		t.packets[0], t.lost[0], t.packets[1], t.lost[1], again)
	if again > 0 {
		text += " (" + views.Reasons(t.again) + ")"
	}
	if reason != "" {
		text += "; it ended early: " + reason
	}
	fmt.Fprintln(w.out, text)
}

// close ends the captures.
func (w *watcher) close() error {
	var errs []error
	for _, f := range w.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
