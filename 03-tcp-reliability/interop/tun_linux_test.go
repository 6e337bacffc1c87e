package interop

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/queue"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
)

// Behind a TUN device every packet for ourAddr comes to this program, and what it writes there the
// kernel takes for packets of that host. The network between the two loses some.

var (
	kernelAddr = netip.MustParseAddr("192.0.2.1")
	ourAddr    = netip.MustParseAddr("192.0.2.2")
)

// A link is our host behind a TUN device. One lock guards all of it.
type link struct {
	mu       sync.Mutex
	tun      *os.File
	start    time.Time
	timer    *time.Timer
	network  *network.Network
	flying   queue.Queue[flight]
	conns    map[[2]netip.AddrPort]*conn // by local and remote address
	accept   map[uint16]chan net.Conn    // by port
	options  tcp.Options
	captured []byte // a file of the libpcap format
	packets  int
	nextISS  uint32
}

type flight struct {
	direction network.Direction // Up: to the kernel
	packet    []byte
}

// newLink makes our host.
func newLink(t *testing.T, loss string) *link {
	t.Helper()
	for _, tool := range []string{"ip", "curl", "python3", "tshark"} {
		if _, err := exec.LookPath(tool); err != nil {
			lacking(t, err)
		}
	}
	tun := newTUN(t, kernelAddr)
	conditions := network.Conditions{Seed: 1}
	if err := conditions.Loss.Set(loss); err != nil {
		t.Fatal(err)
	}
	l := &link{tun: tun, start: time.Now(), network: network.New(conditions),
		conns: map[[2]netip.AddrPort]*conn{}, accept: map[uint16]chan net.Conn{},
		options: tcp.Options{RACK: true}}
	l.captured = binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	for _, v := range []uint32{4<<16 | 2, 0, 0, 65535, 101} { // version 2.4; raw IP
		l.captured = binary.LittleEndian.AppendUint32(l.captured, v)
	}
	l.timer = time.AfterFunc(time.Hour, func() { l.do(func(time.Duration) {}) })
	go l.listenToKernel()
	t.Cleanup(func() {
		l.timer.Stop()
		tun.Close()
	})
	return l
}

// newTUN makes a network namespace for the calling goroutine alone, and a TUN device in it, with an
// address for the kernel. The goroutine keeps its thread, which ends with it; processes that it
// starts are in the namespace.
func newTUN(t *testing.T, kernel netip.Addr) *os.File {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		lacking(t, err)
	}
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		lacking(t, fmt.Errorf("making a network namespace: %w", err))
	}
	tun, err := openTUN("tun0")
	if err != nil {
		lacking(t, err)
	}
	for _, command := range []string{
		"ip link set lo up",
		"ip address add " + kernel.String() + "/24 dev tun0",
		"ip link set tun0 mtu 1500 up",
	} {
		w := strings.Fields(command)
		if out, err := exec.Command(w[0], w[1:]...).CombinedOutput(); err != nil {
			lacking(t, fmt.Errorf("%s: %w: %s", command, err, out))
		}
	}
	return tun
}

// lacking skips a test on a machine that lacks something. Continuous integration has it.
func lacking(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("continuous integration must have this: %v", err)
	}
	t.Skipf("skipped: it takes root on Linux, a TUN device, ip, curl, python3 and tshark: %v", err)
}

func openTUN(name string) (*os.File, error) {
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	var request struct { // struct ifreq, netdevice(7)
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], name)
	request.flags = syscall.IFF_TUN | syscall.IFF_NO_PI
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.TUNSETIFF,
		uintptr(unsafe.Pointer(&request))); errno != 0 {
		syscall.Close(fd)
		return nil, fmt.Errorf("making a TUN device: %w", errno)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// listenToKernel reads what the kernel sends, until the device is closed.
func (l *link) listenToKernel() {
	b := make([]byte, 2000)
	for {
		n, err := l.tun.Read(b)
		if err != nil {
			return
		}
		l.do(func(now time.Duration) {
			if s, err := tcp.Decode(b[:n]); err != nil || s.Dst.Addr() != ourAddr {
				return // the kernel also asks for IPv6 routers
			}
			l.send(now, network.Down, b[:n])
		})
	}
}

// send puts a packet on the network, and into the capture.
func (l *link) send(now time.Duration, d network.Direction, packet []byte) {
	l.packets++
	for _, v := range []uint32{uint32(now / time.Second),
		uint32(now % time.Second / time.Microsecond),
		uint32(len(packet)), uint32(len(packet))} {
		l.captured = binary.LittleEndian.AppendUint32(l.captured, v)
	}
	l.captured = append(l.captured, packet...)
	fate := l.network.Send(now, d, len(packet), 0)
	for i := range fate.N {
		l.flying.Push(fate.Copies[i].At, flight{d, slices.Clone(packet)})
	}
}

// do does something to the host, and then all that is due.
func (l *link) do(something func(now time.Duration)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Since(l.start)
	something(now)
	for moved := true; moved; {
		moved = false
		for at, ok := l.flying.Next(); ok && at <= now; at, ok = l.flying.Next() {
			if f := l.flying.Pop(); f.direction == network.Up {
				l.tun.Write(f.packet)
			} else {
				l.receive(now, f.packet)
			}
		}
		for _, c := range l.conns {
			for p, ok := c.tcp.Send(now); ok; p, ok = c.tcp.Send(now) {
				moved = true
				l.send(now, network.Up, p.Bytes)
			}
		}
	}
	next := now + time.Hour
	if at, ok := l.flying.Next(); ok {
		next = min(next, at)
	}
	for _, c := range l.conns {
		if at, ok := c.tcp.Deadline(); ok {
			next = min(next, at)
		}
		c.changed.Broadcast()
	}
	l.timer.Reset(next - now)
}

// receive hands a packet to its connection. A SYN for a port that listens makes one.
func (l *link) receive(now time.Duration, packet []byte) {
	s, err := tcp.Decode(packet)
	if err != nil {
		return
	}
	c := l.conns[[2]netip.AddrPort{s.Dst, s.Src}]
	if waiting := l.accept[s.Dst.Port()]; c == nil && s.Flags == tcp.SYN && waiting != nil {
		c = l.open(tcp.Accept, s.Dst, s.Src)
		waiting <- c
	}
	if c != nil {
		c.tcp.Receive(now, packet)
	}
}

func (l *link) open(how func(tcp.Options) *tcp.Conn, local, remote netip.AddrPort) *conn {
	o := l.options
	l.nextISS += 0x7000_0000
	o.Local, o.Remote, o.ISS = local, remote, l.nextISS
	c := &conn{link: l, tcp: how(o), local: local, remote: remote, changed: sync.NewCond(&l.mu)}
	l.conns[[2]netip.AddrPort{local, remote}] = c
	return c
}

// dial connects to a server of the kernel's. It returns at once; the first Write or Read waits.
func (l *link) dial(port uint16) (c *conn) {
	l.do(func(time.Duration) {
		local := netip.AddrPortFrom(ourAddr, uint16(40000+len(l.conns)))
		c = l.open(tcp.Dial, local, netip.AddrPortFrom(kernelAddr, port))
	})
	return c
}

// listen makes a net.Listener out of a port of our host.
func (l *link) listen(port uint16) net.Listener {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accept[port] = make(chan net.Conn, 16)
	return listener{l, port, l.accept[port], make(chan struct{}), new(sync.Once)}
}

type listener struct {
	link   *link
	port   uint16
	conns  chan net.Conn
	closed chan struct{}
	once   *sync.Once
}

func (l listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l listener) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(ourAddr, l.port))
}

