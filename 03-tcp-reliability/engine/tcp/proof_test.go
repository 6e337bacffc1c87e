package tcp_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// The proof that this TCP keeps its two promises, by trying what can go wrong:
// every byte arrives, in order, exactly once, and both ends learn that it did.
// Whatever fails names the case, which is the same each time.

var (
	clientAddr = netip.MustParseAddrPort("192.0.2.1:50000")
	serverAddr = netip.MustParseAddrPort("192.0.2.2:65432")
)

// all says whether to try every case, or a sample (see package simulation).
func all() bool { return os.Getenv("CI") != "" && !raceOn || os.Getenv("ALL") != "" }

// sample is n, or less of it where a sample is enough.
func sample(n, less int) int {
	if all() {
		return n
	}
	return less
}

// ends makes both ends. The first numbers wrap soon.
func ends(o tcp.Options) (client, server *tcp.Conn) {
	o.Local, o.Remote, o.ISS = clientAddr, serverAddr, 0xffff_ff00
	client = tcp.Dial(o)
	o.Local, o.Remote, o.ISS = serverAddr, clientAddr, 0x7fff_fff0
	return client, tcp.Accept(o)
}

// variant is one of the four ways of congestion control and loss detection.
func variant(i int) tcp.Options {
	return tcp.Options{Congestion: []string{"reno", "cubic"}[i&1], RACK: i&2 != 0}
}

// A transfer is one run: the client writes, the server reads.
type transfer struct {
	options    tcp.Options // of both ends
	buffer     int         // of the server, if not options'
	readRate   int
	conditions network.Conditions
	writes     [][]byte
	every      time.Duration
	trace      *trace.Trace
}

func (x transfer) run() (simulation.Result, []byte) {
	x.options.Trace = x.trace != nil
	client, _ := ends(x.options)
	if x.buffer > 0 {
		x.options.ReceiveBuffer = x.buffer
	}
	_, server := ends(x.options)
	var got bytes.Buffer
	run := simulation.Config{Client: client, Server: server, Network: network.New(x.conditions),
		Writes: x.writes, Every: x.every, ReadRate: x.readRate, Output: &got, Trace: x.trace,
		MaxTime: 24 * time.Hour}
	return simulation.Run(run), got.Bytes()
}

// check objects unless all is whole. That an end gave up is accepted if it was
// right to: each of its 16 transmissions, or every answer to it, was lost.
func (x transfer) check() (simulation.Result, error) {
	result, got := x.run()
	want := bytes.Join(x.writes, nil)
	if result.Err == nil && bytes.Equal(got, want) {
		return result, nil
	}
	if result.Err != nil && strings.Contains(result.Err.Error(), "gave up") &&
		bytes.HasPrefix(want, got) {
		x.trace = &trace.Trace{}
		x.run()
		if n := inVain(x.trace); n >= 16 {
			return result, errEarned
		}
	}
	return result, fmt.Errorf("%+v\n%v: read %d of %d bytes, error %v",
		x.options, x.conditions, len(got), len(want), result.Err)
}

var errEarned = fmt.Errorf("gave up after 16 transmissions that were in vain")

// inVain counts how often in a row, up to the end, an end sent the same
// segment, or a window probe, and no answer arrived.
func inVain(t *trace.Trace) int {
	var n [2]int
	var seq [2]uint32
	for _, e := range t.Events {
		switch d := e.Direction; {
		case e.Kind == trace.Arrived:
			n[1-d] = 0
		case e.Kind == trace.Sent && (e.Packet.Why == trace.Timeout ||
			e.Packet.Why == trace.WindowProbe):
			if n[d]++; e.Packet.Seq != seq[d] {
				n[d], seq[d] = 1, e.Packet.Seq
			}
		}
	}
	return max(n[0], n[1]) + 1
}

