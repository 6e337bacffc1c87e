package realtime

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
)

const ms = time.Millisecond

var textbook = []arq.Protocol{arq.StopAndWait, arq.GoBackN, arq.SelectiveRepeat}

// socket listens on the loopback interface until the test ends.
func socket(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func dial(t *testing.T, addr net.Addr) *net.UDPConn {
	t.Helper()
	conn, err := net.Dial("udp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn.(*net.UDPConn)
}

// A result is how a Receiving ended.
type result struct {
	bytes int
	err   error
	out   bytes.Buffer
}

// start runs a receiver, until the test ends.
func start(t *testing.T, r *Receiving) (addr net.Addr, wait func() *result) {
	t.Helper()
	var res result
	r.Conn = socket(t)
	if r.Out == nil {
		r.Out = &res.out
	}
	if r.Idle == 0 {
		r.Idle = time.Minute
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		res.bytes, res.err = r.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return r.Conn.LocalAddr(), func() *result { <-ended; return &res }
}

// sending is a sender with a short timeout.
func sending(t *testing.T, p arq.Protocol, to net.Addr, in io.Reader) *Sending {
	return &Sending{Conn: dial(t, to), In: in,
		Sender: arq.NewSender(p, rand.Uint64(), arq.Options{Window: 8, RTO: 50 * ms})}
}

// What is sent arrives, whole and in order, and both sides know it.
func TestWhole(t *testing.T) {
	t.Parallel()
	data := make([]byte, 300_000)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	for _, p := range textbook {
		for _, n := range []int{0, 1, len(data)} {
			told := -1
			addr, wait := start(t, &Receiving{Protocol: p, Linger: ms,
				Ended: func(n int) { told = n }})
			stats, err := sending(t, p, addr,
				iotest.HalfReader(bytes.NewReader(data[:n]))).Run(t.Context())
			if err != nil || stats.Bytes != n || stats.Packets < 1 || stats.Took <= 0 {
				t.Errorf("%v, %d bytes: the sender: %+v, error %v", p, n, stats, err)
			}
			r := wait()
			if r.err != nil || r.bytes != n || told != n || !bytes.Equal(r.out.Bytes(), data[:n]) {
				t.Errorf("%v, %d bytes: the receiver: %d, told %d, error %v", p, n, r.bytes, told,
					r.err)
			}
		}
	}
}

// Over UDP alone nothing says that the end has come: the transfer falls silent.
func TestUDP(t *testing.T) {
	t.Parallel()
	addr, wait := start(t, &Receiving{Protocol: arq.UDP, Idle: 100 * ms})
	stats, err := sending(t, arq.UDP, addr, strings.NewReader("hello")).Run(t.Context())
	if err != nil || stats.Packets != 1 {
		t.Errorf("the sender: %+v, error %v", stats, err)
	}
	r := wait()
	if r.err == nil || !strings.HasPrefix(r.err.Error(), "nothing came for 100ms") ||
		r.out.String() != "hello" {
		t.Errorf("the receiver: %q, error %v", &r.out, r.err)
	}
}

// The receiver tells of the end at once, and then answers a repeated fin for
// as long as it lingers.
func TestLinger(t *testing.T) {
	t.Parallel()
	ended := make(chan int, 1)
	addr, _ := start(t, &Receiving{Protocol: arq.StopAndWait, Linger: time.Hour,
		Ended: func(n int) { ended <- n }})
	conn := dial(t, addr)
	fin := arq.Encode(arq.Packet{Protocol: arq.StopAndWait, Type: arq.Fin, Transfer: 7, Seq: 8})
	for range 2 { // as if the first acknowledgement had been lost
		conn.Write(fin)
		b := make([]byte, 100)
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := conn.Read(b)
		if p, bad := arq.Decode(b[:n]); err != nil || bad != nil || p.Type != arq.Ack ||
			p.Ack != 8 {
			t.Fatalf("the answer is %+v, errors %v, %v", p, err, bad)
		}
	}
	if n := <-ended; n != 0 {
		t.Errorf("the end after %d bytes", n)
	}
	select {
	case <-ended:
		t.Error("the end is told twice")
	default:
	}
}

// A receiver that meets another protocol says so, once, and takes nothing.
func TestStranger(t *testing.T) {
	t.Parallel()
	strangers := make(chan arq.Protocol, 10)
	addr, wait := start(t, &Receiving{Protocol: arq.SelectiveRepeat, Linger: ms,
		Stranger: func(p arq.Protocol) { strangers <- p }})
	if _, err := sending(t, arq.GoBackN, addr,
		strings.NewReader("one")).Run(t.Context()); err == nil {
		t.Error("the other protocol's sender has been answered")
	}
	if _, err := sending(t, arq.SelectiveRepeat, addr,
		strings.NewReader("two")).Run(t.Context()); err != nil {
		t.Error(err)
	}
	if r := wait(); r.out.String() != "two" {
		t.Errorf("received %q", &r.out)
	}
	if n, p := len(strangers), <-strangers; n != 1 || p != arq.GoBackN {
		t.Errorf("%d times a stranger, the first %v", n, p)
	}
}

// A sender that nobody answers says so once, long before it gives up.
func TestSilent(t *testing.T) {
	t.Parallel()
	for _, p := range textbook {
		mute := socket(t) // takes everything and says nothing
		said := 0
		s := sending(t, p, mute.LocalAddr(), strings.NewReader("hello"))
		s.Patience, s.Silent = 100*ms, func() { said++ }
		_, err := s.Run(t.Context())
		if said != 1 || err == nil || !strings.Contains(err.Error(),
			"gave up: packet 1 was repeated 20 times") {
			t.Errorf("%v: said %d times, error %v", p, said, err)
		}
	}
}

// One that is answered says nothing, however long it takes.
func TestNotSilent(t *testing.T) {
	t.Parallel()
	addr, wait := start(t, &Receiving{Protocol: arq.StopAndWait, Linger: ms})
	in, words := io.Pipe()
	said := false
	s := sending(t, arq.StopAndWait, addr, in)
	s.Patience, s.Silent = 2*time.Second, func() { said = true }
	go func() {
		for end := time.Now().Add(s.Patience + 500*ms); time.Now().Before(end); {
			words.Write([]byte("a word, until the patience would be over"))
		}
		words.Close()
	}()
	if _, err := s.Run(t.Context()); err != nil || said {
		t.Errorf("error %v, said %v", err, said)
	}
	wait()
}

// A sender whose receiver is gone gives up.
func TestReceiverGone(t *testing.T) {
	t.Parallel()
	conn := socket(t)
	conn.Close()
	for _, p := range textbook {
		_, err := sending(t, p, conn.LocalAddr(), strings.NewReader("hello")).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), "gave up: packet 1 was repeated 20 times") {
			t.Errorf("%v: %v", p, err)
		}
	}
}

// Stray and hostile datagrams change nothing.
func TestHostile(t *testing.T) {
	t.Parallel()
	addr, wait := start(t, &Receiving{Protocol: arq.SelectiveRepeat, Linger: 100 * ms})
	hostile := dial(t, addr)
	r := rand.New(rand.NewPCG(1, 2))
	fake := arq.NewSender(arq.SelectiveRepeat, 7, arq.Options{Window: 8, RTO: ms})
	fake.Write(0, []byte("one"))
	fake.Write(0, []byte("two"))
	fake.Close(0)
	attack := func() {
		fake.Send(0) // the first packet of a transfer would begin it
		for {
			p, ok := fake.Send(time.Hour)
			if !ok || p.Seq == 1 {
				break
			}
			hostile.Write(p.Bytes)
		}
		for range 50 {
			b := make([]byte, r.IntN(1500))
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			hostile.Write(b)
		}
	}
	attack()
	data := make([]byte, 100_000)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	in, writer := io.Pipe()
	sent := make(chan error, 1)
	s := sending(t, arq.SelectiveRepeat, addr, in)
	go func() { _, err := s.Run(context.Background()); sent <- err }()
	for i := 0; i < len(data); i += 10_000 {
		writer.Write(data[i : i+10_000])
		attack()
	}
	writer.Close()
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if got := wait(); got.err != nil || !bytes.Equal(got.out.Bytes(), data) {
		t.Errorf("%d of %d bytes received, error %v", got.out.Len(), len(data), got.err)
	}
}

// Both ends stop when they are told to.
func TestStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	in, _ := io.Pipe()
	s := sending(t, arq.GoBackN, socket(t).LocalAddr(), in)
	r := Receiving{Conn: socket(t), Protocol: arq.GoBackN, Out: io.Discard}
	cancel()
	if _, err := s.Run(ctx); !errors.Is(err, ErrStopped) {
		t.Errorf("the sender: %v", err)
	}
	if _, err := r.Run(ctx); !errors.Is(err, ErrStopped) {
		t.Errorf("the receiver: %v", err)
	}
}

