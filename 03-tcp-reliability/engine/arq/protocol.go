package arq

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/flags"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// Protocol says how the two ends repeat what was lost. As a flag it is one of
// Names.
type Protocol byte

const (
	UDP             Protocol = 1
	StopAndWait     Protocol = 2
	GoBackN         Protocol = 3
	SelectiveRepeat Protocol = 4
)

// protocols says what belongs to the name of each.
var protocols = [...]struct {
	name     string
	sender   func(transfer uint64, o Options) End
	receiver func(transfer uint64) End
}{
	UDP: {"udp",
		func(t uint64, o Options) End { return NewUDPSender(t) },
		func(t uint64) End { return NewUDPReceiver(t) }},
	StopAndWait: {"stop-and-wait",
		func(t uint64, o Options) End { return NewStopAndWaitSender(t, o.RTO) },
		func(t uint64) End { return NewStopAndWaitReceiver(t) }},
	GoBackN: {"go-back-n",
		func(t uint64, o Options) End { return NewGoBackNSender(t, o.Window, o.RTO) },
		func(t uint64) End { return NewGoBackNReceiver(t) }},
	SelectiveRepeat: {"selective-repeat",
		func(t uint64, o Options) End { return NewSelectiveRepeatSender(t, o.Window, o.RTO) },
		func(t uint64) End { return NewSelectiveRepeatReceiver(t) }},
}

// Names are those of all protocols, from the least to the most.
func Names() (names []string) {
	for _, p := range protocols[UDP:] {
		names = append(names, p.name)
	}
	return names
}

// ParseProtocol finds a protocol by its name.
func ParseProtocol(name string) (Protocol, error) {
	for p := UDP; p.known(); p++ {
		if protocols[p].name == name {
			return p, nil
		}
	}
	return 0, fmt.Errorf("must be one of\n%s", strings.Join(Names(), ", "))
}

func (p Protocol) known() bool { return p >= UDP && int(p) < len(protocols) }

func (p Protocol) String() string {
	if !p.known() {
		return fmt.Sprintf("protocol %d", byte(p))
	}
	return protocols[p].name
}

// Set finds a protocol by its name, for package flag.
func (p *Protocol) Set(name string) (err error) {
	found, err := ParseProtocol(name)
	if err == nil {
		*p = found
	}
	return err
}

// An End is the sending or the receiving one of a transfer. It is a Host of
// package simulation, which says what its methods do.
type End interface {
	Receive(now time.Duration, packet []byte)
	Send(now time.Duration) (trace.Packet, bool)
	Deadline() (time.Duration, bool)
	Write(now time.Duration, p []byte) int
	Close(now time.Duration)
	Read(now time.Duration, p []byte) (int, error)
	Done() (bool, error)
	Notes() []trace.Note
}

// Options are a sender's settings. Each protocol takes those that it has.
type Options struct {
	Window int           // packets that may be under way: go-back-n, selective-repeat
	RTO    time.Duration // a fixed retransmission timeout; 0: an adaptive one
}

// Flags defines a flag for each option. What o holds is the default.
func (o *Options) Flags(fs *flag.FlagSet) {
	flags.Int(fs, &o.Window, "window",
		"go-back-n, selective-repeat: `packets` that may be under way")
	flags.Duration(fs, &o.RTO, "rto",
		"the textbook protocols: a fixed retransmission `timeout`; 0: an adaptive one")
}

// Check objects to options that make no sense.
func (o Options) Check() error {
	switch {
	case o.Window < 1 || o.Window > MaxWindow:
		return flags.Invalid("window", o.Window, "must be from 1 to %d packets", MaxWindow)
	case o.RTO < 0 || o.RTO > 0 && o.RTO < time.Millisecond || o.RTO > time.Minute:
		return flags.Invalid("rto", o.RTO, "must be from 1ms to 1m, or 0 for an adaptive one")
	}
	return nil
}

// For names the protocols for which the flag of an option means something; nil:
// it is not one of those flags.
func For(flag string) []string {
	switch flag {
	case "window":
		return []string{GoBackN.String(), SelectiveRepeat.String()}
	case "rto":
		return []string{StopAndWait.String(), GoBackN.String(), SelectiveRepeat.String()}
	}
	return nil
}

// Takes objects to an option's flag that means nothing to the protocol.
func (p Protocol) Takes(flag string) error {
	if names := For(flag); names != nil && !slices.Contains(names, p.String()) {
		return Useless(flag, p.String(), names)
	}
	return nil
}

// Useless is the error about a flag that means nothing to a protocol, but to
// others.
func Useless(flag, protocol string, others []string) error {
	return &flags.Error{Flag: flag, Text: fmt.Sprintf(
		"flag -%s means nothing to -protocol %s: it is for\n%s",
		flag, protocol, strings.Join(others, ", "))}
}

// DefaultWindow is that of every program, in packets.
const DefaultWindow = 8

// NewSender makes the sending end of a transfer with this number.
func NewSender(p Protocol, transfer uint64, o Options) End {
	return protocols[p].sender(transfer, o)
}

// NewReceiver makes the receiving end.
func NewReceiver(p Protocol, transfer uint64) End { return protocols[p].receiver(transfer) }
