// Package hosts makes the two ends of a transfer, by the name of the way to
// send. It brings arq and tcp together; the loop that runs them is in
// simulation.
package hosts

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
)

// Names are the five ways to send, from the least to the most.
var Names = []string{"udp", "stop-and-wait", "go-back-n", "selective-repeat", "tcp"}

// transfer is the number of the textbook protocols' transfer. Its low 32 bits
// make the third packet's sequence number 0: each run crosses the wrap.
const transfer = 0x0123_4567_ffff_fffd

// Settings choose the two hosts.
type Settings struct {
	Protocol      string
	Window        int           // packets: go-back-n and selective-repeat
	RTO           time.Duration // fixed, or 0: adaptive; the textbook protocols
	Congestion    string        // reno or cubic: tcp
	ReceiveBuffer int           // of the server, in bytes, 0: 1 MiB; tcp
	RACK          bool          // losses detected by time (RFC 8985); tcp
	NoSACK        bool          // no selective acknowledgements (RFC 2018); tcp
	NoTimestamps  bool          // RFC 7323, section 3; tcp
	RTOMin        time.Duration // the least and
	RTOMax        time.Duration // the most of TCP's timeout, 0: 200 ms and 60 s
	Nagle         bool          // small writes wait (RFC 9293, section 3.7.4); tcp
	DelayedACK    bool          // RFC 9293, section 3.8.6.3; tcp
	Seed          int64         // of the first sequence numbers; tcp
}

// Validate objects to settings that make no sense.
func (s Settings) Validate() error {
	switch {
	case !slices.Contains(Names, s.Protocol):
		return fmt.Errorf("invalid value %q for flag -protocol: must be one of %s",
			s.Protocol, strings.Join(Names, ", "))
	case s.Window < 1 || s.Window > arq.MaxWindow:
		return fmt.Errorf("invalid value %d for flag -window: must be from 1 to %d packets", s.Window, arq.MaxWindow)
	case s.RTO < 0 || s.RTO > 0 && s.RTO < time.Millisecond || s.RTO > time.Minute:
		return fmt.Errorf("invalid value %v for flag -rto: must be from 1ms to 1m, or 0 for an adaptive timeout", s.RTO)
	case s.Congestion != "reno" && s.Congestion != "cubic":
		return fmt.Errorf("invalid value %q for flag -congestion: must be reno or cubic", s.Congestion)
	case s.ReceiveBuffer < 0 || s.ReceiveBuffer > 1<<30:
		return fmt.Errorf("invalid value %d for flag -receive-buffer: must be from 1 to %d bytes, or 0 for the stack's choice", s.ReceiveBuffer, 1<<30)
	}
	return nil
}

// Hosts makes the two ends of a transfer. The function that it returns frees
// what they hold.
func Hosts(s Settings) (client, server simulation.Host, free func(), err error) {
	free = func() {}
	if err := s.Validate(); err != nil {
		return nil, nil, free, err
	}
	switch s.Protocol {
	case "udp":
		return arq.NewUDPSender(transfer), arq.NewUDPReceiver(transfer), free, nil
	case "stop-and-wait":
		return arq.NewStopAndWaitSender(transfer, s.RTO), arq.NewStopAndWaitReceiver(transfer), free, nil
	case "go-back-n":
		return arq.NewGoBackNSender(transfer, s.Window, s.RTO), arq.NewGoBackNReceiver(transfer), free, nil
	case "selective-repeat":
		return arq.NewSelectiveRepeatSender(transfer, s.Window, s.RTO), arq.NewSelectiveRepeatReceiver(transfer), free, nil
	}
	c, v := ends(s)
	return c, v, free, nil
}

// The two ends of TCP: addresses from RFC 5737, section 3, for documentation.
var (
	clientAddr = netip.MustParseAddrPort("192.0.2.1:50000")
	serverAddr = netip.MustParseAddrPort("192.0.2.2:65432")
)

// ends makes the two ends of TCP. Their first sequence numbers are random, as
// the seed has it.
func ends(s Settings) (client, server *tcp.Conn) {
	random := rand.New(rand.NewPCG(uint64(s.Seed), 0))
	o := tcp.Options{Local: clientAddr, Remote: serverAddr, ISS: random.Uint32(),
		Congestion: s.Congestion, RACK: s.RACK, NoSACK: s.NoSACK, NoTimestamps: s.NoTimestamps,
		RTOMin: s.RTOMin, RTOMax: s.RTOMax, Nagle: s.Nagle, DelayedACK: s.DelayedACK,
		Trace: true}
	client = tcp.Dial(o)
	o.Local, o.Remote, o.ISS, o.ReceiveBuffer = serverAddr, clientAddr, random.Uint32(), s.ReceiveBuffer
	return client, tcp.Accept(o)
}
