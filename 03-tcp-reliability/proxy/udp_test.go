package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/realtime"
	"github.com/google/go-cmp/cmp"
)

func udp(set func(*options)) func(*options) {
	return func(o *options) {
		o.network, o.view = "udp", "none"
		if set != nil {
			set(o)
		}
	}
}

// receiver runs the receiving end until the test ends.
func receiver(t testing.TB, p arq.Protocol) (addr string, result func() ([]byte, error)) {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		_, err := realtime.ReceiveAll(ctx, conn, p, &out, time.Minute, 500*time.Millisecond)
		done <- err
	})
	t.Cleanup(func() { cancel(); running.Wait(); conn.Close() })
	return conn.LocalAddr().String(), func() ([]byte, error) {
		select {
		case err := <-done:
			return out.Bytes(), err
		case <-time.After(time.Minute):
			return nil, errors.New("the receiver does not end")
		}
	}
}

func newSender(p arq.Protocol, transfer uint64) realtime.Sender {
	const rto = 20 * time.Millisecond
	switch p {
	case arq.UDP:
		return arq.NewUDPSender(transfer)
	case arq.StopAndWait:
		return arq.NewStopAndWaitSender(transfer, rto)
	case arq.GoBackN:
		return arq.NewGoBackNSender(transfer, 8, rto)
	}
	return arq.NewSelectiveRepeatSender(transfer, 8, rto)
}

func sendAll(t testing.TB, addr string, s realtime.Sender, in io.Reader) error {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = realtime.SendAll(t.Context(), conn.(*net.UDPConn), s, in)
	return err
}

var textbook = []arq.Protocol{arq.StopAndWait, arq.GoBackN, arq.SelectiveRepeat}

// Same bytes out, whatever the network does.
func TestUDPSameBytes(t *testing.T) {
	for _, protocol := range textbook {
		for flags, n := range map[string]int{
			"":           300_000,
			"-loss 0.05": 0,
			"-loss 0.2":  1,
			"-loss 0.3 -duplicate 0.1 -reorder 0.1 -corrupt 0.05": 60_000,
		} {
			t.Run(fmt.Sprint(protocol, flags), func(t *testing.T) {
				t.Parallel()
				addr, result := receiver(t, protocol)
				p := startProxy(t, addr, udp(faults(flags)))
				data := random(n)
				if err := sendAll(t, p.addr, newSender(protocol, rand.Uint64()), bytes.NewReader(data)); err != nil {
					t.Error("the sender: ", err)
				}
				if got, err := result(); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d bytes sent, %d received, error %v", n, len(got), err)
				}
			})
		}
	}
}

// Without a protocol a lost word stays lost; with one it comes, and later.
func TestUDPLostWord(t *testing.T) {
	for protocol, want := range map[arq.Protocol][]string{
		arq.UDP:             {"one", "three"},
		arq.SelectiveRepeat: {"one", "two", "three"},
	} {
		conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		received, out := io.Pipe()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go realtime.ReceiveAll(ctx, conn, protocol, out, time.Minute, time.Millisecond)
		p := startProxy(t, conn.LocalAddr().String(), udp(func(o *options) { faults("-drop data:2")(o); o.view = "ladder" }))
		in, words := io.Pipe()
		sent := make(chan error, 1)
		go func() { sent <- sendAll(t, p.addr, newSender(protocol, rand.Uint64()), in) }()
		var got []string
		lines := bufio.NewReader(received)
		for _, word := range []string{"one", "two", "three"} {
			fmt.Fprintln(words, word)
			if word == "two" && protocol == arq.UDP {
				continue
			}
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, strings.TrimSpace(line))
		}
		words.Close()
		if err := <-sent; err != nil {
			t.Errorf("%v sender: %v", protocol, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: words read (-want +got):\n%s", protocol, diff)
		}
		p.stop()
		if again := strings.Contains(p.text(), `data 2 "two\n" = 2 again`); again != (protocol != arq.UDP) || !strings.Contains(p.text(), `data 2 "two\n" ───── × lost`) {
			t.Errorf("%v: the ladder is\n%s", protocol, p.text())
		}
	}
}

// The proxy is killed in the middle, and another one takes its place: with
// another port towards the receiver.
func TestUDPProxyStartedAgain(t *testing.T) {
	for _, protocol := range textbook {
		t.Run(protocol.String(), func(t *testing.T) {
			addr, result := receiver(t, protocol)
			first := startProxy(t, addr, udp(faults("-loss 0.1")))
			data := random(200_000)
			reader, writer := io.Pipe()
			sent := make(chan error, 1)
			go func() { sent <- sendAll(t, first.addr, newSender(protocol, rand.Uint64()), reader) }()
			writer.Write(data[:100_000])
			first.stop()
			startProxy(t, addr, udp(func(o *options) { o.listen = first.addr; faults("-loss 0.1")(o) }))
			writer.Write(data[100_000:])
			writer.Close()
			if err := <-sent; err != nil {
				t.Errorf("%v sender: %v", protocol, err)
			}
			if got, err := result(); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%v: %d of %d bytes received, error %v", protocol, len(got), len(data), err)
			}
		})
	}
}

// Stray and hostile datagrams change nothing.
func TestUDPHostile(t *testing.T) {
	addr, result := receiver(t, arq.SelectiveRepeat)
	hostile, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer hostile.Close()
	r := rand.New(rand.NewPCG(1, 2))
	fake := newSender(arq.SelectiveRepeat, 7)
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
	data := random(100_000)
	reader, writer := io.Pipe()
	sent := make(chan error, 1)
	go func() { sent <- sendAll(t, addr, newSender(arq.SelectiveRepeat, rand.Uint64()), reader) }()
	for i := 0; i < len(data); i += 10_000 {
		writer.Write(data[i : i+10_000])
		attack()
	}
	writer.Close()
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if got, err := result(); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d of %d bytes received, error %v", len(got), len(data), err)
	}
}

