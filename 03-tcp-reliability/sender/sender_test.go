package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/realtime"
)

// listen is a socket on the loopback interface, until the test ends.
func listen(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// command reads a command line.
func command(t *testing.T, line string) *options {
	t.Helper()
	var printed strings.Builder
	o, err := parse(strings.Fields(line), &printed)
	if err != nil || printed.Len() > 0 {
		t.Fatalf("%s: %v\n%s", line, err, &printed)
	}
	return o
}

func TestSend(t *testing.T) {
	data := bytes.Repeat([]byte("every byte "), 10_000)
	for _, p := range arq.Names()[1:] {
		conn := listen(t)
		protocol, _ := arq.ParseProtocol(p)
		var got bytes.Buffer
		done := make(chan error, 1)
		r := realtime.Receiving{Conn: conn, Protocol: protocol, Out: &got, Idle: time.Minute,
			Linger: time.Millisecond}
		go func() { _, err := r.Run(context.Background()); done <- err }()
		o := command(t, "-rto 50ms -protocol "+p+" -addr "+conn.LocalAddr().String())
		var says strings.Builder
		err := o.send(t.Context(), bytes.NewReader(data), &says)
		if err != nil || !strings.HasPrefix(says.String(), "Sent 110000 bytes in ") ||
			strings.Count(says.String(), "\n") != 1 {
			t.Errorf("%s: error %v, the sender says\n%s", p, err, &says)
		}
		if err := <-done; err != nil || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("%s: %d bytes received, error %v", p, got.Len(), err)
		}
	}
}

// Nobody answers: the sender says so while it still tries, and in the end how
// to start a receiver that would.
func TestNobodyAnswers(t *testing.T) {
	o := command(t, "-rto 100ms -protocol go-back-n -addr "+listen(t).LocalAddr().String())
	var says strings.Builder
	err := o.send(t.Context(), strings.NewReader("hello"), &says)
	const advice = "\nis a receiver there? go run ./03-tcp-reliability/receiver -protocol go-back-n"
	if want := "Nothing has come back from " + o.addr + " yet; trying again and again" + advice +
		"\n"; says.String() != want {
		t.Errorf("it says\n%s\nand not\n%s", &says, want)
	}
	want := "cannot send everything to " + o.addr +
		": gave up: packet 1 was repeated 20 times and never acknowledged" + advice
	if err == nil || err.Error() != want {
		t.Errorf("the error is\n%v\nand not\n%s", err, want)
	}
}

// Over UDP alone nobody would answer anyway: there is nothing to say.
func TestSendUDP(t *testing.T) {
	o := command(t, "-protocol udp -addr "+listen(t).LocalAddr().String())
	var says strings.Builder
	if err := o.send(t.Context(), strings.NewReader("hello"), &says); err != nil ||
		!strings.HasPrefix(says.String(), "Sent 5 bytes in 1 packets, 0 of them again, in ") {
		t.Errorf("error %v, it says\n%s", err, &says)
	}
}

func TestStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := command(t, "-addr "+listen(t).LocalAddr().String())
	err := o.send(ctx, strings.NewReader("hello"), &strings.Builder{})
	if err == nil || !strings.HasSuffix(err.Error(),
		"stopped before the end\nnot everything was acknowledged") {
		t.Error(err)
	}
}

// What makes no sense is one clear line, and where help is.
func TestWrongCommands(t *testing.T) {
	for line, want := range map[string]string{
		"-protocol tcp": "invalid value \"tcp\" for flag -protocol: must be one " +
			"of\nudp, stop-and-wait, go-back-n, selective-repeat",
		"-window 0": "invalid value 0 for flag -window: must be from 1 to 1024 " +
			"packets",
		"-rto 5": `invalid value "5" for flag -rto: needs a unit, such as 5ms or 5s`,
		"-rto 2h": "invalid value 2h0m0s for flag -rto: must be from 1ms to 1m, " +
			"or 0 for an adaptive one",
		"-protocol udp -window 4": "flag -window means nothing to -protocol udp: it is " +
			"for\ngo-back-n, selective-repeat",
		"-addr 1": `invalid value "1" for flag -addr: must be host:port, such as 127.0.0.1:9000`,
		"x":       `unexpected argument "x": settings are given as flags`,
	} {
		var printed strings.Builder
		if _, err := parse(strings.Fields(line), &printed); err == nil ||
			printed.String() != want+"\n-h shows the flags\n" {
			t.Errorf("%s: error %v, printed\n%s\nand not\n%s", line, err, &printed, want)
		}
	}
}
