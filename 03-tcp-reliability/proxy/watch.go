package main

import (
	"bufio"
	"errors"
	"io"
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/picture"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// A watcher shows what happens on the network, and writes it to captures. While
// the proxy runs its methods may be called at any time by anybody.
type watcher struct {
	view string
	log  func(format string, args ...any)

	mu       sync.Mutex // guards what follows
	out      io.Writer
	ladder   *views.Live
	files    *views.CaptureFiles
	captures []*views.Capture
	trouble  error // of a capture

	traces map[int]*trace.Trace // for svg: of the connections that are open
	last   *trace.Trace         // and of the one that ended last
}

// drawnEvents bounds what is kept of a connection for its picture.
const drawnEvents = 5000

func newWatcher(out io.Writer, view string, color bool, log func(string, ...any)) *watcher {
	return &watcher{out: out, view: view, log: log, traces: map[int]*trace.Trace{},
		ladder: views.NewLive(out, views.Style{Color: color})}
}

// captureBuffer has room for the largest packet: each goes out in one piece, so
// that the file can be read at any moment.
const captureBuffer = 1 << 17

// capture begins to write two captures, or none.
func (w *watcher) capture(name string) error {
	files, err := views.CreateCaptures(name)
	if err != nil {
		return err
	}
	w.files = files
	start := time.Now()
	for d, f := range files.Parts {
		c := &views.Capture{Writer: bufio.NewWriterSize(f, captureBuffer),
			End: network.Direction(d), Start: start}
		c.Begin()
		c.Flush()
		w.captures = append(w.captures, c)
	}
	return nil
}

// watching says whether there is anybody to tell of events.
func (w *watcher) watching() bool {
	return w.view == "ladder" || w.view == "json" || w.view == "svg" || len(w.captures) > 0
}

// told says whether anybody wants to know why packets are sent again.
func (w *watcher) told() bool { return w.watching() || w.view == "summary" }

// add shows an event. lost says that the network loses the packet sent.
func (w *watcher) add(e *trace.Event, lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.captures {
		c.Add(e, lost)
		if err := c.Flush(); err != nil && w.trouble == nil {
			w.trouble = err
			w.log("cannot write the captures: %v\nis the disk full? the connections go on",
				cause(err))
		}
	}
	switch w.view {
	case "ladder":
		w.ladder.Add(e)
	case "json":
		views.WriteEventJSON(w.out, e)
	case "svg":
		w.keep(e)
	}
}

// keep keeps an event until its connection is over, and then the latest that is.
func (w *watcher) keep(e *trace.Event) {
	t := w.traces[e.Connection]
	if t == nil {
		t = &trace.Trace{Protocol: "tcp"}
		w.traces[e.Connection] = t
	}
	over := e.Kind == trace.Finished || e.Kind == trace.Failed
	if len(t.Events) < drawnEvents && !over {
		kept := *e
		kept.Bytes = nil
		t.Events = append(t.Events, kept)
	}
	if over {
		w.last = t
		delete(w.traces, e.Connection)
	}
}

// drawLast draws the connection that ended last, from its first packet on.
func (w *watcher) drawLast(title string) error {
	if w.last == nil {
		return errors.New("no client has come: there is nothing to draw\n" +
			"run a client, and then stop the proxy")
	}
	begun := w.last.Events[0].At
	for i := range w.last.Events {
		w.last.Events[i].At -= begun
		w.last.Events[i].Connection = 0
	}
	return picture.Write(w.out, w.last, picture.Options{Title: title})
}

// finished shows the end of a connection, and how it went.
func (w *watcher) finished(e *trace.Event, text string) {
	w.add(e, false)
	if w.view == "ladder" || w.view == "summary" {
		w.say(text)
	}
}

// say prints lines.
func (w *watcher) say(lines string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	io.WriteString(w.out, lines)
}

// waits shows in the ladder that a connection waits.
func (w *watcher) waits(now time.Duration, id int, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ladder.Say(now, id, text)
}

// settle shows what the ladder has kept back, although nothing more happens.
func (w *watcher) settle(now time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ladder.Settle(now)
}

// close ends the captures. Those of an earlier run get another name.
func (w *watcher) close() error {
	switch {
	case w.files == nil:
		return nil
	case w.trouble != nil: // they are not whole
		return w.files.Leave(w.trouble)
	}
	return w.files.KeepBeside()
}

// discard throws the captures away.
func (w *watcher) discard() {
	if w.files != nil {
		w.files.Discard()
	}
}
