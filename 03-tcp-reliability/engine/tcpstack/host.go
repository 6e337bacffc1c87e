// Package tcpstack makes a host out of gVisor's TCP: a real TCP/IP stack
// whose clock, randomness and link are in our hands. Packets and the time go
// in, packets and the next deadline come out, every time the same ones.
package tcpstack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

const (
	nic       = 1
	mtu       = 1500 // bytes of an IPv4 packet, Ethernet's
	linkQueue = 8192 // packets that one step may send

	// With little room for half-open connections gVisor answers with SYN
	// cookies (RFC 4987, section 3.6): it then keeps no state, never
	// repeats a SYN ACK, and resets a connection whose first data
	// overtakes the handshake's last acknowledgement.
	backlog = 16
)

// The two ends: addresses from RFC 5737, section 3, for documentation.
var (
	clientAddr = tcpip.FullAddress{
		NIC: nic, Addr: tcpip.AddrFrom4([4]byte{192, 0, 2, 1}), Port: 50000,
	}
	serverAddr = tcpip.FullAddress{
		NIC: nic, Addr: tcpip.AddrFrom4([4]byte{192, 0, 2, 2}), Port: 65432,
	}
)

// A Host is one end of one TCP connection. Its methods are for one goroutine;
// the time passed to them never goes back.
type Host struct {
	clock    clock
	stack    *stack.Stack
	link     *link
	listener tcpip.Endpoint // the server's, until it has accepted
	ep       tcpip.Endpoint // nil until the server has accepted
	closing  bool           // Close was called
	shut     bool           // and the stack knows
	err      error

	forgotten bool // by a peer that had nothing more to say or to hear

	out   []trace.Packet
	tell  Teller
	last  tcp.EndpointState
	notes []trace.Note
	info  tcpip.TCPInfoOption
}

// link counts what the channel's queue could not take.
type link struct {
	*channel.Endpoint
	overflow atomic.Int64
}

func (l *link) WritePackets(p stack.PacketBufferList) (int, tcpip.Error) {
	n, err := l.Endpoint.WritePackets(p)
	l.overflow.Add(int64(p.Len() - n))
	return n, err
}

// Options are the settings of a host.
type Options struct {
	Seed          int64  // of the stack's random numbers
	Congestion    string // "reno" (RFC 5681) or "cubic" (RFC 9438)
	ReceiveBuffer int    // bytes, 0 for the stack's own choice

	// RACK has losses detected by time, and probes for a lost tail (RFC
	// 8985), in place of three duplicate acknowledgements alone (RFC 5681,
	// section 3.2, and RFC 6675). It is off unless asked for: with it this
	// version of gVisor may forget to set the timer for a FIN that is lost
	// twice, and then neither end ever finishes.
	RACK bool
}

// NewClient makes the end that connects, at time 0. Destroy ends it.
func NewClient(o Options) (*Host, error) {
	h, err := newHost(o, clientAddr)
	if err != nil {
		return nil, err
	}
	h.ep, err = h.endpoint(clientAddr)
	if err != nil {
		h.Destroy()
		return nil, err
	}
	e := h.ep.Connect(serverAddr)
	if _, started := e.(*tcpip.ErrConnectStarted); !started {
		h.Destroy()
		return nil, fmt.Errorf("connect: %v", e)
	}
	h.settle(step{})
	return h, nil
}

// NewServer makes the end that listens and accepts one connection. The seed
// is the client's: the server makes another one of it.
func NewServer(o Options) (*Host, error) {
	o.Seed++
	h, err := newHost(o, serverAddr)
	if err != nil {
		return nil, err
	}
	h.listener, err = h.endpoint(serverAddr)
	if err == nil {
		if e := h.listener.Listen(backlog); e != nil {
			err = fmt.Errorf("listen: %v", e)
		}
	}
	if err != nil {
		h.Destroy()
		return nil, err
	}
	h.settle(step{})
	return h, nil
}

func newHost(o Options, at tcpip.FullAddress) (*Host, error) {
	h := &Host{link: &link{Endpoint: channel.New(linkQueue, mtu, "")}}
	s, err := newStack(h.link, at.Addr, &h.clock, o)
	h.stack = s
	if err != nil {
		h.Destroy()
	}
	return h, err
}

