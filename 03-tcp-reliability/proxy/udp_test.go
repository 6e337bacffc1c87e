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
		_, err := (&realtime.Receiving{Conn: conn, Protocol: p, Out: &out,
			Idle: time.Minute, Linger: 500 * time.Millisecond}).Run(ctx)
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

func newSender(p arq.Protocol) arq.End {
	return arq.NewSender(p, rand.Uint64(), arq.Options{Window: 8, RTO: 20 * time.Millisecond})
}

func sendAll(t testing.TB, addr string, s arq.End, in io.Reader) error {
	t.Helper()
	conn, err := net.Dial("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = (&realtime.Sending{Conn: conn.(*net.UDPConn), Sender: s, In: in}).Run(t.Context())
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
				if err := sendAll(t, p.addr, newSender(protocol),
					bytes.NewReader(data)); err != nil {
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
		r := realtime.Receiving{Conn: conn, Protocol: protocol, Out: out,
			Idle: time.Minute, Linger: time.Millisecond}
		go r.Run(ctx)
		p := startProxy(t, conn.LocalAddr().String(), udp(func(o *options) {
			faults("-drop data:2")(o)
			o.view = "ladder"
		}))
		in, words := io.Pipe()
		sent := make(chan error, 1)
		// Its timer is patient: on a busy machine a needless repetition would
		// take the number of the datagram that shall be lost.
		sender := arq.NewSender(protocol, rand.Uint64(), arq.Options{Window: 8, RTO: time.Second})
		go func() { sent <- sendAll(t, p.addr, sender, in) }()
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
		again := strings.Contains(p.text(), `data 2 "two\n" = 2 again`)
		if again != (protocol != arq.UDP) ||
			!strings.Contains(p.text(), `data 2 "two\n" ───── × lost`) {
			t.Errorf("%v: the ladder is\n%s", protocol, p.text())
		}
	}
}

// The proxy is killed in the middle, and another one takes its place: with
// another port towards the receiver.
// Nothing runs beside it: what takes a port could take the proxy's meanwhile.
func TestUDPProxyStartedAgain(t *testing.T) {
	for _, protocol := range textbook {
		t.Run(protocol.String(), func(t *testing.T) {
			addr, result := receiver(t, protocol)
			first := startProxy(t, addr, udp(faults("-loss 0.1")))
			data := random(200_000)
			reader, writer := io.Pipe()
			sent := make(chan error, 1)
			go func() { sent <- sendAll(t, first.addr, newSender(protocol), reader) }()
			writer.Write(data[:100_000])
			first.stop()
			startProxy(t, addr,
				udp(func(o *options) { o.listen = first.addr; faults("-loss 0.1")(o) }))
			writer.Write(data[100_000:])
			writer.Close()
			if err := <-sent; err != nil {
				t.Errorf("%v sender: %v", protocol, err)
			}
			if got, err := result(); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%v: %d of %d bytes received, error %v", protocol, len(got), len(data),
					err)
			}
		})
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
	f, err := newUDPForwarder("127.0.0.1:0", echo.LocalAddr().String(),
		newSharedNetwork(network.Conditions{Seed: 1}),
		200*time.Millisecond, newWatcher(io.Discard, "none", false, t.Logf), t.Logf)
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

// More than maxPending datagrams at once are too many, and that is said.
func TestUDPTooManyUnderWay(t *testing.T) {
	said := 0
	f, err := newUDPForwarder("127.0.0.1:0", "127.0.0.1:9",
		newSharedNetwork(network.Conditions{Delay: time.Hour}), time.Minute,
		newWatcher(io.Discard, "none", false, t.Logf), func(string, ...any) { said++ })
	if err != nil {
		t.Fatal(err)
	}
	defer f.conn.Close()
	defer f.schedule.close()
	for range maxPending {
		f.forward(network.Up, &path{}, []byte("x"))
	}
	if said > 0 {
		t.Errorf("it says so with %d", maxPending)
	}
	for range 2 {
		f.forward(network.Up, &path{}, []byte("x"))
	}
	if n := f.schedule.pending.Len(); said != 1 || n != maxPending {
		t.Errorf("it says so %d times, and %d are under way", said, n)
	}
}

// What arrives damaged is not for the program: no kernel would hand it over.
func TestUDPDamaged(t *testing.T) {
	target, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	p := startProxy(t, target.LocalAddr().String(), udp(func(o *options) {
		faults("-corrupt 0.5 -seed 3")(o)
		o.view = "json"
	}))
	client, err := net.Dial("udp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	const n = 40
	for i := range n {
		fmt.Fprintf(client, "datagram %02d", i)
	}
	// Each is in the trace once: arrived, or discarded.
	for p.count(`"event":"arrived"`)+p.count(`"event":"discarded"`) < n {
		p.wait(t, "")
		runtime.Gosched()
	}
	arrived := p.count(`"event":"arrived"`)
	if arrived == 0 || arrived == n {
		t.Fatalf("%d of %d datagrams arrived", arrived, n)
	}
	b := make([]byte, 100)
	for range arrived {
		target.SetReadDeadline(time.Now().Add(time.Minute))
		got, err := target.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		var number int
		if _, err := fmt.Sscanf(string(b[:got]), "datagram %02d", &number); err != nil ||
			string(b[:got]) != fmt.Sprintf("datagram %02d", number) {
			t.Errorf("the program got %q", b[:got])
		}
	}
	p.stop() // nothing is on its way any more
	target.SetReadDeadline(time.Now().Add(-time.Second))
	if got, err := target.Read(b); err == nil {
		t.Errorf("the program got one more: %q", b[:got])
	}
}

func (r *running) count(text string) int { return strings.Count(r.text(), text) }

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
