package tcp_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"runtime"
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
	run := simulation.Run{Client: client, Server: server, Network: network.New(x.conditions),
		Writes: x.writes, Every: x.every, ReadRate: x.readRate, Output: &got, Trace: x.trace,
		MaxTime: 24 * time.Hour}
	return run.Go(), got.Bytes()
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
		case e.Kind == trace.Sent && (e.Packet.Why == trace.Timeout || e.Packet.Why == trace.WindowProbe):
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
var sentence = bytes.SplitAfter([]byte("Every word of this sentence arrives in order."), []byte(" "))

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