// many runs n cases on all processors, until one fails.
func many(t *testing.T, n int, check func(i int) error) {
	t.Helper()
	var workers sync.WaitGroup
	var next, earned atomic.Int64
	var failed atomic.Bool
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !failed.Load(); i = int(next.Add(1)) - 1 {
				if err := check(i); err == errEarned {
					earned.Add(1)
				} else if err != nil {
					failed.Store(true)
					t.Errorf("case %d: %v", i, err)
				}
			}
		})
	}
	workers.Wait()
	if earned := int(earned.Load()); earned > 0 {
		t.Logf("%d of %d gave up, and were right to", earned, n)
		if earned > 1+n/500 {
			t.Errorf("that is too many")
		}
	}
}

// sentence is what the simulator sends: one word every 10 ms.
var sentence = bytes.SplitAfter(
	[]byte("Every word of this sentence arrives in order."), []byte(" "))

// Every subset of the first 8 packets up and the first 8 down is lost.
func TestEveryDropPattern(t *testing.T) {
	step := sample(1, 37) // has no common divisor with 65,536: a sample of all kinds
	for v := range 4 {
		many(t, 65536/step, func(i int) error {
			c := network.Conditions{Delay: 20 * time.Millisecond, Seed: 1}
			c.Drop.Set(pattern(i * step))
			_, err := transfer{options: variant(v), conditions: c,
				writes: sentence, every: 10 * time.Millisecond}.check()
			return err
		})
	}
}

// pattern is the drop script of a number: each bit stands for a packet.
func pattern(lost int) string {
	var s []string
	for i := range 16 {
		if lost>>i&1 == 1 {
			s = append(s, fmt.Sprintf("%v:%d", network.Direction(i/8), i%8+1))
		}
	}
	return strings.Join(s, ",")
}

// Random networks with every fault at once.
func TestRandomNetworks(t *testing.T) {
	many(t, sample(200_000, 4000), func(i int) error {
		r := rand.New(rand.NewPCG(uint64(i), 0))
		_, err := transfer{options: variant(i), conditions: faults(r, i),
			writes: sentence, every: 10 * time.Millisecond}.check()
		return err
	})
}

func faults(r *rand.Rand, seed int) network.Conditions {
	c := network.Conditions{Seed: int64(seed), Queue: 20,
		Delay:  time.Duration(1+r.IntN(50)) * time.Millisecond,
		Jitter: time.Duration(r.IntN(20)) * time.Millisecond}
	c.Loss.Set(fmt.Sprintf("0.%02d", r.IntN(15)))
	c.Duplicate.Set(fmt.Sprintf("0.%d", r.IntN(4)))
	c.Reorder.Set(fmt.Sprintf("0.%d", r.IntN(4)))
	c.Corrupt.Set(fmt.Sprintf("0.%02d", r.IntN(6)))
	if r.IntN(2) == 0 {
		c.Burst.Set(fmt.Sprint(1 + r.IntN(2)))
	}
	if r.IntN(3) == 0 {
		c.Rate.Set(fmt.Sprintf("%dkbit", 100+r.IntN(900)))
		c.Queue = 5 + r.IntN(20)
	}
	return c
}

// A sample of long transfers: 20 kB and 200 kB, with losses of 5 to 30 %.
func TestLongTransfers(t *testing.T) {
	seeds := sample(200, 3)
	many(t, seeds*2*4*4, func(i int) error {
		size, loss, seed := []int{20, 200}[i&1], []string{"0.05", "0.1", "0.2", "0.3"}[i>>1&3],
			i>>5+1
		if size == 200 && loss == "0.3" && !all() {
			return nil
		}
		c := network.Conditions{Delay: 2 * time.Millisecond, Seed: int64(seed)}
		c.Loss.Set(loss)
		_, err := transfer{options: variant(i >> 3), conditions: c, writes: pieces(size)}.check()
		return err
	})
}

