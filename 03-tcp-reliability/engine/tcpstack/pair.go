package tcpstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/log"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// gVisor logs to standard error what goes wrong inside it, for its developers:
// a packet for a listener that has closed, say. Here the programs speak.
func init() {
	log.SetTarget(log.GoogleEmitter{Writer: &log.Writer{Next: io.Discard}})
}

// A Pair is two TCP/IP stacks on the real clock, a client's and a server's,
// for any number of connections. What one sends is handed to a function; what
// arrives at one is handed in with Deliver.
type Pair struct {
	stacks   [2]*stack.Stack // by the direction in which they send
	links    [2]*card
	listener tcpip.Endpoint
	arrivals *waiter.Queue // of the listener
}

// A card is a network card whose packets go to a function.
type card struct {
	*channel.Endpoint
	send func(packet []byte)
}

func (w *card) WritePackets(packets stack.PacketBufferList) (int, tcpip.Error) {
	n := 0
	for _, p := range packets.AsSlice() {
		view := p.ToView()
		w.send(view.AsSlice())
		view.Release()
		n++
	}
	return n, nil
}

// NewPair makes the stacks. Each IPv4 packet, of at most mtu bytes, that the
// client's stack sends is lent to up, and each that the server's sends to
// down; they are called by the stacks' goroutines and must not call the Pair
// back, but for Deliver.
func NewPair(o Options, mtu uint32, up, down func(packet []byte)) (*Pair, error) {
	p := &Pair{arrivals: &waiter.Queue{}}
	for i, at := range []tcpip.FullAddress{clientAddr, serverAddr} {
		p.links[i] = &card{channel.New(1, mtu, ""), []func([]byte){up, down}[i]}
		s, err := newStack(p.links[i], at.Addr, tcpip.NewStdClock(), o)
		p.stacks[i] = s
		if err == nil {
			err = boundTimer(s)
		}
		if err != nil {
			p.Destroy()
			return nil, err
		}
		o.Seed++
	}
	var e tcpip.Error
	p.listener, e = p.stacks[1].NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, p.arrivals)
	if e == nil {
		e = p.listener.Bind(serverAddr)
	}
	if e == nil {
		e = p.listener.Listen(4096)
	}
	if e != nil {
		p.Destroy()
		return nil, fmt.Errorf("the server's stack: %v", e)
	}
	return p, nil
}

// boundTimer has no retransmission timer grow beyond 3 s.
//
// After a handshake whose SYN was repeated the timer begins at 3 s (RFC 6298,
// section 5.7). gVisor gives a repeated SYN the timestamp of the first one,
// takes the echo for a round trip of many seconds, and would begin with three
// times that. The bound is a departure: RFC 6298, section 2.5, allows none
// below 60 s. The number of repetitions makes up for it: a connection is given
// up after some twelve minutes, as without the bound.
func boundTimer(s *stack.Stack) error {
	longest := tcpip.TCPMaxRTOOption(3 * time.Second)
	retries := tcpip.TCPMaxRetriesOption(250)
	e := s.SetTransportProtocolOption(tcp.ProtocolNumber, &longest)
	if e == nil {
		e = s.SetTransportProtocolOption(tcp.ProtocolNumber, &retries)
	}
	if e != nil {
		return fmt.Errorf("the stack's retransmission timer: %v", e)
	}
	return nil
}

// Deliver hands a packet to the server's stack (end 1) or the client's (0).
// The bytes are copied.
func (p *Pair) Deliver(end int, packet []byte) {
	b := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	p.links[end].InjectInbound(ipv4.ProtocolNumber, b)
	b.DecRef()
}

// A Conn is one end of a connection between the stacks.
type Conn struct {
	*gonet.TCPConn
	Port    uint16 // the client's, which names the connection
	ep      tcpip.Endpoint
	arrived <-chan struct{} // there is something to read, perhaps
	once    sync.Once
}

func newConn(ep tcpip.Endpoint, queue *waiter.Queue, port uint16) *Conn {
	keepAlive(ep)
	entry, arrived := waiter.NewChannelEntry(waiter.ReadableEvents)
	queue.EventRegister(&entry)
	return &Conn{TCPConn: gonet.NewTCPConn(queue, ep), Port: port, ep: ep, arrived: arrived}
}

