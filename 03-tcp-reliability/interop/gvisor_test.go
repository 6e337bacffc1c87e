package interop

import (
	"bytes"
	"fmt"
	"io"
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
	"example.com/sockets/03-tcp-reliability/interop/gvisor"
)

// Our endpoint talks to gVisor's, in virtual time, both ways round. gVisor's RACK stays off: it
// forgets its timer (see gvisor.Options). Ours is off and on.

var (
	clientAddr = netip.MustParseAddrPort("192.0.2.1:50000")
	serverAddr = netip.MustParseAddrPort("192.0.2.2:65432")
)

// sample is n with CI set, or less of it where a sample is enough.
func sample(n, less int) int {
	if os.Getenv("CI") != "" {
		return n
	}
	return less
}

// A meeting is one transfer between the two, from client to server.
type meeting struct {
	ours       string // "client" or "server"
	congestion string // of both
	rack       bool   // of ours
	conditions network.Conditions
	writes     [][]byte
	every      time.Duration
}

// meetings are the ways to meet: which end is ours, which congestion control, and our RACK.
func meetings() (all []meeting) {
	for _, ours := range []string{"client", "server"} {
		for _, congestion := range []string{"reno", "cubic"} {
			for _, rack := range []bool{false, true} {
				all = append(all, meeting{ours: ours, congestion: congestion, rack: rack})
			}
		}
	}
	return all
}

func (m meeting) String() string {
	s := "our " + m.ours + "/" + m.congestion
	if m.rack {
		s += "-rack"
	}
	return s
}

// hosts makes both ends; free ends gVisor's.
func (m meeting) hosts() (client, server simulation.Host, free func(), err error) {
	own := tcp.Options{Local: clientAddr, Remote: serverAddr, ISS: 0xffff_ff00,
		Congestion: m.congestion, RACK: m.rack}
	peer := gvisor.Options{Local: serverAddr, Remote: clientAddr, Seed: 1, Congestion: m.congestion}
	if m.ours == "client" {
		h, err := gvisor.Accept(peer)
		if err != nil {
			return nil, nil, nil, err
		}
		return tcp.Dial(own), h, h.Destroy, nil
	}
	own.Local, own.Remote = serverAddr, clientAddr
	peer.Local, peer.Remote = clientAddr, serverAddr
	h, err := gvisor.Dial(peer)
	if err != nil {
		return nil, nil, nil, err
	}
	return h, tcp.Accept(own), h.Destroy, nil
}

// check objects unless every byte arrives, in order, once, and both ends learn that it did.
func (m meeting) check() error {
	client, server, free, err := m.hosts()
	if err != nil {
		return err
	}
	defer free()
	var got bytes.Buffer
	result := simulation.Run(simulation.Config{Client: client, Server: server,
		Network: network.New(m.conditions), Writes: m.writes, Every: m.every, Output: &got,
		MaxTime: 24 * time.Hour})
	want := bytes.Join(m.writes, nil)
	if result.Err != nil || !bytes.Equal(got.Bytes(), want) {
		return fmt.Errorf("%v, %v: read %d of %d bytes, error %v",
			m, m.conditions, got.Len(), len(want), result.Err)
	}
	return nil
}

// many runs n cases on all processors.
func many(t *testing.T, n int, check func(i int) error) {
	t.Helper()
	var workers sync.WaitGroup
	var next, failed atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && failed.Load() < 5; i = int(next.Add(1)) - 1 {
				if err := check(i); err != nil {
					failed.Add(1)
					t.Errorf("case %d: %v", i, err)
				}
			}
		})
	}
	workers.Wait()
}

// each runs n cases for each way to meet.
func each(t *testing.T, n int, check func(m meeting, i int) error) {
	for _, m := range meetings() {
		t.Run(m.String(), func(t *testing.T) {
			many(t, n, func(i int) error { return check(m, i) })
		})
	}
}

var sentence = bytes.SplitAfter([]byte("Every word of this sentence arrives in order."),
	[]byte(" "))