// A conn is our endpoint as a net.Conn, which waits where an endpoint says "nothing yet".
type conn struct {
	link          *link
	tcp           *tcp.Conn
	local, remote netip.AddrPort
	changed       *sync.Cond
	readUntil     time.Time
}

// wait tries until something was done, or the connection has ended.
func (c *conn) wait(try func(now time.Duration) bool) {
	for done := false; !done; {
		c.link.do(func(now time.Duration) { done = try(now) })
		c.link.mu.Lock()
		for !done {
			if done = try(time.Since(c.link.start)); !done {
				c.changed.Wait()
			}
		}
		c.link.mu.Unlock()
		c.link.do(func(time.Duration) {}) // a Read may have opened the window
	}
}

func (c *conn) Read(p []byte) (n int, err error) {
	c.wait(func(now time.Duration) bool {
		if n, err = c.tcp.Read(now, p); n == 0 && err == nil && len(p) > 0 {
			if late := !c.readUntil.IsZero() && time.Now().After(c.readUntil); late {
				err = os.ErrDeadlineExceeded
			}
		}
		return n > 0 || err != nil || len(p) == 0
	})
	return n, err
}

func (c *conn) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		c.wait(func(now time.Duration) bool {
			var done bool
			if done, err = c.tcp.Done(); done && err == nil {
				err = io.ErrClosedPipe
			}
			k := c.tcp.Write(now, p[n:])
			n += k
			return k > 0 || err != nil
		})
	}
	return n, err
}

func (c *conn) CloseWrite() error {
	c.link.do(c.tcp.Close)
	return nil
}

func (c *conn) Close() error { return c.CloseWrite() }

// closed waits until the connection has ended in order on our side.
func (c *conn) closed() (err error) {
	c.wait(func(now time.Duration) (done bool) {
		c.tcp.Read(now, nil)
		done, err = c.tcp.Done()
		return done
	})
	return err
}

func (c *conn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetReadDeadline knows of deadlines that are over, with which package http wakes up a Read.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.link.mu.Lock()
	defer c.link.mu.Unlock()
	c.readUntil = t
	c.changed.Broadcast()
	return nil
}

func (c *conn) SetWriteDeadline(time.Time) error { return nil }
func (c *conn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }

// inspect has tshark look at every packet that was sent, by either.
func (l *link) inspect(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	captured, packets := slices.Clone(l.captured), l.packets
	l.mu.Unlock()
	file := filepath.Join(t.TempDir(), "tun.pcap")
	if err := os.WriteFile(file, captured, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("tshark", "-n", "-r", file,
		"-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE",
		"-d", "tcp.port==7,data", "-d", "tcp.port==9,data", "-d", "tcp.port==80,data",
		"-T", "fields", "-e", "ip.checksum.status",
		"-e", "tcp.checksum.status", "-e", "_ws.malformed", "-e", "tcp.option.len.invalid",
		"-e", "tcp.checksum", "-e", "ip.src").Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != packets {
		t.Errorf("tshark sees %d packets of %d", len(lines), packets)
	}
	// A checksum of 0 can as well be written as 0xffff, and the kernel does so behind a TUN device.
	// tshark objects (RFC 1624 asks for 0).
	kernels := "1\t0\t\t\t0xffff\t" + kernelAddr.String()
	for i, line := range lines {
		// both right, nothing malformed
		if !strings.HasPrefix(line, "1\t1\t\t\t") && line != kernels {
			t.Errorf("tshark on packet %d: %q", i+1, line)
		}
	}
	t.Logf("%d packets", packets)
}
