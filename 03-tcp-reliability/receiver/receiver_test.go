package main

import (
	"bytes"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
)

// A program under test, and the lines that it prints on standard error.
type program struct {
	*exec.Cmd
	out   bytes.Buffer
	lines chan string
}

var exe string // the receiver

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "receiver")
	if err != nil {
		panic(err)
	}
	exe = filepath.Join(dir, "receiver.exe")
	if out, err := exec.Command("go", "build", "-o", exe, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// start runs the receiver. It ends with the test.
func start(t *testing.T, args ...string) (p *program, addr string) {
	t.Helper()
	p = &program{Cmd: exec.Command(exe, append(args, "-addr", "127.0.0.1:0")...),
		lines: make(chan string, 10)}
	p.Stdout = &p.out
	says, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Process.Kill(); p.Wait() })
	go func() {
		defer close(p.lines)
		rest := ""
		b := make([]byte, 1000)
		for {
			n, err := says.Read(b)
			rest += string(b[:n])
			for line, after, ok := strings.Cut(rest, "\n"); ok; line, after,
				ok = strings.Cut(rest, "\n") {
				p.lines <- line
				rest = after
			}
			if err != nil {
				return
			}
		}
	}()
	return p, strings.TrimPrefix(p.line(t, "Listening on "), "Listening on ")
}

// line expects the next line to begin so.
func (p *program) line(t *testing.T, prefix string) string {
	t.Helper()
	var line string
	select {
	case line = <-p.lines:
	case <-time.After(time.Minute):
	}
	if !strings.HasPrefix(line, prefix) {
		t.Fatalf("it says %q, and not %q", line, prefix)
	}
	return line
}

// status waits for the end.
func (p *program) status() int {
	for range p.lines {
	}
	p.Wait()
	return p.ProcessState.ExitCode()
}

// send sends a packet and returns what is answered.
func send(t *testing.T, addr string, packets ...arq.Packet) (answers []arq.Packet) {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, p := range packets {
		conn.Write(arq.Encode(p))
		b := make([]byte, 100)
		if p.Protocol != arq.SelectiveRepeat {
			continue // it is not answered
		}
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		n, err := conn.Read(b)
		a, bad := arq.Decode(b[:n])
		if err != nil || bad != nil {
			t.Fatalf("no answer to %+v: %v, %v", p, err, bad)
		}
		answers = append(answers, a)
	}
	return answers
}

func packet(p arq.Protocol, seq uint32, text string) arq.Packet {
	typ := arq.Data
	if text == "" {
		typ = arq.Fin
	}
	return arq.Packet{Protocol: p, Type: typ, Transfer: 7, Seq: 7 + seq, Payload: []byte(text)}
}

// It says at once that everything is received, stays to answer a repeated fin,
// and then ends well.
func TestReceive(t *testing.T) {
	p, addr := start(t)
	sr := arq.SelectiveRepeat
	answers := send(t, addr, packet(sr, 1, "hello "), packet(sr, 3, ""), packet(sr, 2, "world\n"))
	p.line(t, "Received 12 bytes")
	p.line(t, "Staying for 4s, in case the sender has not heard that and asks again")
	answers = append(answers, send(t, addr, packet(sr, 3, ""))...)
	for i, n := range []uint32{1, 3, 2, 3} {
		if a := answers[i]; a.Type != arq.Ack || a.Ack != 7+n {
			t.Errorf("answer %d is %+v", i+1, a)
		}
	}
	if status := p.status(); status != 0 || p.out.String() != "hello world\n" {
		t.Errorf("status %d, received %q", status, &p.out)
	}
}

// A packet of another protocol is named.
func TestOtherProtocol(t *testing.T) {
	p, addr := start(t)
	send(t, addr, packet(arq.GoBackN, 1, "hello"))
	p.line(t, "A packet of go-back-n came, and this receiver understands selective-repeat only")
	p.line(t, "start both ends with the same -protocol")
}

// A transfer that falls silent is given up.
func TestIdle(t *testing.T) {
	for _, c := range []struct{ protocol, want string }{
		{"udp", "5 bytes were received on ADDR; nobody knows whether that is all"},
		{"selective-repeat", "the transfer is not complete: 5 bytes were received on ADDR:"},
	} {
		p, addr := start(t, "-protocol", c.protocol, "-idle-timeout", "50ms")
		protocol, _ := arq.ParseProtocol(c.protocol)
		send(t, addr, packet(protocol, 1, "hello"))
		p.line(t, strings.ReplaceAll(c.want, "ADDR", addr))
		if status := p.status(); status != 1 || p.out.String() != "hello" {
			t.Errorf("%s: status %d, received %q", c.protocol, status, &p.out)
		}
	}
}

func TestCtrlC(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a test can't press Ctrl-C there")
	}
	p, addr := start(t)
	p.Process.Signal(os.Interrupt)
	p.line(t, "stopped; nothing was received on "+addr)
	if status := p.status(); status != 1 {
		t.Errorf("status %d", status)
	}
}

// What makes no sense is one clear line, and where help is; so is a port that
// is taken.
func TestWrongCommands(t *testing.T) {
	taken, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"-protocol tcp", 2,
			"invalid value \"tcp\" for flag -protocol: must be one of\nudp, stop-and-wait, " +
				"go-back-n, selective-repeat\n-h shows the flags\n"},
		{"-idle-timeout 0s", 2,
			"invalid value 0s for flag -idle-timeout: must be more than 0\n-h shows the flags\n"},
		{"-addr nowhere", 2,
			"invalid value \"nowhere\" for flag -addr: must be host:port, such as " +
				"127.0.0.1:9000\n-h shows the flags\n"},
		{"x", 2, "unexpected argument \"x\": settings are given as flags\n-h shows the flags\n"},
		{"-addr " + taken.LocalAddr().String(), 1, "\ntake a free port with -addr 127.0.0.1:0\n"},
		{"-h", 0, ""},
	} {
		cmd := exec.Command(exe, strings.Fields(c.args)...)
		var says strings.Builder
		cmd.Stderr, cmd.Stdout = &says, io.Discard
		cmd.Run()
		if got := cmd.ProcessState.ExitCode(); got != c.status ||
			!strings.HasSuffix(says.String(), c.want) {
			t.Errorf("%s: status %d, it says\n%s\nand not\n%s", c.args, got, &says, c.want)
		}
	}
}
