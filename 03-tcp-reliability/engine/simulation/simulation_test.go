package simulation_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
	"github.com/google/go-cmp/cmp"
)

// arqs are the protocols that repeat what was lost, but for TCP.
var arqs = []string{"stop-and-wait", "go-back-n", "selective-repeat"}

func pair(t testing.TB, p string, window int, rto time.Duration) (client, server simulation.Host) {
	t.Helper()
	s := hosts.Default()
	s.Protocol, s.Window, s.RTO, s.Congestion = p, window, rto, "reno"
	client, server, err := hosts.New(s, 1, true)
	if err != nil {
		t.Fatal(err)
	}
	return client, server
}

func words(text string) (w [][]byte) {
	for _, s := range strings.SplitAfter(text, " ") {
		w = append(w, []byte(s))
	}
	return w
}

const sentence = "The quick brown fox jumps over the lazy dog."

func drop(text string) network.Script {
	s, err := network.ParseScript(text)
	if err != nil {
		panic(err)
	}
	return s
}

func patternNetwork(up, down int) *network.Network {
	return network.New(network.Conditions{Delay: 20 * time.Millisecond,
		Drop: drop(script(up, down))})
}

// A packet that the network always loses ends the run: the client gives up.
func TestGiveUp(t *testing.T) {
	for _, p := range arqs {
		client, server := pair(t, p, 4, 0)
		run := simulation.Config{Client: client, Server: server,
			Network: network.New(network.Conditions{Loss: network.Certain}),
			Writes:  words(sentence)}
		result := simulation.Run(run)
		want := "client: gave up: packet 1 was repeated 20 times " +
			"and never acknowledged"
		if result.Err == nil || result.Err.Error() != want {
			t.Errorf("%v, all lost: error %v, want %s", p, result.Err, want)
		}
		// 1 s, then 20 timeouts at the cap of 2 s.
		if result.Ended != 41*time.Second {
			t.Errorf("%v gave up at %v, want 41s", p, result.Ended)
		}
	}
}

// The trace tells each packet's story in order: here that of the second,
// which is lost, and what the applications did.
func TestTrace(t *testing.T) {
	client, server := pair(t, "selective-repeat", 4, 300*time.Millisecond)
	var tr trace.Trace
	run := simulation.Config{Client: client, Server: server,
		Network: patternNetwork(1<<1, 0), Trace: &tr,
		Writes: words("one two three"), Every: 10 * time.Millisecond}
	if result := simulation.Run(run); result.Err != nil {
		t.Fatal(result.Err)
	}
	var all bytes.Buffer
	if err := views.WriteJSON(&all, &tr); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(all.String()) {
		var e struct {
			At             int `json:"at_us"`
			Event          string
			Direction      string
			Number, Of     int
			Text, Why      string
			Length, Seq    int
			Loss, Kind     string
			Retransmission bool
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if e.Kind != "" && e.Seq != 2 || e.Event == "noted" ||
			e.Retransmission != (e.Of > 0) {
			continue
		}
		got = append(got, strings.TrimSpace(fmt.Sprintf(
			"%d %s %s %d %q %s%s", e.At/1000, e.Direction, e.Event,
			e.Number, e.Text, e.Why, e.Loss)))
	}
	want := []string{
		`0 up wrote 0 "one "`,
		`10 up wrote 0 "two "`,
		`10 up sent 2 "two "`,
		`10 up lost 2 "two " script`,
		`20 up wrote 0 "three"`,
		`20 up closed 0 ""`,
		`20 up read 0 "one "`,
		`310 up sent 5 "two " timeout`,
		`330 up arrived 5 "two " timeout`,
		`330 up read 0 "two three"`,
		`330 up end 0 ""`,
		`330 down closed 0 ""`,
		`330 down finished 0 ""`,
		`350 up finished 0 ""`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ms, direction, event, number, text, why "+
			"(-want +got):\n%s", diff)
	}
}

// Over UDP what is lost stays lost, and the run ends all the same.
func TestUDPTorn(t *testing.T) {
	var got bytes.Buffer
	client, server := pair(t, "udp", 1, 0)
	run := simulation.Config{Client: client, Server: server,
		Network: patternNetwork(1<<1|1<<4, 0),
		Writes:  words(sentence), Every: 10 * time.Millisecond, Output: &got}
	result := simulation.Run(run)
	want := "The brown fox over the lazy dog."
	if got.String() != want || result.Err != nil {
		t.Errorf("packets 2 and 5 lost: read %q, error %v, want %q",
			got.String(), result.Err, want)
	}
}

// A run without an end is broken off, and says so.
func TestLimit(t *testing.T) {
	client, server := pair(t, "stop-and-wait", 1, 0)
	run := simulation.Config{Client: client, Server: server,
		Network: patternNetwork(0, 0), Writes: words(sentence),
		MaxTime: 100 * time.Millisecond}
	if err := simulation.Run(run).Err; !errors.Is(err, simulation.ErrLimit) {
		t.Errorf("after 100 ms of about 400: error %v", err)
	}
	client, server = pair(t, "stop-and-wait", 1, 0)
	run = simulation.Config{Client: client, Server: server,
		Network: patternNetwork(0, 0), Writes: words(sentence),
		MaxSteps: 3}
	if err := simulation.Run(run).Err; !errors.Is(err, simulation.ErrLimit) {
		t.Errorf("after 3 steps: error %v", err)
	}
	// A receiver that never hears of the end: the sender is done with its
	// last packet unconfirmed.
	client, _ = pair(t, "stop-and-wait", 1, 0)
	_, server = pair(t, "go-back-n", 4, 0)
	run = simulation.Config{Client: client, Server: server,
		Network: patternNetwork(0, 0)}
	if err := simulation.Run(run).Err; !errors.Is(err, simulation.ErrStalled) {
		t.Errorf("the server never hears of the end: error %v", err)
	}
}

// A slow reader gets every byte, at its own speed.
func TestSlowReader(t *testing.T) {
	for _, p := range arqs {
		var got bytes.Buffer
		client, server := pair(t, p, 4, 0)
		run := simulation.Config{Client: client, Server: server,
			Network: patternNetwork(0, 0), Writes: words(sentence),
			Output: &got, ReadRate: 10}
		result := simulation.Run(run)
		if got.String() != sentence || result.Err != nil ||
			result.LastRead < 4*time.Second {
			t.Errorf("%v, 10 bytes a second: read %q until %v, error %v", p,
				got.String(), result.LastRead, result.Err)
		}
	}
}

func BenchmarkTransfer(b *testing.B) {
	payload := bytes.Repeat([]byte("x"), 64)
	for _, p := range arqs {
		b.Run(p, func(b *testing.B) {
			writes := make([][]byte, max(1, b.N/2))
			for i := range writes {
				writes[i] = payload
			}
			client, server := pair(b, p, 16, 0)
			run := simulation.Config{Client: client, Server: server,
				Network: network.New(network.Conditions{
					Delay: time.Microsecond}),
				Writes: writes}
			b.ReportAllocs()
			b.ResetTimer()
			result := simulation.Run(run)
			b.StopTimer()
			if result.Err != nil {
				b.Fatal(result.Err)
			}
			b.ReportMetric(float64(result.Sent[0]+result.Sent[1])/
				b.Elapsed().Seconds(), "packets/s")
		})
	}
}
