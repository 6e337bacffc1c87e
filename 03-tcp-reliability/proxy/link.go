package main

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/queue"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A link is one connection through the lossy network: two ends of TCP.
//
//	client ══ relay ══ end ── the network ── end ══ relay ══ target
//
// It does in real time what package simulation does in virtual time: whatever
// happens, move carries on until nothing can move, and sets the timer.
type link struct {
	net    *sharedNetwork
	flow   flow
	cancel context.CancelFunc // of the call to the target

	mu     sync.Mutex // guards what follows, and flow
	now    time.Duration
	ends   [2]end // by the direction in which they send
	flying queue.Queue[arrival]
	free   [][]byte // buffers for packets
	timer  *time.Timer
	alarm  time.Duration // when the timer rings, or none
	reason error         // why the link did not end well
	over   chan struct{} // closed when no end has anything to do any more
}

// An end is one end of TCP, and what passes between it and its relay.
type end struct {
	options tcp.Options
	conn    *tcp.Conn    // nil: the target has not answered yet
	kernel  *net.TCPConn // the connection to the program; nil as well
	syn     arrival      // meanwhile: the client's SYN
	reset   bool         // conn has failed,
	failed  bool         // and kernel is closed

	in      []byte    // from the program, not yet taken by conn
	written sync.Cond // in is taken
	inEnded bool      // no more comes from the program,
	closed  bool      // and conn knows

	block    []byte    // room for out
	out      []byte    // for the program: the relay has it
	outEnded bool      // no more goes to the program
	readable sync.Cond // there is something in out, or its end
}

// An arrival is a packet under way.
type arrival struct {
	direction network.Direction
	number    int
	copy      int
	damaged   bool
	header    *trace.Header // nil if nobody watches
	bytes     []byte
}

const (
	blockSize     = 32 << 10    // of what passes between the kernel and an end at once
	resetPatience = time.Second // for a program to take what came before a reset

	none  = time.Duration(-1)        // no alarm
	never = time.Duration(1<<63 - 1) // later than every time
)

// newLink makes a link for a client's connection. Nothing moves yet.
func newLink(net *sharedNetwork, watch *watcher, o *options, client *net.TCPConn) *link {
	l := &link{net: net, alarm: none, over: make(chan struct{})}
	l.flow.begin(watch, net)
	c := net.conditions()
	settings := o.TCPSettings
	settings.RTOMax = max(settings.RTOMax, longestWait(&c, o.mtu))

	random := rand.New(rand.NewPCG(uint64(o.Seed), uint64(l.flow.id)))
	addresses := addresses(l.flow.id)
	for d := range l.ends {
		e := &l.ends[d]
		e.written.L, e.readable.L = &l.mu, &l.mu
		e.options = settings.TCPOptions()
		e.options.Local, e.options.Remote = addresses[d], addresses[1-d]
		e.options.ISS, e.options.MTU, e.options.Trace = random.Uint32(), o.mtu, watch.told()
	}
	l.ends[network.Down].options.ReceiveBuffer = settings.ReceiveBuffer
	e := &l.ends[network.Up]
	e.kernel, e.conn = client, tcp.Dial(e.options)
	return l
}

// addresses are those of the two ends, from RFC 5737, section 3, for
// documentation. Each link has another client's port, until all were used.
func addresses(id int) [2]netip.AddrPort {
	const firstPort, ports, begin = 1024, 1<<16 - 1024, 50000
	port := firstPort + (begin-firstPort+id-1)%ports
	return [2]netip.AddrPort{
		netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), uint16(port)),
		netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 2}), 65432)}
}

// longestWait is the least that the bound of the retransmission timeout must
// be under these conditions: four of the longest round trips. A bound below
// the round trip would repeat every packet before it can be acknowledged.
func longestWait(c *network.Conditions, mtu int) time.Duration {
	roundTrip := 2 * (c.Delay + c.Jitter)
	if c.Rate > 0 {
		seconds := float64(c.Queue) * float64(mtu) * 8 / float64(c.Rate)
		roundTrip += time.Duration(min(seconds*1e9, float64(hosts.MaxRTO)))
	}
	return min(4*roundTrip, hosts.MaxRTO)
}