// What can't be read or written ends the transfer.
func TestBrokenFiles(t *testing.T) {
	t.Parallel()
	broken := errors.New("no such disk")
	s := sending(t, arq.GoBackN, socket(t).LocalAddr(), iotest.ErrReader(broken))
	if _, err := s.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("the input can't be read: %v", err)
	}
	in, out := io.Pipe()
	in.CloseWithError(broken)
	addr, wait := start(t, &Receiving{Protocol: arq.GoBackN, Out: out})
	sending(t, arq.GoBackN, addr, strings.NewReader("hello")).Run(t.Context())
	if r := wait(); !errors.Is(r.err, broken) {
		t.Errorf("the output can't be written: %v", r.err)
	}
}

// Only a packet of the transfer may change where the answers go.
func TestPeer(t *testing.T) {
	r := Receiving{Protocol: arq.GoBackN, Out: io.Discard}
	from := func(port uint16, transfer uint64, seq uint32) (ours bool) {
		b := arq.Encode(arq.Packet{Protocol: arq.GoBackN, Type: arq.Data, Transfer: transfer,
			Seq: uint32(transfer) + seq, Payload: []byte("x")})
		return r.receive(datagram{b, netip.AddrPortFrom(netip.IPv6Loopback(), port)})
	}
	for i, step := range []struct {
		port     uint16
		transfer uint64
		seq      uint32
		peer     uint16
	}{{1, 7, 2, 0}, {2, 7, 1, 2}, {3, 9, 1, 2}, {4, 7, 2, 4}} {
		ours := from(step.port, step.transfer, step.seq)
		if r.peer.Port() != step.peer || ours != (step.peer == step.port) {
			t.Errorf("packet %d: ours %v, answers go to %v", i+1, ours, r.peer)
		}
	}
}
