// Package hosts makes the two ends of a transfer: of a textbook protocol, which
// arq has, or of TCP, which tcp has. It stands between them and package
// simulation, which needs to know neither.
package hosts

import (
	"flag"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/flags"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
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
	Protocol    string // one of Names
	arq.Options        // the textbook protocols
	TCPSettings        // TCP
}

// TCPSettings choose how both ends of TCP behave.
type TCPSettings struct {
	Congestion     string        // reno or cubic
	ReceiveBuffer  int           // of the server, in bytes; 0: 1 MiB
	RACK           bool          // losses are detected by time, too (RFC 8985)
	SACK           bool          // acknowledgements name what came out of order (RFC 2018)
	Timestamps     bool          // RFC 7323, section 3
	RTOMin, RTOMax time.Duration // the bounds of the retransmission timeout
	// small writes wait for an acknowledgement (RFC 9293, section 3.7.4)
	Nagle      bool
	DelayedACK bool // acknowledgements wait for company (RFC 9293, section 3.8.6.3)
}

// The bounds of the settings.
const (
	maxBuffer = 1 << 30   // bytes
	MaxRTO    = time.Hour // the most that -rto-max may be
)

// Default is what every program begins with.
func Default() Settings {
	return Settings{
		Protocol: TCP,
		Options:  arq.Options{Window: arq.DefaultWindow},
		TCPSettings: TCPSettings{Congestion: "cubic", SACK: true, Timestamps: true,
			RTOMin: 200 * time.Millisecond, RTOMax: time.Minute},
	}
}

// Flags defines a flag for each setting. What s holds is the default.
func (s *Settings) Flags(fs *flag.FlagSet) {
	fs.StringVar(&s.Protocol, "protocol", s.Protocol, "how to send: "+strings.Join(Names, ", "))
	s.Options.Flags(fs)
	s.TCPSettings.Flags(fs)
}

// tcpFlags are the flags of TCPSettings.
var tcpFlags = []string{"congestion", "rack", "sack", "timestamps", "rto-min", "rto-max",
	"receive-buffer", "nagle", "delayed-ack"}

// Flags defines a flag for each setting. What s holds is the default.
func (s *TCPSettings) Flags(fs *flag.FlagSet) {
	fs.StringVar(&s.Congestion, "congestion", s.Congestion,
		"tcp: congestion control, cubic or reno")
	fs.BoolVar(&s.RACK, "rack", s.RACK,
		"tcp: detect losses by time, too, and probe the tail (RFC 8985)")
	fs.BoolVar(&s.SACK, "sack", s.SACK, "tcp: selective acknowledgements (RFC 2018)")
	fs.BoolVar(&s.Timestamps, "timestamps", s.Timestamps, "tcp: timestamps (RFC 7323)")
	flags.Duration(fs, &s.RTOMin, "rto-min",
		"tcp: the least retransmission `timeout`, such as 50ms")
	flags.Duration(fs, &s.RTOMax, "rto-max", "tcp: the most that doubling makes of it, such as 10s")
	flags.Int(fs, &s.ReceiveBuffer, "receive-buffer",
		"tcp: the server's receive buffer in `bytes`; 0: 1 MiB")
	fs.BoolVar(&s.Nagle, "nagle", s.Nagle,
		"tcp: a small segment waits while another is not acknowledged")
	fs.BoolVar(&s.DelayedACK, "delayed-ack", s.DelayedACK,
		"tcp: acknowledge every second segment, or after 40 ms")
}

// For names the protocols for which a flag means something; nil: for all.
func For(flag string) []string {
	if slices.Contains(tcpFlags, flag) {
		return []string{TCP}
	}
	return arq.For(flag)
}

// Check objects to settings that make no sense.
func (s Settings) Check() error {
	if !slices.Contains(Names, s.Protocol) {
		return flags.Invalid("protocol", strconv.Quote(s.Protocol),
			"must be one of\n%s", strings.Join(Names, ", "))
	}
	if err := s.TCPSettings.Check(); err != nil {
		return err
	}
	return s.Options.Check()
}

// Check objects to settings that make no sense.
func (s TCPSettings) Check() error {
	switch {
	case s.Congestion != "reno" && s.Congestion != "cubic":
		return flags.Invalid("congestion", strconv.Quote(s.Congestion), "must be reno or cubic")
	case s.ReceiveBuffer < 0 || s.ReceiveBuffer > maxBuffer:
		return flags.Invalid("receive-buffer", s.ReceiveBuffer,
			"must be from 1 to %d bytes, or 0", maxBuffer)
	case s.RTOMin < time.Millisecond || s.RTOMin > MaxRTO:
		return flags.Invalid("rto-min", s.RTOMin, "must be from 1ms to %v", MaxRTO)
	case s.RTOMax < s.RTOMin || s.RTOMax > MaxRTO:
		return flags.Invalid("rto-max", s.RTOMax,
			"must be from %v, the -rto-min, to %v", s.RTOMin, MaxRTO)
	}
	return nil
}

// New makes the two ends of a transfer. TCP's first sequence numbers grow from
// seed. With trace they say of each packet why it left; without they are faster.
func New(s Settings, seed int64, trace bool) (client, server simulation.Host, err error) {
	if err := s.Check(); err != nil {
		return nil, nil, err
	}
	if p, err := arq.ParseProtocol(s.Protocol); err == nil {
		return arq.NewSender(p, transfer, s.Options), arq.NewReceiver(p, transfer), nil
	}
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	o := s.TCPOptions()
	o.Local, o.Remote, o.ISS, o.Trace = clientAddr, serverAddr, random.Uint32(), trace
	client = tcp.Dial(o)
	o.Local, o.Remote, o.ISS, o.ReceiveBuffer = serverAddr, clientAddr, random.Uint32(),
		s.ReceiveBuffer
	return client, tcp.Accept(o), nil
}

// TCPOptions are the settings as package tcp takes them, but for the receive
// buffer: that is the server's alone.
func (s TCPSettings) TCPOptions() tcp.Options {
	return tcp.Options{Congestion: s.Congestion, RACK: s.RACK, NoSACK: !s.SACK,
		NoTimestamps: !s.Timestamps, RTOMin: s.RTOMin, RTOMax: s.RTOMax,
		Nagle: s.Nagle, DelayedACK: s.DelayedACK}
}

// The two ends of TCP: addresses from RFC 5737, section 3, for documentation.
var (
	clientAddr = netip.MustParseAddrPort("192.0.2.1:50000")
	serverAddr = netip.MustParseAddrPort("192.0.2.2:65432")
)