// pieces are so many times 1000 bytes, all different.
func pieces(n int) [][]byte {
	w := make([][]byte, n)
	for i := range w {
		w[i] = []byte(strings.Repeat(fmt.Sprintf("%09d\n", i), 100))
	}
	return w
}

// Every fault at once, and tiny receive buffers with slow readers.
func TestTinyBuffers(t *testing.T) {
	buffers := []int{1, 100, 560, 1440, 3000, 14332, 70000}
	many(t, sample(2000, 50), func(i int) error {
		r := rand.New(rand.NewPCG(uint64(i), 1))
		c := faults(r, i)
		c.Duplicate.Set("0.2")
		c.Reorder.Set("0.2")
		o := variant(i)
		o.NoSACK, o.NoTimestamps = r.IntN(8) == 0, r.IntN(4) == 0
		o.Nagle, o.DelayedACK = r.IntN(4) == 0, r.IntN(4) == 0
		x := transfer{options: o, conditions: c, writes: pieces(20),
			buffer: buffers[r.IntN(len(buffers))], readRate: r.IntN(2) * 40_000}
		if x.buffer == 1 {
			x.writes = sentence
		}
		_, err := x.check()
		return err
	})
}

// Where nothing is reordered what is sent again is hardly more than what was
// lost: with RACK, too, which judges by time.
func TestRepetitionsAreCloseToLosses(t *testing.T) {
	for v := range 4 {
		lost, again := 0, 0
		for seed := range sample(100, 10) {
			c := network.Conditions{Delay: 2 * time.Millisecond, Seed: int64(seed)}
			c.Loss.Set("0.03")
			c.Only.Set("up")
			result, err := transfer{options: variant(v), conditions: c, writes: pieces(200)}.check()
			if err != nil {
				t.Fatal(err)
			}
			lost += result.Lost[network.Up]
			again += result.Retransmits[network.Up]
		}
		if again < lost*95/100 || again > lost*115/100 {
			t.Errorf("%+v: %d lost and %d sent again", variant(v), lost, again)
		}
	}
}

// Reno's throughput is that of Mathis, Semke, Mahdavi and Ott 1997: MSS/RTT *
// sqrt(3/2)/sqrt(p), if every segment is acknowledged.
func TestRenoObeysMathis(t *testing.T) {
	const mss, rtt = 1448, 0.1
	size := sample(100, 20) * 1_000_000
	for _, p := range []float64{0.01, 0.003, 0.001}[:sample(3, 2)] {
		c := network.Conditions{Delay: 50 * time.Millisecond, Seed: 1}
		c.Loss.Set(fmt.Sprint(p))
		c.Only.Set("up")
		result, _ := transfer{options: tcp.Options{Congestion: "reno"}, conditions: c,
			writes: slices.Repeat([][]byte{make([]byte, 10_000)}, size/10_000)}.run()
		formula := mss / rtt * math.Sqrt(1.5/p)
		got := float64(size) / result.LastRead.Seconds()
		t.Logf("p = %v: %.0f bytes a second, the formula says %.0f", p, got, formula)
		if result.Err != nil || got < formula*0.8 || got > formula*1.2 {
			t.Errorf("p = %v: %.0f bytes a second, the formula says %.0f; error %v",
				p, got, formula, result.Err)
		}
	}
}

// CUBIC is no slower than Reno (RFC 9438, section 4.3).
func TestCubicIsNoSlowerThanReno(t *testing.T) {
	c := network.Conditions{Delay: 50 * time.Millisecond, Seed: 1}
	c.Loss.Set("0.001")
	c.Only.Set("up")
	var took [2]time.Duration
	for v := range 2 {
		result, err := transfer{options: variant(v), conditions: c, writes: pieces(5000)}.check()
		if err != nil {
			t.Fatal(err)
		}
		took[v] = result.LastRead
	}
	if took[1] > took[0] {
		t.Errorf("reno %v, cubic %v", took[0], took[1])
	}
}
