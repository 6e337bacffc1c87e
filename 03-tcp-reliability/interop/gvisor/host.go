// Package gvisor makes a host out of gVisor's TCP: a stack that others wrote, to hold ours
// against. Its clock, randomness and link are in our hands: packets and the time go in, packets and
// the next deadline come out, every time the same ones.
package gvisor

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/netip"
	"sync"
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
	linkQueue = 8192 // packets that one step may send

	// With little room for half-open connections gVisor answers with SYN cookies (RFC 4987, section
	// 3.6): it then keeps no state, never repeats a SYN ACK, and resets a connection whose first data
	// overtakes the handshake's last acknowledgement.
	backlog = 16
)

// A Host is one end of one TCP connection. Its methods are for one goroutine; the time passed to
// them never goes back.
type Host struct {
	clock    clock
	stack    *stack.Stack
	link     *channel.Endpoint
	listener tcpip.Endpoint // the server's, until it has accepted
	ep       tcpip.Endpoint // nil until the server has accepted
	closing  bool           // Close was called
	shut     bool           // and the stack knows
	err      error
	last     tcp.EndpointState

	forgotten bool // by a peer that had nothing more to say or to hear

	out [][]byte
}

// Options are the settings of a host.
type Options struct {
	Local, Remote netip.AddrPort
	MTU           int    // bytes of the largest IPv4 packet; 0: 1500
	Seed          int64  // of the stack's random numbers
	Congestion    string // "reno" (RFC 5681) or "cubic" (RFC 9438)
	ReceiveBuffer int    // bytes, 0 for the stack's own choice
	NoSACK        bool   // don't speak of selective acknowledgements (RFC 2018)

	// RACK has losses detected by time, and probes for a lost tail (RFC 8985). With it this version of
	// gVisor may forget to set its timer for a last segment that is lost twice after a recovery, and
	// then neither end ever finishes.
	RACK bool
}

// Dial makes the end that connects. Destroy ends it.
func Dial(o Options) (*Host, error) {
	h, err := open(o)
	if err != nil {
		return nil, err
	}
	if h.ep, err = h.endpoint(o.Local); err == nil {
		e := h.ep.Connect(full(o.Remote))
		if _, started := e.(*tcpip.ErrConnectStarted); !started {
			err = fmt.Errorf("connect: %v", e)
		}
	}
	return h.begin(err)
}

// Accept makes the end that listens and accepts one connection, from anywhere.
func Accept(o Options) (*Host, error) {
	h, err := open(o)
	if err != nil {
		return nil, err
	}
	if h.listener, err = h.endpoint(o.Local); err == nil {
		if e := h.listener.Listen(backlog); e != nil {
			err = fmt.Errorf("listen: %v", e)
		}
	}
	return h.begin(err)
}

func (h *Host) begin(err error) (*Host, error) {
	if err != nil {
		h.Destroy()
		return nil, err
	}
	h.settle()
	return h, nil
}

func full(a netip.AddrPort) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4(a.Addr().As4()), Port: a.Port()}
}

// open makes a TCP/IP stack with one network card, one address and one route: to the other end.
func open(o Options) (*Host, error) {
	h := &Host{link: channel.New(linkQueue, uint32(cmp.Or(o.MTU, 1500)), "")}
	random := &random{r: rand.New(rand.NewSource(o.Seed))}
	h.stack = stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
		Clock:              &h.clock,
		RandSource:         random,
		SecureRNG:          random,
	})
	e := h.stack.CreateNIC(nic, h.link)
	if e == nil {
		e = h.stack.AddProtocolAddress(nic, tcpip.ProtocolAddress{
			Protocol:          ipv4.ProtocolNumber,
			AddressWithPrefix: full(o.Local).Addr.WithPrefix(),
		}, stack.AddressProperties{})
	}
	all, _ := tcpip.NewSubnet(tcpip.AddrFrom4([4]byte{}), tcpip.MaskFromBytes(make([]byte, 4)))
	h.stack.SetRouteTable([]tcpip.Route{{Destination: all, NIC: nic}})

	set := func(option tcpip.SettableTransportProtocolOption) {
		if e == nil {
			e = h.stack.SetTransportProtocolOption(tcp.ProtocolNumber, option)
		}
	}
	congestion := tcpip.CongestionControlOption(o.Congestion)
	set(&congestion)
	recovery := tcpip.TCPRecovery(0)
	if o.RACK {
		recovery = tcpip.TCPRACKLossDetection
	}
	set(&recovery)
	sack := tcpip.TCPSACKEnabled(!o.NoSACK)
	set(&sack)
	if o.ReceiveBuffer > 0 {
		moderate := tcpip.TCPModerateReceiveBufferOption(false)
		set(&moderate)
		set(&tcpip.TCPReceiveBufferSizeRangeOption{
			Min: 1, Default: o.ReceiveBuffer, Max: o.ReceiveBuffer})
	}
	if e != nil {
		h.Destroy()
		return nil, fmt.Errorf("TCP with congestion control %q, receive buffer %d: %v",
			o.Congestion, o.ReceiveBuffer, e)
	}
	return h, nil
}

