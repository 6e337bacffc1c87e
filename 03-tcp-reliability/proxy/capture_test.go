package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// The captures can be read while the proxy runs, and are whole afterwards.
func TestLiveCaptures(t *testing.T) {
	t.Parallel()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") != "" && runtime.GOOS == "linux" {
			t.Fatal("CI needs tshark for this test: ", err)
		}
		t.Skip("this machine has no tshark")
	}
	name := filepath.Join(t.TempDir(), "live")
	p := startProxy(t, echoServer(t), func(o *options) { o.pcap = name; faults("-drop data:1")(o) })
	c := dial(t, p.addr)
	fmt.Fprint(c, "hello")
	io.ReadFull(c, make([]byte, 5))
	suffix := ".part" // until the end
	read := func(end string) (packets, comments int) {
		out, err := exec.Command(tshark, "-r", name+"-"+end+".pcapng"+suffix,
			"-T", "fields", "-e", "frame.number", "-e", "frame.comment").Output()
		if err != nil {
			t.Fatalf("%s: %v", end, err)
		}
		return strings.Count(string(out), "\n"), strings.Count(string(out), "lost in the network")
	}
	if packets, comments := read("client"); packets < 6 || comments != 1 {
		t.Errorf("while the proxy runs: %d packets, %d of them with the comment", packets, comments)
	}
	c.Close()
	p.wait(t, "Connection 1:")
	for end := time.Now().Add(time.Minute); ; {
		atClient, lost := read("client")
		atServer, lostDown := read("server")
		if atClient-lost == atServer-lostDown {
			break // the last packet has arrived
		}
		if time.Now().After(end) {
			t.Fatalf("the client's capture has %d packets that were not lost, the server's %d",
				atClient-lost, atServer-lostDown)
		}
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	suffix = ""
	read("client")
	read("server")
}

// Captures of an earlier run are kept, and stay in their place until the new
// ones are whole.
func TestCaptureKept(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "run")
	os.WriteFile(name+"-client.pcapng", []byte("earlier"), 0o600)
	os.WriteFile(name+"-client-1.pcapng", []byte("still earlier"), 0o600)
	target := echoServer(t)
	p := startProxy(t, target, func(o *options) { o.pcap = name })
	for _, other := range []string{name, name + "2"} {
		o := defaults()
		o.listen, o.target, o.pcap = p.addr, target, other
		if err := o.run(t.Context(), io.Discard, io.Discard, false); err == nil {
			t.Error("two proxies have one address, and maybe one capture")
		}
	}
	exchange(dial(t, p.addr), []byte("Hello"))
	if b, _ := os.ReadFile(name + "-client.pcapng"); string(b) != "earlier" {
		t.Error("the earlier capture is gone while the new one is not whole")
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	for suffix, want := range map[string]string{"-client-1": "still earlier",
		"-client-2": "earlier"} {
		if got, err := os.ReadFile(name + suffix + ".pcapng"); err != nil || string(got) != want {
			t.Errorf("%s holds %q, error %v", suffix, got, err)
		}
	}
	for host, end := range []string{"client", "server"} {
		if n := packetsFrom(t, name+"-"+end+".pcapng", byte(host+1)); n == 0 {
			t.Errorf("the new capture of the %s did not take its name", end)
		}
	}
	if left, _ := filepath.Glob(name + "*"); len(left) != 4 {
		t.Errorf("files left: %q", left)
	}
}

// Captures that can't be written to the end are not taken for whole ones.
func TestCaptureTrouble(t *testing.T) {
	name := filepath.Join(t.TempDir(), "run")
	var said bytes.Buffer
	w := newWatcher(io.Discard, "none", false,
		func(format string, args ...any) { fmt.Fprintf(&said, format+"\n", args...) })
	if err := w.capture(name); err != nil {
		t.Fatal(err)
	}
	w.files.Parts[network.Up].Close()
	for range 2 {
		w.add(&trace.Event{Kind: trace.Sent, Packet: &trace.Header{}, Bytes: []byte("x")}, false)
	}
	const cause = "cannot write the captures: file already closed\n"
	if want := cause + "is the disk full? the connections go on\n"; said.String() != want {
		t.Errorf("it said\n%sand not\n%s", &said, want)
	}
	err := w.close()
	if want := cause + "what was written is in " + name + "-….pcapng.part"; err == nil ||
		err.Error() != want {
		t.Errorf("at the end the error is\n%v\nand not\n%s", err, want)
	}
	if left, _ := filepath.Glob(name + "-*.pcapng.part"); len(left) != 2 {
		t.Errorf("files left: %q", left)
	}
}

// A full disk costs the captures, and not the connections. The status says so.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no limit for a file's size")
	}
	addr, stop := limited(t, "-f 1", "-pcap "+filepath.Join(t.TempDir(), "full"))
	data := random(100_000)
	if got, err := exchange(dial(t, addr), data); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back, error %v", len(got), err)
	}
	status, told := stop()
	const want = "cannot write the captures: file too large\n"
	if status != 1 || strings.Count(told, want) != 2 {
		t.Errorf("status %d and not 1, or not twice %q:\n%s", status, want, told)
	}
}

// The counts of the connections add up to those of the last line, and the
// captures have as many packets: a stopped proxy sends nothing more.
func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "sums")
	p := startProxy(t, echoServer(t), func(o *options) {
		o.view, o.pcap = "summary", name
		faults("-drop data:1 -loss 0.05")(o)
	})
	for range 10 {
		exchange(dial(t, p.addr), []byte("Hello, world"))
	}
	p.wait(t, "Connection 10:")
	open := dial(t, p.addr)
	fmt.Fprint(open, "x")
	io.ReadFull(open, make([]byte, 1))
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	var segments, lost [2]int
	over := false // and not the progress of a connection so far
	for line := range strings.Lines(p.text()) {
		if strings.HasPrefix(line, "Connection ") {
			over = !strings.Contains(line, " so far: ")
		}
		var s, l [2]int
		if n, _ := fmt.Sscanf(line, "  segments: %d up (%d lost), %d down (%d lost)",
			&s[0], &l[0], &s[1], &l[1]); n == 4 && over {
			for d := range s {
				segments[d] += s[d]
				lost[d] += l[d]
			}
		}
	}
	if segments[0] < 55 || lost[0] == 0 {
		t.Errorf("segments %v, lost %v in\n%s", segments, lost, p.text())
	}
	want := fmt.Sprintf("Stopped; connections: 11, segments: %d up, %d down\n",
		segments[0], segments[1])
	if !strings.HasSuffix(p.text(), want) {
		t.Errorf("the last line is not %q:\n%s", want, p.text())
	}
	for d, end := range []string{"client", "server"} {
		if got := packetsFrom(t, name+"-"+end+".pcapng", byte(d+1)); got != segments[d] {
			t.Errorf("the %s's capture has %d packets that it sent, and not %d", end, got,
				segments[d])
		}
	}
}

// packetsFrom counts the packets of a capture with the sender 192.0.2.host.
func packetsFrom(t *testing.T, name string, host byte) (n int) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for len(b) >= 12 {
		const packetBlock, header = 6, 28
		if binary.LittleEndian.Uint32(b) == packetBlock && b[header+15] == host {
			n++
		}
		b = b[binary.LittleEndian.Uint32(b[4:]):]
	}
	return n
}