// newStack makes a TCP/IP stack with one network card, one address and one
// route: to the other end.
func newStack(link stack.LinkEndpoint, addr tcpip.Address, clock tcpip.Clock, o Options) (*stack.Stack, error) {
	random := &random{r: rand.New(rand.NewSource(o.Seed))}
	s := stack.New(stack.Options{
		NetworkProtocols: []stack.NetworkProtocolFactory{
			ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{
			tcp.NewProtocol},
		Clock:      clock,
		RandSource: random,
		SecureRNG:  random,
	})
	e := s.CreateNIC(nic, link)
	if e == nil {
		e = s.AddProtocolAddress(nic, tcpip.ProtocolAddress{
			Protocol:          ipv4.ProtocolNumber,
			AddressWithPrefix: addr.WithPrefix(),
		}, stack.AddressProperties{})
	}
	all, _ := tcpip.NewSubnet(tcpip.AddrFrom4([4]byte{}),
		tcpip.MaskFromBytes(make([]byte, 4)))
	s.SetRouteTable([]tcpip.Route{{Destination: all, NIC: nic}})

	// The settings of TCP.
	set := func(o tcpip.SettableTransportProtocolOption) {
		if e == nil {
			e = s.SetTransportProtocolOption(tcp.ProtocolNumber, o)
		}
	}
	cc := tcpip.CongestionControlOption(o.Congestion)
	set(&cc)
	recovery := tcpip.TCPRecovery(0)
	if o.RACK {
		recovery = tcpip.TCPRACKLossDetection
	}
	set(&recovery)
	if o.ReceiveBuffer > 0 {
		moderate := tcpip.TCPModerateReceiveBufferOption(false)
		set(&moderate)
		set(&tcpip.TCPReceiveBufferSizeRangeOption{
			Min: 1, Default: o.ReceiveBuffer, Max: o.ReceiveBuffer})
	}
	if e != nil {
		return s, fmt.Errorf("TCP with congestion control %q, "+
			"receive buffer %d: %v", o.Congestion, o.ReceiveBuffer, e)
	}
	return s, nil
}

func (h *Host) endpoint(at tcpip.FullAddress) (tcpip.Endpoint, error) {
	ep, e := h.stack.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber,
		&waiter.Queue{})
	if e != nil {
		return nil, fmt.Errorf("new endpoint: %v", e)
	}
	if e := ep.Bind(at); e != nil {
		ep.Close()
		return nil, fmt.Errorf("bind: %v", e)
	}
	return ep, nil
}

// Receive takes a packet from the network.
func (h *Host) Receive(now time.Duration, packet []byte) {
	h.advance(now)
	s := h.step()
	s.received = h.tell.Received(packet)
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{
		Payload: buffer.MakeWithData(packet)})
	h.link.InjectInbound(ipv4.ProtocolNumber, p)
	p.DecRef()
	h.settle(s)
}

// Send gives the next packet for the network, false when there is none.
func (h *Host) Send(now time.Duration) (trace.Packet, bool) {
	h.advance(now)
	if len(h.out) == 0 {
		return trace.Packet{}, false
	}
	p := h.out[0]
	h.out = h.out[1:]
	return p, true
}

// Deadline says when to call Send again although nothing arrives.
func (h *Host) Deadline() (time.Duration, bool) { return h.clock.next() }

// Write takes what fits of p into the send buffer: 0 to len(p) bytes.
func (h *Host) Write(now time.Duration, p []byte) int {
	h.advance(now)
	if h.ep == nil || h.shut || len(p) == 0 {
		return 0
	}
	s := h.step()
	n, _ := h.ep.Write(bytes.NewReader(p), tcpip.WriteOptions{})
	h.settle(s)
	return int(n)
}

// Close says that no more bytes come from this side. Both sides must call
// it; a server does so when it has read io.EOF.
func (h *Host) Close(now time.Duration) {
	h.advance(now)
	h.closing = true
	h.settle(h.step())
}

// Abort resets the connection: the peer gets a RST.
func (h *Host) Abort(now time.Duration) {
	h.advance(now)
	if h.ep != nil {
		s := h.step()
		h.ep.Abort()
		h.settle(s)
	}
}

// Read moves received bytes to p: 0 and nil when there are none yet, io.EOF
// after the peer's last, another error when the connection has failed.
func (h *Host) Read(now time.Duration, p []byte) (int, error) {
	h.advance(now)
	if h.ep == nil {
		return 0, h.err
	}
	s := h.step()
	w := tcpip.SliceWriter(p)
	r, e := h.ep.Read(&w, tcpip.ReadOptions{})
	h.settle(s)
	switch e.(type) {
	case nil:
		return r.Count, nil
	case *tcpip.ErrClosedForReceive:
		return 0, io.EOF
	}
	return 0, h.err
}

// Done says whether this side has finished: closed in both directions, or in
// TIME-WAIT, where it only repeats the last acknowledgement when it is asked
// to (RFC 9293, section 3.6.1), or failed, and then why.
func (h *Host) Done() (bool, error) {
	if h.err != nil {
		return true, h.err
	}
	return h.ep != nil && (h.last == tcp.StateTimeWait ||
		h.last == tcp.StateClose || h.forgotten), nil
}