// Every subset of the first 6 packets up and the first 6 down is lost.
func TestGVisorDropPatterns(t *testing.T) {
	step := sample(1, 37)
	each(t, 4096/step, func(m meeting, i int) error {
		m.conditions = network.Conditions{Delay: 20 * time.Millisecond, Seed: 1}
		m.conditions.Drop.Set(pattern(i * step))
		m.writes, m.every = sentence, 10*time.Millisecond
		return m.check()
	})
}

// pattern is the drop script of a number: each bit stands for a packet.
func pattern(lost int) string {
	var s []string
	for i := range 12 {
		if lost>>i&1 == 1 {
			s = append(s, fmt.Sprintf("%v:%d", network.Direction(i/6), i%6+1))
		}
	}
	return strings.Join(s, ",")
}

// The handshake alone: the first SYNs, or their answers, are lost.
func TestGVisorHandshakeLost(t *testing.T) {
	for _, drop := range []string{"up:1", "up:1-3", "down:1", "down:1-2", "up:2", "up:1-2,down:1"} {
		each(t, 1, func(m meeting, _ int) error {
			m.conditions = network.Conditions{Delay: 20 * time.Millisecond, Seed: 1}
			if err := m.conditions.Drop.Set(drop); err != nil {
				return err
			}
			m.writes = sentence
			return m.check()
		})
	}
}

// Random networks with every fault at once.
func TestGVisorRandomNetworks(t *testing.T) {
	each(t, sample(2500, 60), func(m meeting, i int) error {
		r := rand.New(rand.NewPCG(uint64(i), 0))
		c := network.Conditions{Seed: int64(i), Queue: 20,
			Delay:  time.Duration(1+r.IntN(50)) * time.Millisecond,
			Jitter: time.Duration(r.IntN(20)) * time.Millisecond}
		c.Loss.Set(fmt.Sprintf("0.%02d", r.IntN(15)))
		c.Duplicate.Set(fmt.Sprintf("0.%d", r.IntN(4)))
		c.Reorder.Set(fmt.Sprintf("0.%d", r.IntN(4)))
		c.Corrupt.Set(fmt.Sprintf("0.%02d", r.IntN(6)))
		if r.IntN(3) == 0 {
			c.Rate.Set(fmt.Sprintf("%dkbit", 100+r.IntN(900)))
		}
		m.conditions, m.writes, m.every = c, sentence, 10*time.Millisecond
		return m.check()
	})
}

// 20 kB and 200 kB, with losses of up to 20 %.
func TestGVisorLongTransfers(t *testing.T) {
	losses := []string{"0", "0.01", "0.05", "0.1", "0.2"}
	each(t, sample(25, 1)*2*len(losses), func(m meeting, i int) error {
		m.conditions = network.Conditions{Delay: 2 * time.Millisecond, Seed: int64(i/10 + 1)}
		m.conditions.Loss.Set(losses[i/2%len(losses)])
		m.writes = pieces([]int{20, 200}[i%2])
		return m.check()
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

// The bytes of a meeting are the same each time, gVisor's goroutines notwithstanding.
func TestGVisorIsRepeatable(t *testing.T) {
	var want []byte
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for i := range 12 {
		runtime.GOMAXPROCS([]int{1, 2, 8}[i%3])
		c, s, free, err := meeting{ours: "client", congestion: "cubic"}.hosts()
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		conditions := network.Conditions{Delay: 2 * time.Millisecond, Seed: 1}
		conditions.Loss.Set("0.1")
		simulation.Run(simulation.Config{Client: c, Server: recorded{s, &log},
			Network: network.New(conditions), Writes: pieces(100)})
		free()
		if i == 0 {
			want = log.Bytes()
		}
		if len(want) == 0 || !bytes.Equal(log.Bytes(), want) {
			t.Fatalf("run %d was not like the first", i)
		}
	}
}

// recorded writes what a host receives, and when, to a log.
type recorded struct {
	simulation.Host
	log io.Writer
}

func (r recorded) Receive(now time.Duration, packet []byte) {
	fmt.Fprintf(r.log, "%d %x\n", now, packet)
	r.Host.Receive(now, packet)
}