// Dial connects the client's stack to the server's.
func (p *Pair) Dial(ctx context.Context) (*Conn, error) {
	queue := &waiter.Queue{}
	ep, e := p.stacks[0].NewEndpoint(tcp.ProtocolNumber, ipv4.ProtocolNumber, queue)
	if e != nil {
		return nil, fmt.Errorf("the client's stack: %v", e)
	}
	connected, ready := waiter.NewChannelEntry(waiter.WritableEvents | waiter.EventErr | waiter.EventHUp)
	queue.EventRegister(&connected)
	defer queue.EventUnregister(&connected)
	e = ep.Connect(serverAddr)
	if _, started := e.(*tcpip.ErrConnectStarted); started {
		select {
		case <-ready:
			e = ep.LastError()
			if _, reset := e.(*tcpip.ErrConnectionReset); reset {
				e = nil // it stood, and has been reset since: Read says so
			}
		case <-ctx.Done():
			ep.Abort()
			return nil, ctx.Err()
		}
	}
	if e != nil {
		ep.Close()
		return nil, fmt.Errorf("no connection through the network: %v", e)
	}
	local, e := ep.GetLocalAddress()
	if e != nil {
		ep.Abort()
		return nil, fmt.Errorf("the client's stack: %v", e)
	}
	return newConn(ep, queue, local.Port), nil
}

// Accept waits for the next connection at the server's stack.
func (p *Pair) Accept(ctx context.Context) (*Conn, error) {
	arrived, ready := waiter.NewChannelEntry(waiter.ReadableEvents)
	p.arrivals.EventRegister(&arrived)
	defer p.arrivals.EventUnregister(&arrived)
	for {
		var peer tcpip.FullAddress
		ep, queue, e := p.listener.Accept(&peer)
		if e == nil {
			return newConn(ep, queue, peer.Port), nil
		}
		if _, none := e.(*tcpip.ErrWouldBlock); !none {
			return nil, fmt.Errorf("the server's stack: %v", e)
		}
		select {
		case <-ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// keepAlive has an idle end ask whether the other is still there, as often as
// Go's package net does (RFC 9293, section 3.8.4). A reset that the network
// loses is found out that way.
func keepAlive(ep tcpip.Endpoint) {
	ep.SocketOptions().SetKeepAlive(true)
	idle := tcpip.KeepaliveIdleOption(15 * time.Second)
	interval := tcpip.KeepaliveIntervalOption(15 * time.Second)
	ep.SetSockOpt(&idle)
	ep.SetSockOpt(&interval)
}

// Read is net.Conn's, but for deadlines, for one goroutine at a time.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		w := tcpip.SliceWriter(p)
		r, e := c.ep.Read(&w, tcpip.ReadOptions{})
		switch e.(type) {
		case nil:
			return r.Count, nil
		case *tcpip.ErrWouldBlock:
			<-c.arrived
		case *tcpip.ErrClosedForReceive:
			// The stack tells of a reset once, to whoever asks first; to
			// others the bytes seem to have ended.
			if tcp.EndpointState(c.ep.State()) == tcp.StateError {
				return 0, errReset
			}
			return 0, io.EOF
		default:
			return 0, errors.New(e.String())
		}
	}
}

// Abort resets the connection: the peer gets a RST. After that, or after
// Close, it does nothing.
func (c *Conn) Abort() { c.once.Do(c.ep.Abort) }

// Close ends the connection in order. After that, or after Abort, it does
// nothing.
func (c *Conn) Close() error {
	c.once.Do(func() {
		// Else an end in TIME-WAIT asks a peer that has gone.
		c.ep.SocketOptions().SetKeepAlive(false)
		c.TCPConn.Close()
	})
	return nil
}

// Over says whether nothing more comes from this end, but for answers to
// repeated packets.
func (c *Conn) Over() bool {
	s := tcp.EndpointState(c.ep.State())
	return s == tcp.StateTimeWait || s == tcp.StateClose || s == tcp.StateError
}

// Timeouts is how often the retransmission timer of this end ran out.
func (c *Conn) Timeouts() uint64 {
	if s, ok := c.ep.Stats().(*tcp.Stats); ok {
		return s.SendErrors.Timeouts.Value()
	}
	return 0
}

// Destroy ends the stacks, and with them every connection.
func (p *Pair) Destroy() {
	if p.listener != nil {
		p.listener.Close()
	}
	for i, s := range p.stacks {
		if s != nil {
			s.Destroy()
			p.links[i].Close()
		}
	}
}
