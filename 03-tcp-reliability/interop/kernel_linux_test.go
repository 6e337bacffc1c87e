package interop

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/tcp"
	"example.com/sockets/03-tcp-reliability/engine/tcp/script"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// The Linux kernel's TCP as a host for scripts, in real time: what a script sends is written to a
// TUN device, and what the kernel sends is read there.

// A kernel is one end of the kernel's. Its methods are for the goroutine that made it.
type kernel struct {
	tun    *os.File
	listen int // the server's socket, or -1
	conn   int // that of the connection, or -1 until there is one
	ready  []byte
}

// newKernel makes an end in a network namespace of its own (newLink says how).
func newKernel(t *testing.T, words []string) *kernel {
	t.Helper()
	k := &kernel{tun: newTUN(t, script.Local.Addr()), listen: -1, conn: -1}
	settings := map[string]string{"tcp_congestion_control": "reno", "tcp_early_retrans": "0"}
	for _, w := range words {
		switch w {
		case "nosack":
			settings["tcp_sack"] = "0"
		case "rack":
			settings["tcp_early_retrans"] = "3" // the tail loss probe
		}
	}
	for name, value := range settings {
		// These are the namespace's own. A container may not be allowed to write them.
		if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
			lacking(t, err)
		}
	}
	address := func(a [4]byte, port uint16) *syscall.SockaddrInet4 {
		return &syscall.SockaddrInet4{Addr: a, Port: int(port)}
	}
	fd, err := syscall.Socket(syscall.AF_INET,
		syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.Bind(fd, address(script.Local.Addr().As4(), script.Local.Port()))
	}
	switch {
	case err != nil:
	case words[0] == "client":
		k.conn = fd
		err = syscall.Connect(fd, address(script.Remote.Addr().As4(), script.Remote.Port()))
		if err == syscall.EINPROGRESS {
			err = nil
		}
		k.plain()
	default:
		k.listen = fd
		err = syscall.Listen(fd, 1)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// plain switches off what scripts don't have: Nagle, and delayed acknowledgements.
func (k *kernel) plain() {
	syscall.SetsockoptInt(k.conn, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
	syscall.SetsockoptInt(k.conn, syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
}

// accept takes the connection, as soon as there is one.
func (k *kernel) accept() bool {
	if k.conn < 0 && k.listen >= 0 {
		if fd, _, err := syscall.Accept4(k.listen,
			syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC); err == nil {
			k.conn = fd
			k.plain()
		}
	}
	return k.conn >= 0
}

func (k *kernel) destroy() {
	k.tun.Close()
	for _, fd := range []int{k.conn, k.listen} {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
}

// Await reads packets until there is one of the connection.
func (k *kernel) Await(most time.Duration) {
	k.tun.SetReadDeadline(time.Now().Add(most))
	b := make([]byte, 2000)
	for k.ready == nil {
		n, err := k.tun.Read(b)
		if err != nil {
			return
		}
		if s, err := tcp.Decode(b[:n]); err == nil && s.Dst == script.Remote {
			k.ready = b[:n]
		}
	}
}

func (k *kernel) Send(time.Duration) (trace.Packet, bool) {
	p := trace.Packet{Bytes: k.ready}
	k.ready = nil
	return p, p.Bytes != nil
}

func (k *kernel) Receive(_ time.Duration, packet []byte) {
	if k.accept() {
		k.plain() // the kernel leaves the mode of quick acknowledgements by itself
	}
	k.tun.Write(packet)
	k.accept()
}

func (k *kernel) Write(_ time.Duration, p []byte) int {
	if !k.accept() {
		return 0
	}
	n, _ := syscall.Write(k.conn, p)
	return max(n, 0)
}

func (k *kernel) Close(time.Duration) {
	if k.accept() {
		syscall.Shutdown(k.conn, syscall.SHUT_WR)
	} else {
		syscall.Close(k.listen)
		k.listen = -1
	}
}

// Abort closes so that a RST leaves (SO_LINGER, socket(7)).
func (k *kernel) Abort(time.Duration) {
	syscall.SetsockoptLinger(k.conn, syscall.SOL_SOCKET, syscall.SO_LINGER,
		&syscall.Linger{Onoff: 1})
	syscall.Close(k.conn)
	k.conn = -1
}

func (k *kernel) Read(_ time.Duration, p []byte) (int, error) {
	if !k.accept() {
		return 0, nil
	}
	n, _, err := syscall.Recvfrom(k.conn, p, 0)
	if len(p) == 0 { // what would come is to be said, and not taken
		n, _, err = syscall.Recvfrom(k.conn, make([]byte, 1), syscall.MSG_PEEK)
		if n > 0 {
			return 0, nil
		}
	}
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return 0, nil
	case err == nil && n == 0:
		return 0, io.EOF
	}
	return max(n, 0), err
}

func (k *kernel) Deadline() (time.Duration, bool) { return 0, false }
func (k *kernel) Done() (bool, error)             { return false, nil }
func (k *kernel) Notes() []trace.Note             { return nil }

// cannot says why Linux can't be driven through a script, or "". The plain ones it always can.
func cannot(s script.Script, plain bool) string {
	for _, w := range s.Words()[1:] {
		word, _, _ := strings.Cut(w, "=")
		if why := map[string]string{
			"buffer":     "the size of a receive buffer is a wish (SO_RCVBUF, socket(7))",
			"cubic":      "the kernel is set to Reno here",
			"delayed":    "the kernel decides by itself when it delays an acknowledgement",
			"nagle":      "Nagle's algorithm is switched off here (TCP_NODELAY)",
			"timestamps": "the kernel's clock is not the script's",
		}[word]; why != "" {
			return why
		}
	}
	if s.SACKs() && !plain {
		return "the kernel has RACK, whose wait after a SACK is a quarter of the round trip: too " +
			"short for real time"
	}
	if s.Lasts() > 4*time.Second {
		return "it takes too long, as the time is real"
	}
	return ""
}

// TestLinuxScripts plays the scripts that our TCP keeps against the kernel's. Those that went alike
// when testdata/linux.txt was written must do so on every kernel. Where others part depends on the
// kernel, and is told with -v; docs/interoperability.md says which differences matter.
func TestLinuxScripts(t *testing.T) {
	files, _ := filepath.Glob("../engine/tcp/testdata/*.txt")
	const golden = "testdata/linux.txt"
	text, err := os.ReadFile(golden)
	if err != nil && !*update {
		t.Fatal(err)
	}
	known := strings.ReplaceAll(string(text), "\r\n", "\n")
	if *update {
		known = ""
	}
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		lacking(t, err)
	}
	version, _, _ := strings.Cut(strings.TrimSpace(string(release)), "-")
	must, _, _ := strings.Cut(known, "The others")
	var mu sync.Mutex
	var alike, others, skipped []string
	t.Run("all", func(t *testing.T) {
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			plain := filepath.Base(file) == "plain.txt"
			for _, s := range script.Split(string(text)) {
				name := strings.TrimSuffix(filepath.Base(file), ".txt") + ": " + s.Name
				if !*update && !strings.Contains(known, "\n"+name+"\n") {
					t.Errorf("%s does not name this script; write it anew with -update:\n%s",
						golden, name)
				}
				if why := cannot(s, plain); why != "" {
					skipped = append(skipped, name+"\n    "+why+"\n")
					continue
				}
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					d := playLinux(t, s)
					mu.Lock()
					defer mu.Unlock()
					if d == nil {
						alike = append(alike, name+"\n")
						return
					}
					others = append(others, fmt.Sprintf("%s\n    at %v ours: %s\n    Linux: %s\n",
						name, d.At, d.Wanted, d.Got))
					if strings.Contains(must, "\n"+name+"\n") {
						t.Error(d)
					} else {
						t.Log(d)
					}
				})
			}
		}
	})
	if !*update || len(alike) == 0 { // all are skipped where something is lacking
		return
	}
	for _, list := range [][]string{alike, others, skipped} {
		slices.Sort(list)
	}
	got := fmt.Sprintf("%d scripts played with Linux %s, %d alike:\n\n%s\n"+
		"The others, up to the first line that differs:\n\n%s\nNot played:\n\n%s",
		len(alike)+len(others), version, len(alike), strings.Join(alike, ""),
		strings.Join(others, ""), strings.Join(skipped, ""))
	if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
		t.Fatal(err)
	}
}

// alone is locked by a script that must have the machine for itself.
var alone sync.RWMutex

// playLinux plays a script, and up to four times more if it does not go alike: without the other
// scripts then. The time is real, and on a busy machine a script may come too late for the kernel's
// timer, which then changes what leaves. What is written as alike must be so three times in a row.
func playLinux(t *testing.T, s script.Script) *script.Difference {
	play := func(lock sync.Locker) (d *script.Difference) {
		lock.Lock()
		defer lock.Unlock()
		k := newKernel(t, s.Words())
		defer k.destroy()
		errors.As(s.Play(k, script.MSS), &d)
		return d
	}
	d := play(alone.RLocker())
	for i := 0; *update && d == nil && i < 2 || !*update && d != nil && i < 4; i++ {
		if *update {
			d = play(alone.RLocker())
		} else {
			d = play(&alone)
		}
	}
	return d
}