// Notes gives what the stack said of its state since the last call.
func (h *Host) Notes() []trace.Note {
	n := h.notes
	h.notes = nil
	return n
}

// Overflow is the number of packets that the link's queue had no room for:
// 0, or the run is not to be trusted.
func (h *Host) Overflow() int64 { return h.link.overflow.Load() }

// Destroy ends the stack and its goroutines. Nothing more is sent.
func (h *Host) Destroy() {
	if h.ep != nil {
		h.ep.Close()
	}
	if h.listener != nil {
		h.listener.Close()
	}
	h.stack.Destroy()
	h.link.Close()
}

// advance runs the timers that are due until now, one step for each.
func (h *Host) advance(now time.Duration) {
	if at, ok := h.clock.next(); !ok || at > now {
		h.clock.advance(now, nil)
		return
	}
	s := h.step()
	s.timer = true
	h.clock.advance(now, func() {
		h.settle(s)
		s = h.step()
		s.timer = true
	})
}

// settle ends a step: it waits until the stack's goroutines have nothing
// left to do, then looks at what has changed.
func (h *Host) settle(s step) {
	was := h.last
	h.barrier()
	if h.ep == nil {
		ep, _, e := h.listener.Accept(nil)
		if e == nil {
			h.ep = ep
			h.barrier()
		}
	}
	if h.ep != nil {
		h.last = tcp.EndpointState(h.ep.State())
	}

	// A FIN can't be asked for before the connection stands.
	if h.closing && !h.shut && h.ep != nil && !connecting(h.last) {
		h.shut = true
		h.ep.Shutdown(tcpip.ShutdownWrite)
		h.barrier()
		h.last = tcp.EndpointState(h.ep.State())
	}
	if h.last == tcp.StateError && h.err == nil && !h.forgotten {
		h.err = h.failure()
		if h.err == errReset && (was == tcp.StateLastAck || was == tcp.StateClosing) {
			// Both ends have said all. The peer has forgotten the connection,
			// and that is no error: RFC 9293, section 3.10.7.4.
			h.err, h.forgotten = nil, true
		}
	}

	after := h.step()
	h.note(after.info)
	for {
		p := h.link.Read()
		if p == nil {
			break
		}
		view := p.ToView()
		b := bytes.Clone(view.AsSlice())
		view.Release()
		p.DecRef()
		c := h.tell.Sent(b, func(syn bool) trace.Reason { return why(syn, s, after) })
		h.out = append(h.out, trace.Packet{Bytes: b, Header: c})
	}
}

// barrier waits for the stack's goroutines. Pausing one ends when it has
// emptied its queue; the second round catches what one gave to another.
func (h *Host) barrier() {
	for range 2 {
		h.stack.Pause()
		h.stack.Resume()
	}
}

func connecting(s tcp.EndpointState) bool {
	return s == tcp.StateInitial || s == tcp.StateBound ||
		s == tcp.StateConnecting || s == tcp.StateSynSent ||
		s == tcp.StateSynRecv
}

var errReset = errors.New("connection reset by peer")

// failure is the error of a connection that has failed.
func (h *Host) failure() error {
	e := h.ep.LastError()
	if e == nil {
		_, e = h.ep.Read(io.Discard, tcpip.ReadOptions{})
	}
	switch e.(type) {
	case nil:
		return errors.New("the connection failed")
	case *tcpip.ErrTimeout:
		return errors.New("gave up: no answer to repeated packets")
	case *tcpip.ErrConnectionReset:
		return errReset
	case *tcpip.ErrConnectionRefused:
		return errors.New("connection refused")
	case *tcpip.ErrConnectionAborted:
		return errors.New("connection aborted by this side")
	}
	return errors.New(e.String())
}

// note records what has changed in the stack's own account of itself.
func (h *Host) note(i tcpip.TCPInfoOption) {
	add := func(name string, was, is int64, unit string) {
		if was != is {
			h.notes = append(h.notes,
				trace.Note{At: h.clock.now, Name: name, Value: is, Unit: unit})
		}
	}
	add("cwnd", int64(h.info.SndCwnd), int64(i.SndCwnd), "segments")
	add("ssthresh", int64(h.info.SndSsthresh), int64(i.SndSsthresh),
		"segments")
	add("srtt", h.info.RTT.Microseconds(), i.RTT.Microseconds(), "us")
	add("rto", h.info.RTO.Microseconds(), i.RTO.Microseconds(), "us")
	h.info = i
}

// random is the stack's randomness: seeded, and safe for its goroutines.
type random struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (r *random) Int63() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.r.Int63()
}

func (r *random) Seed(int64) {}

func (r *random) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.r.Read(p)
}