func (h *Host) endpoint(at netip.AddrPort) (tcpip.Endpoint, error) {
	ep, e := h.stack.NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, &waiter.Queue{})
	if e != nil {
		return nil, fmt.Errorf("new endpoint: %v", e)
	}
	if e := ep.Bind(full(at)); e != nil {
		ep.Close()
		return nil, fmt.Errorf("bind: %v", e)
	}
	return ep, nil
}

// Receive takes a packet from the network.
func (h *Host) Receive(now time.Duration, packet []byte) {
	h.advance(now)
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	h.link.InjectInbound(ipv4.ProtocolNumber, p)
	p.DecRef()
	h.settle()
}

// Send gives the next packet for the network, false when there is none. The stack does not say why
// it sends what it sends, so the header is empty.
func (h *Host) Send(now time.Duration) (trace.Packet, bool) {
	h.advance(now)
	if len(h.out) == 0 {
		return trace.Packet{}, false
	}
	p := h.out[0]
	h.out = h.out[1:]
	return trace.Packet{Bytes: p}, true
}

// Deadline says when to call Send again although nothing arrives.
func (h *Host) Deadline() (time.Duration, bool) { return h.clock.next() }

// Write takes what fits of p into the send buffer: 0 to len(p) bytes.
func (h *Host) Write(now time.Duration, p []byte) int {
	h.advance(now)
	if h.ep == nil || h.shut || len(p) == 0 {
		return 0
	}
	n, _ := h.ep.Write(bytes.NewReader(p), tcpip.WriteOptions{})
	h.settle()
	return int(n)
}

// Close says that no more bytes come from this side. Both sides must call it; a server does so when
// it has read io.EOF.
func (h *Host) Close(now time.Duration) {
	h.advance(now)
	h.closing = true
	h.settle()
}

// Abort resets the connection: the peer gets a RST.
func (h *Host) Abort(now time.Duration) {
	h.advance(now)
	if h.ep != nil {
		h.ep.Abort()
		h.settle()
	}
}

// Read moves received bytes to p: 0 and nil when there are none yet, io.EOF after the peer's last,
// another error when the connection has failed.
func (h *Host) Read(now time.Duration, p []byte) (int, error) {
	h.advance(now)
	if h.ep == nil {
		return 0, h.err
	}
	w := tcpip.SliceWriter(p)
	r, e := h.ep.Read(&w, tcpip.ReadOptions{})
	h.settle()
	switch e.(type) {
	case nil:
		return r.Count, nil
	case *tcpip.ErrClosedForReceive:
		return 0, io.EOF
	}
	return 0, h.err
}

// Done says whether this side has finished: closed in both directions, or in TIME-WAIT, where it
// only repeats the last acknowledgement when it is asked to (RFC 9293, section 3.6.1), or failed,
// and then why.
func (h *Host) Done() (bool, error) {
	if h.err != nil {
		return true, h.err
	}
	return h.ep != nil && (h.last == tcp.StateTimeWait || h.last == tcp.StateClose || h.forgotten),
		nil
}

// State is the stack's own name of it, as "FIN-WAIT1".
func (h *Host) State() string { return h.last.String() }

// Notes gives nothing: see Send.
func (h *Host) Notes() []trace.Note { return nil }

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

// advance runs the timers that are due until now.
func (h *Host) advance(now time.Duration) { h.clock.advance(now, h.settle) }

// settle waits until the stack's goroutines have nothing left to do, then looks at what has changed.
func (h *Host) settle() {
	was := h.last
	h.barrier()
	if h.ep == nil {
		if ep, _, e := h.listener.Accept(nil); e == nil {
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
			// Both ends have said all. The peer has forgotten the connection, and that is no error: RFC
			// 9293, section 3.10.7.4.
			h.err, h.forgotten = nil, true
		}
	}
	for p := h.link.Read(); p != nil; p = h.link.Read() {
		view := p.ToView()
		h.out = append(h.out, bytes.Clone(view.AsSlice()))
		view.Release()
		p.DecRef()
	}
}

// barrier waits for the stack's goroutines. Pausing one ends when it has emptied its queue; the
// second round catches what one gave to another.
func (h *Host) barrier() {
	for range 2 {
		h.stack.Pause()
		h.stack.Resume()
	}
}

func connecting(s tcp.EndpointState) bool {
	return s == tcp.StateInitial || s == tcp.StateBound || s == tcp.StateConnecting ||
		s == tcp.StateSynSent || s == tcp.StateSynRecv
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
