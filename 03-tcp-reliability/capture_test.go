package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
	"github.com/google/go-cmp/cmp"
)

func tshark(t *testing.T, args ...string) []string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("CI") != "" && runtime.GOOS == "linux" {
			t.Fatal("CI needs tshark for this test: ", err)
		}
		t.Skip("this machine has no tshark")
	}
	cmd := exec.Command(path, args...)
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, &errOut)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

// An independent judge looks at the captures: each retransmission that the
// trace names is one that tshark flags, and the other way round.
func TestTsharkAgrees(t *testing.T) {
	const seeds = 200
	// One capture holds all runs, each with a client port and a time of its
	// own: to start tshark 200 times takes minutes.
	var all trace.Trace
	for seed := 1; seed <= seeds; seed++ {
		o, err := parse(strings.Fields(fmt.Sprintf("-loss 0.1 -seed %d", seed)), os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		var one trace.Trace
		if _, err := o.Run(&one); err != nil {
			t.Fatal(err)
		}
		all.Protocol = one.Protocol
		for _, e := range one.Events {
			e.At += time.Duration(seed) * time.Hour
			e.Number += 10_000 * seed
			if e.Bytes != nil {
				e.Bytes = slices.Clone(e.Bytes)
				port := 20 + 2*int(e.Direction)
				binary.BigEndian.PutUint16(e.Bytes[port:], uint16(50_000+seed))
			}
			all.Add(e)
		}
	}
	for end := network.Up; end <= network.Down; end++ {
		file := filepath.Join(t.TempDir(), "all.pcapng")
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := views.WritePcapng(f, &all, end); err != nil {
			t.Fatal(err)
		}
		f.Close()
		out := tshark(t, "-r", file, "-T", "fields", "-e", "frame.number",
			"-e", "tcp.analysis.retransmission", "-e", "tcp.analysis.fast_retransmission",
			"-e", "tcp.analysis.spurious_retransmission", "-e", "tcp.analysis.out_of_order")
		var here []trace.Event // the capture's packets
		for _, e := range all.Events {
			if e.Kind == trace.Sent && e.Direction == end || e.Kind == trace.Arrived &&
				e.Direction != end {
				here = append(here, e)
			}
		}
		if len(out) != len(here) {
			t.Fatalf("tshark sees %d packets, the trace has %d", len(out), len(here))
		}
		agreed := 0
		for i, e := range here {
			if e.Direction != end {
				continue // sent by the other end: judged in its own capture
			}
			_, flags, _ := strings.Cut(out[i], "\t")
			flagged := strings.TrimSpace(flags) != ""
			again := e.Packet.Retransmits > 0
			if flagged != again {
				t.Errorf("seed %d, packet %v:%d, %s: tshark flags %q, the trace says %q",
					e.Number/10_000, e.Direction, e.Number%10_000, e.Packet.Kind, flags,
					e.Packet.Why)
			} else if again {
				agreed++
			}
		}
		if agreed < seeds/4 {
			t.Errorf("only %d retransmissions to agree on", agreed)
		}
		t.Logf("capture %v: agreed on %d retransmissions", end, agreed)
	}
}

// Each packet with the comment is missing from the other end's capture, and
// no other is.
func TestLostComments(t *testing.T) {
	for _, protocol := range []string{"tcp", "selective-repeat"} {
		o, err := parse(strings.Fields("-loss 0.2 -seed 3 -protocol "+protocol), os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		o.pcap = filepath.Join(t.TempDir(), "run")
		if err := o.show(&bytes.Buffer{}, views.Style{}); err != nil {
			t.Fatal(err)
		}
		// A packet by its payload, source, and time order within its kind.
		read := func(end string) (packets, lost []string) {
			for _, line := range tshark(t, "-r", o.pcap+"-"+end+".pcapng", "-T", "fields",
				"-e", "ip.src", "-e", "tcp.seq", "-e", "tcp.ack", "-e", "tcp.flags", "-e", "ip.id",
				"-e", "udp.payload", "-e", "frame.comment", "-o",
				"tcp.relative_sequence_numbers:false") {
				packet, comment := cutLast(line)
				if strings.Contains(comment, views.LostComment) {
					lost = append(lost, packet)
				} else {
					packets = append(packets, packet)
				}
			}
			slices.Sort(packets)
			return packets, lost
		}
		atClient, lostUp := read("client")
		atServer, lostDown := read("server")
		if len(lostUp) == 0 || len(lostDown) == 0 {
			t.Errorf("%s: %d packets lost up, %d down", protocol, len(lostUp), len(lostDown))
		}
		if diff := cmp.Diff(atClient, atServer); diff != "" {
			t.Errorf("%s: without those lost, client and server saw (-client +server):\n%s",
				protocol, diff)
		}
	}
}

func cutLast(line string) (before, after string) {
	i := strings.LastIndex(line, "\t")
	return line[:i], line[i+1:]
}

// tshark finds no fault with any packet: headers, checksums, comments.
func TestCapturesAreWellFormed(t *testing.T) {
	for _, flags := range []string{"", "-protocol go-back-n -loss 0.1", "-protocol udp"} {
		o, err := parse(strings.Fields(flags), os.Stderr)
		if err != nil {
			t.Fatal(err)
		}
		o.pcap = filepath.Join(t.TempDir(), "run")
		if err := o.show(&bytes.Buffer{}, views.Style{}); err != nil {
			t.Fatal(err)
		}
		for _, end := range []string{"client", "server"} {
			for _, line := range tshark(t, "-r", o.pcap+"-"+end+".pcapng", "-V",
				"-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o",
				"udp.check_checksum:TRUE") {
				if strings.Contains(line, "Malformed") || strings.Contains(line, "incorrect") ||
					strings.Contains(line, "Bad") {
					t.Errorf("%q, %s: %s", flags, end, line)
				}
			}
		}
	}
}

// The checksum of a damaged datagram is that of what was sent, so it is wrong.
func TestDamagedChecksums(t *testing.T) {
	o, err := parse(strings.Fields("-protocol selective-repeat -corrupt 0.3 -seed 2"), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	o.pcap = filepath.Join(t.TempDir(), "run")
	if err := o.show(&bytes.Buffer{}, views.Style{}); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for _, line := range tshark(t, "-r", o.pcap+"-server.pcapng", "-o", "udp.check_checksum:TRUE",
		"-T", "fields", "-e", "udp.checksum.status", "-e", "frame.comment") {
		status, comment := cutLast(line)
		want := "1" // good
		if strings.Contains(comment, "damaged") {
			want = "0"
			damaged++
		}
		if status != want {
			t.Errorf("checksum status %s of a packet with the comment %q", status, comment)
		}
	}
	if damaged == 0 {
		t.Error("nothing was damaged")
	}
}
