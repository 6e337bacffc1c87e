package simulation_test

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/run"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
)

// The textbooks' formulas for the share of a link's capacity that a protocol
// uses. p is the probability that a packet is lost, a the time that it is
// under way in units of the time that it takes to send (propagation by
// transmission). The tables are printed with -update and stand in
// docs/theory.md.

var update = flag.Bool("update", false, "print the tables for docs/theory.md")

const (
	a         = 5
	slot      = time.Millisecond          // to send a full packet
	rate      = 9792                      // kbit a second: 1,224 bytes in a slot
	ackTime   = 19608 * time.Nanosecond   // to send an acknowledgement
	roundTrip = slot + 2*a*slot + ackTime // from handing over to the acknowledgement
	page      = "../../../docs/theory.md"
)

var probabilities = []float64{0, 0.01, 0.1, 0.3}

// efficiency is the share of the link that carries packets which arrive for
// the first time, over a transfer of n full packets.
func efficiency(t *testing.T, protocol string, window, n int, p float64,
	rto time.Duration) float64 {
	t.Helper()
	s := hosts.Default()
	s.Protocol, s.Window, s.RTO = protocol, window, rto
	client, server, err := hosts.New(s, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	c := network.Conditions{Delay: a * slot, Queue: 1, Seed: 1}
	c.Loss.Set(fmt.Sprint(p))
	c.Rate.Set(fmt.Sprintf("%dkbit", rate))
	c.Only.Set("up") // no acknowledgement is lost
	payload := make([]byte, arq.MaxPayload)
	result := simulation.Run(simulation.Config{Client: client, Server: server,
		Network: network.New(c),
		Writes:  slices.Repeat([][]byte{payload}, n), Paced: true})
	if result.Err != nil || result.Read != n*arq.MaxPayload {
		t.Fatalf("%s, p = %v: %d bytes read, error %v", protocol, p, result.Read, result.Err)
	}
	return float64(n) * float64(slot) / float64(result.LastRead)
}

// slots is a model of selective repeat that shares nothing with the protocol:
// in each slot one packet is sent, the oldest one whose round trip is over
// without an acknowledgement, or else a new one if the window allows it.
func slots(window, n int, p float64) float64 {
	r := rand.New(rand.NewPCG(1, 2))
	const round = 1 + 2*a
	type packet struct {
		due     int // the slot in which it is acknowledged or given up
		arrived bool
	}
	packets := make([]packet, n+window)
	base, next, now := 0, 0, 0
	for ; base < n; now++ {
		for base < next && packets[base].arrived && packets[base].due <= now {
			base++
		}
		send := -1
		for i := base; i < next; i++ {
			if !packets[i].arrived && packets[i].due <= now {
				send = i
				break
			}
		}
		if send < 0 && next < base+window && next < n {
			send, next = next, next+1
		}
		if send >= 0 {
			packets[send].due = now + round
			packets[send].arrived = r.Float64() >= p
		}
	}
	return float64(n) / float64(now)
}

// TestTheory holds the protocols against the formulas, where the formulas'
// own assumptions hold: the timeout is one round trip, each packet has its
// timer, and no acknowledgement is lost.
func TestTheory(t *testing.T) {
	const n = 30_000
	var table strings.Builder
	fmt.Fprintf(&table, "%-18s %6s %6s   %8s %8s %6s\n", "protocol", "window", "p", "formula",
		"measured", "ratio")
	compare := func(protocol string, window int, p, formula float64) {
		got := efficiency(t, protocol, window, n, p, roundTrip)
		fmt.Fprintf(&table, "%-18s %6d %6.2f   %8.4f %8.4f %6.3f\n", protocol, window, p, formula,
			got, got/formula)
		if math.Abs(got/formula-1) > 0.03 {
			t.Errorf("%s, window %d, p = %v: %.4f of the link, the formula says %.4f", protocol,
				window, p, got, formula)
		}
	}
	for _, p := range probabilities {
		compare("stop-and-wait", 1, p, (1-p)/(1+2*a))
	}
	for _, p := range probabilities {
		compare("go-back-n", 1+2*a, p, (1-p)/(1+2*a*p))
	}
	for _, p := range probabilities {
		compare("selective-repeat", 4*(1+2*a), p, 1-p)
	}
	onPage(t, table.String())
}

// TestSmallWindows: where the window is no larger than the pipe, the formula
// W(1-p)/(1+2a) is too high, and the independent model is right.
func TestSmallWindows(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "%6s %6s   %8s %8s %8s\n", "window", "p", "formula", "model", "measured")
	for _, window := range []int{4, 8, 12} {
		for _, p := range probabilities {
			formula := min(1, float64(window)/(1+2*a)) * (1 - p)
			model := slots(window, 100_000, p)
			got := efficiency(t, "selective-repeat", window, 30_000, p, roundTrip)
			fmt.Fprintf(&table, "%6d %6.2f   %8.4f %8.4f %8.4f\n", window, p, formula, model, got)
			if math.Abs(got/model-1) > 0.03 {
				t.Errorf("window %d, p = %v: %.4f of the link, the model says %.4f", window, p, got,
					model)
			}
		}
	}
	onPage(t, table.String())
}

