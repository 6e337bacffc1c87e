// Package hosts makes the two ends of a transfer: of a textbook protocol, which
// arq has, or of TCP. It stands between them and package simulation, which so
// needs no TCP.
package hosts

import (
	"flag"
	"slices"
	"strconv"
	"strings"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/flags"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/tcpstack"
)

// TCP is the name of the protocol that is not one of arq's.
const TCP = "tcp"

// Names are the five ways to send, from the least to the most.
var Names = append(arq.Names(), TCP)

// transfer is the number of the textbook protocols' transfer. Its low 32 bits
// make the third packet's sequence number 0: each run crosses the wrap.
const transfer = 0x0123_4567_ffff_fffd

// Settings choose the two hosts.
type Settings struct {
	Protocol      string // one of Names
	arq.Options          // the textbook protocols
	Congestion    string // reno or cubic: tcp
	ReceiveBuffer int    // of the server, in bytes, 0: the stack's choice; tcp
	RACK          bool   // losses detected by time (RFC 8985); tcp
}

// Default is what every program begins with.
func Default() Settings {
	return Settings{Protocol: TCP, Options: arq.Options{Window: arq.DefaultWindow}, Congestion: "cubic"}
}

// Flags defines a flag for each setting. What s holds is the default.
func (s *Settings) Flags(fs *flag.FlagSet) {
	fs.StringVar(&s.Protocol, "protocol", s.Protocol, "how to send: "+strings.Join(Names, ", "))
	s.Options.Flags(fs)
	fs.StringVar(&s.Congestion, "congestion", s.Congestion, "tcp: congestion control, cubic or reno")
	fs.BoolVar(&s.RACK, "rack", s.RACK, "tcp: detect losses by time, too (RFC 8985)")
	flags.Int(fs, &s.ReceiveBuffer, "receive-buffer",
		"tcp: the server's receive buffer in `bytes`; 0: the stack's choice")
}

// For names the protocols for which a flag means something; nil: for all.
func For(flag string) []string {
	switch flag {
	case "window":
		return []string{arq.GoBackN.String(), arq.SelectiveRepeat.String()}
	case "rto":
		return []string{arq.StopAndWait.String(), arq.GoBackN.String(), arq.SelectiveRepeat.String()}
	case "congestion", "rack", "receive-buffer":
		return []string{TCP}
	}
	return nil
}

// Check objects to settings that make no sense.
func (s Settings) Check() error {
	const mostBuffer = 1 << 30
	switch {
	case !slices.Contains(Names, s.Protocol):
		return flags.Invalid("protocol", strconv.Quote(s.Protocol),
			"must be one of\n%s", strings.Join(Names, ", "))
	case s.Congestion != "reno" && s.Congestion != "cubic":
		return flags.Invalid("congestion", strconv.Quote(s.Congestion), "must be reno or cubic")
	case s.ReceiveBuffer < 0 || s.ReceiveBuffer > mostBuffer:
		return flags.Invalid("receive-buffer", s.ReceiveBuffer,
			"must be from 1 to %d bytes, or 0", mostBuffer)
	}
	return s.Options.Check()
}

// New makes the two ends of a transfer. TCP's own random numbers grow from
// seed. The function that it returns frees what the ends hold.
func New(s Settings, seed int64) (client, server simulation.Host, free func(), err error) {
	free = func() {}
	if err := s.Check(); err != nil {
		return nil, nil, free, err
	}
	if p, err := arq.ParseProtocol(s.Protocol); err == nil {
		return arq.NewSender(p, transfer, s.Options), arq.NewReceiver(p, transfer), free, nil
	}
	o := tcpstack.Options{Seed: seed, Congestion: s.Congestion, RACK: s.RACK}
	c, err := tcpstack.NewClient(o)
	if err != nil {
		return nil, nil, free, err
	}
	o.ReceiveBuffer = s.ReceiveBuffer
	v, err := tcpstack.NewServer(o)
	if err != nil {
		c.Destroy()
		return nil, nil, free, err
	}
	return c, v, func() { c.Destroy(); v.Destroy() }, nil
}