// A sender whose receiver is gone gives up.
func TestUDPReceiverGone(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	nobody := conn.LocalAddr().String()
	conn.Close()
	for _, protocol := range textbook {
		err := sendAll(t, nobody, newSender(protocol, 1), strings.NewReader("hello"))
		if err == nil || !strings.Contains(err.Error(), "gave up: packet 1 was repeated 20 times") {
			t.Errorf("%v: %v", protocol, err)
		}
	}
}

// Many clients have a path each, and a silent one's is forgotten.
func TestUDPManyClients(t *testing.T) {
	echo, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := echo.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			echo.WriteToUDPAddrPort(b[:n], from)
		}
	}()
	f, err := newUDPForwarder("127.0.0.1:0", echo.LocalAddr().String(), newSharedNetwork(network.Conditions{Seed: 1}),
		200*time.Millisecond, newWatcher(io.Discard, "none", false), t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f.run(ctx) })
	defer running.Wait()
	defer cancel()
	for i := range 50 {
		c, err := net.Dial("udp", f.conn.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		text := fmt.Sprint("hello ", i)
		c.Write([]byte(text))
		c.SetDeadline(time.Now().Add(time.Minute))
		b := make([]byte, 100)
		if n, err := c.Read(b); err != nil || string(b[:n]) != text {
			t.Fatalf("client %d got %q, error %v", i, b[:n], err)
		}
	}
	forgotten := make(chan struct{})
	go func() { f.readers.Wait(); close(forgotten) }() // one for each client
	select {
	case <-forgotten:
	case <-time.After(time.Minute):
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.paths); n > 0 {
		t.Fatalf("%d silent clients are not forgotten", n)
	}
}

// The programs: what they print, and their exit status.
func TestSenderAndReceiver(t *testing.T) {
	dir := t.TempDir()
	out, err := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "../sender", "../receiver").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	exe := func(name string, args ...string) *exec.Cmd {
		if runtime.GOOS == "windows" {
			name += ".exe"
		}
		return exec.Command(filepath.Join(dir, name), args...)
	}
	r := exe("receiver", "-addr", "127.0.0.1:0")
	var received, receiverSays bytes.Buffer
	r.Stdout = &received
	lines, err := r.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, 100)
	n, _ := lines.Read(first)
	addr := strings.TrimSpace(strings.TrimPrefix(string(first[:n]), "Listening on "))
	data := random(50_000)
	s := exe("sender", "-addr", addr)
	s.Stdin = bytes.NewReader(data)
	out, err = s.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "Sent 50000 bytes in ") {
		t.Errorf("the sender: %v\n%s", err, out)
	}
	io.Copy(&receiverSays, lines)
	if err := r.Wait(); err != nil || receiverSays.String() != "Received 50000 bytes\n" || !bytes.Equal(received.Bytes(), data) {
		t.Errorf("the receiver: %v, %d bytes\n%s", err, received.Len(), &receiverSays)
	}

	s = exe("sender", "-addr", addr, "-rto", "1ms") // nobody is there any more
	s.Stdin = strings.NewReader("hello")
	out, err = s.CombinedOutput()
	if err == nil || s.ProcessState.ExitCode() != 1 || strings.Count(string(out), "\n") != 1 || !strings.Contains(string(out), "is the receiver running?") {
		t.Errorf("a sender without a receiver: %v\n%s", err, out)
	}
	for _, wrong := range []*exec.Cmd{
		exe("sender", "-protocol", "tcp"), exe("sender", "-window", "0"), exe("sender", "-addr", "1"), exe("sender", "x"),
		exe("receiver", "-protocol", "tcp"), exe("receiver", "-idle-timeout", "0s"), exe("receiver", "x"),
	} {
		out, _ := wrong.CombinedOutput()
		if wrong.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "Usage of") {
			t.Errorf("%v: status %d\n%s", wrong.Args[1:], wrong.ProcessState.ExitCode(), out)
		}
	}
	if runtime.GOOS != "windows" {
		r = exe("receiver", "-addr", "127.0.0.1:0")
		lines, _ := r.StderrPipe()
		r.Start()
		lines.Read(first)
		r.Process.Signal(os.Interrupt)
		rest, _ := io.ReadAll(lines)
		if r.Wait(); r.ProcessState.ExitCode() != 1 || !strings.Contains(string(rest), "stopped; nothing was received") {
			t.Errorf("a receiver at Ctrl-C: status %d\n%s", r.ProcessState.ExitCode(), rest)
		}
	}
}

// BenchmarkUDPForward counts the datagrams of 64 bytes that arrive. At most
// 64 are under way, so that no buffer overflows.
func BenchmarkUDPForward(b *testing.B) {
	target, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer target.Close()
	p := startProxy(b, target.LocalAddr().String(), udp(func(o *options) { o.Delay = 0 }))
	client, err := net.Dial("udp", p.addr)
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	window := make(chan struct{}, 64)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 100)
		for range b.N {
			if _, _, err := target.ReadFromUDPAddrPort(buf); err != nil {
				return
			}
			<-window
		}
	}()
	message := make([]byte, 64)
	b.ResetTimer()
	for range b.N {
		window <- struct{}{}
		client.Write(message)
	}
	<-done
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "datagrams/s")
}
