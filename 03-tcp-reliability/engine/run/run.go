// Package run takes a run of the simulator from its flags to its verdict. The
// settings of a run are the same in three forms: a value of type Settings, a
// command line, and an address of the web page.
package run

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// Settings are all that a run depends on. The same settings give the same run.
type Settings struct {
	hosts.Settings     // the two ends
	network.Conditions // and what is between them

	Message string        // the client's application writes it, word by word
	Every   time.Duration // from one word to the next; 0: all at once
	// numbered lines of so many bytes, in place of the message; 0: the message
	Bytes    int
	ReadRate int // bytes a second that the server's application reads; 0: all at once
}

// The bounds of the settings.
const (
	MaxBytes   = 100_000_000
	MaxMessage = 10_000 // bytes
	MaxEvery   = time.Hour
)

// Default is a run in which nothing is lost.
func Default() Settings {
	return Settings{
		Settings:   hosts.Default(),
		Conditions: network.Default(),
		Message:    "Every word of this sentence arrives in order.",
		Every:      10 * time.Millisecond,
	}
}

// Writes are what the client's application writes, one piece after the other.
func (s *Settings) Writes() (pieces [][]byte, whole []byte) {
	if s.Bytes == 0 {
		whole = []byte(s.Message)
		for _, word := range bytes.SplitAfter(whole, []byte(" ")) {
			if len(word) > 0 {
				pieces = append(pieces, word)
			}
		}
		return pieces, whole
	}
	whole = make([]byte, 0, s.Bytes+10)
	for line := 1; len(whole) < s.Bytes; line++ {
		whole = fmt.Appendf(whole, "%09d\n", line) // no two pieces are alike
	}
	whole = whole[:s.Bytes]
	return slices.Collect(slices.Chunk(whole, 1000)), whole
}

// A Result is a run that is over.
type Result struct {
	simulation.Result
	Whole []byte // what the client's application wrote
	Read  []byte // what the server's application read
}

// Run sends the message once, and records in t what happens. Without a trace,
// t = nil, it is much faster.
func (s *Settings) Run(t *trace.Trace) (Result, error) {
	client, server, err := hosts.New(s.Settings, s.Seed, t != nil)
	if err != nil {
		return Result{}, err
	}
	pieces, whole := s.Writes()
	every := s.Every
	if s.Bytes > 0 {
		every = 0
	}
	if t != nil {
		t.Protocol = s.Protocol
	}
	var read bytes.Buffer
	r := simulation.Run(simulation.Config{
		Client: client, Server: server,
		Network: network.New(s.Conditions),
		Writes:  pieces, Every: every,
		Output: &read, ReadRate: s.ReadRate,
		Trace: t,
	})
	return Result{r, whole, read.Bytes()}, nil
}

// Verdict says what the server's application got.
func (r *Result) Verdict() string {
	all, got := len(r.Whole), len(r.Read)
	switch {
	case bytes.Equal(r.Read, r.Whole):
		return fmt.Sprintf("Whole and in order: %s, after %s.", story.Count(got, "byte"),
			story.Millis(r.LastRead))
	case got == 0:
		return fmt.Sprintf("Not whole: of %s nothing was read.", story.Count(all, "byte"))
	case bytes.HasPrefix(r.Whole, r.Read):
		return fmt.Sprintf("Not whole: the first %d of %s were read.", got,
			story.Count(all, "byte"))
	case all <= 100:
		return fmt.Sprintf("Torn: %s were written, and %d read:\n  %.100q",
			story.Count(all, "byte"), got, r.Read)
	}
	return fmt.Sprintf("Torn: %s were written, and %d others read.", story.Count(all, "byte"), got)
}