// TestAdaptiveTimer prints what the adaptive timer costs: it waits longer than
// a round trip, and doubles.
func TestAdaptiveTimer(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "%-18s %6s %6s   %8s %8s\n", "protocol", "window", "p", "one trip",
		"adaptive")
	for _, protocol := range []struct {
		name   string
		window int
	}{{"stop-and-wait", 1}, {"go-back-n", 11}, {"selective-repeat", 44}} {
		for _, p := range probabilities {
			fixed := efficiency(t, protocol.name, protocol.window, 30_000, p, roundTrip)
			adaptive := efficiency(t, protocol.name, protocol.window, 3_000, p, 0)
			fmt.Fprintf(&table, "%-18s %6d %6.2f   %8.4f %8.4f\n", protocol.name, protocol.window,
				p, fixed, adaptive)
			if adaptive > fixed*1.03 {
				t.Errorf("%s, p = %v: the adaptive timer is better than the best one",
					protocol.name, p)
			}
		}
	}
	onPage(t, table.String())
}

// TestMathis prints TCP's throughput beside the formula of Mathis, Semke,
// Mahdavi and Ott 1997: MSS/RTT * C/sqrt(p), with C = sqrt(3/2) if every
// segment is acknowledged. It takes 100 million bytes until chance evens out.
func TestMathis(t *testing.T) {
	if !all() && !*update {
		t.Skip("takes ten seconds: set CI or ALL (engine/tcp has a sample)")
	}
	const mss, rtt = 1448, 0.1
	var table strings.Builder
	fmt.Fprintf(&table, "%8s   %12s %12s %12s\n", "p", "formula", "cubic", "reno")
	for _, p := range []float64{0.001, 0.003, 0.01} {
		formula := mss / rtt * math.Sqrt(1.5/p)
		cubic, reno := throughput(t, "cubic", p), throughput(t, "reno", p)
		fmt.Fprintf(&table, "%8.3f   %7.0f kB/s %7.0f kB/s %7.0f kB/s\n", p, formula/1000,
			cubic/1000, reno/1000)
		if cubic < formula/1.6 || cubic > formula*1.6 {
			t.Errorf("p = %v: cubic carries %.0f bytes a second, the formula says %.0f", p, cubic,
				formula)
		}
		if reno < formula/1.2 || reno > formula*1.2 {
			t.Errorf("p = %v: reno carries %.0f bytes a second, the formula says %.0f", p, reno,
				formula)
		}
	}
	onPage(t, table.String())
}

// TestHowMuchLoss measures our TCP's columns of the table of losses: seconds for 200,000 bytes at a
// delay of 2 ms, the median and the worst of 101 seeds. The time is virtual, so the figures are the
// same each time. At high losses many packets are simulated: those rows are for CI.
func TestHowMuchLoss(t *testing.T) {
	if raceOn {
		t.Skip("one goroutine a run, and slow under the race detector")
	}
	rows := []string{"0.01", "0.05", "0.10", "0.20", "0.30"}
	if !all() && !*update {
		rows = rows[1:2]
	}
	for _, loss := range rows {
		row := fmt.Sprintf("%8s", loss)
		for _, rack := range []string{"", " -rack"} {
			took := make([]time.Duration, 101)
			var workers sync.WaitGroup
			for seed := range took {
				workers.Go(func() {
					s := run.Default()
					fs := flag.NewFlagSet("", flag.PanicOnError)
					s.Flags(fs)
					fs.Parse(strings.Fields(fmt.Sprintf(
						"-bytes 200000 -delay 2ms -loss %s -seed %d%s", loss, seed+1, rack)))
					r, err := s.Run(nil)
					if took[seed] = r.LastRead; err != nil || r.Err != nil {
						t.Errorf("loss %s, seed %d%s: %v, %v", loss, seed+1, rack, err, r.Err)
					}
				})
			}
			workers.Wait()
			slices.Sort(took)
			row += fmt.Sprintf("%8s%7s", figures(took[50]), figures(took[100])) + "   "
		}
		onPage(t, "\n"+strings.TrimRight(row, " "))
	}
}

// figures is a time in seconds: two digits that mean something, or all before the point.
func figures(d time.Duration) string {
	places := 0
	for n := d; n < 10*time.Second && places < 3; n *= 10 {
		places++
	}
	return fmt.Sprintf("%.*f", places, d.Seconds())
}

// throughput is in bytes a second, over a round trip of 100 ms.
func throughput(t *testing.T, congestion string, p float64) float64 {
	t.Helper()
	const bytes = 100_000_000
	s := hosts.Default()
	s.Congestion = congestion
	client, server, err := hosts.New(s, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	c := network.Conditions{Delay: 50 * time.Millisecond, Seed: 1}
	c.Loss.Set(fmt.Sprint(p))
	c.Only.Set("up")
	result := simulation.Run(simulation.Config{Client: client, Server: server,
		Network: network.New(c),
		Writes:  slices.Repeat([][]byte{make([]byte, 10_000)}, bytes/10_000)})
	if result.Err != nil || result.Read != bytes {
		t.Fatalf("%s, p = %v: %d bytes read, error %v", congestion, p, result.Read, result.Err)
	}
	return bytes / result.LastRead.Seconds()
}

// onPage objects unless the table stands in the page as it is.
func onPage(t *testing.T, table string) {
	t.Helper()
	if *update {
		fmt.Printf("%s\n", table)
		return
	}
	text, err := os.ReadFile(filepath.FromSlash(page))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), []byte(table)) {
		t.Errorf("docs/theory.md does not hold this table:\n%s", table)
	}
}
