package simulation_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/run"
)

// The proof that the textbook protocols keep their two promises, by trying
// everything that can go wrong with a few packets, and a lot of what can go
// wrong with many. TCP's is in engine/tcp. A failure names the command that shows the run as a ladder.

// script is the drop script of a pattern: bit i of a half stands for packet
// i+1 of a direction.
func script(up, down int) string {
	var s []string
	for d, lost := range []int{up, down} {
		for i := range 8 {
			if lost>>i&1 == 1 {
				s = append(s, fmt.Sprintf("%v:%d", network.Direction(d), i+1))
			}
		}
	}
	return strings.Join(s, ",")
}

// all says whether to run every case, or a sample: on a learner's laptop the
// whole proof would take minutes, and under the race detector many.
func all() bool { return os.Getenv("CI") != "" && !raceOn || os.Getenv("ALL") != "" }

// check runs a transfer with the flags of the simulator and objects unless
// every byte arrived in order, exactly once, and both ends finished.
func check(flags string) error {
	s := run.Default()
	s.Delay, s.Message = 0, sentence
	fs := flag.NewFlagSet("", flag.PanicOnError)
	s.Flags(fs)
	fs.Parse(strings.Fields(flags))
	r, err := s.Run(nil)
	if err != nil {
		return err
	}
	if r.Err != nil || string(r.Read) != sentence {
		return fmt.Errorf("read %q, error %v; see it with\n%s", r.Read, r.Err, s.Command())
	}
	return nil
}

// checkMany runs n cases on all processors. It ends at the first failure.
func checkMany(t *testing.T, n int, flags func(i int) string) {
	t.Helper()
	var workers sync.WaitGroup
	var mu sync.Mutex
	next, failed := 0, false
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := failed || i >= n
				mu.Unlock()
				if stop {
					return
				}
				if err := check(flags(i)); err != nil {
					mu.Lock()
					failed = true
					t.Error(err)
					mu.Unlock()
				}
			}
		})
	}
	workers.Wait()
}

// For the textbook protocols every subset of the first 8 packets up and the
// first 8 down is lost: 65,536 runs each.
func TestEveryDropPattern(t *testing.T) {
	step := 37 // has no common divisor with 65,536: a sample of all kinds
	if all() {
		step = 1
	}
	for _, p := range arqs {
		t.Run(p, func(t *testing.T) {
			checkMany(t, 65536/step, func(i int) string {
				return patternFlags(p, i*step&255, i*step>>8)
			})
		})
	}
}

func patternFlags(p string, up, down int) string {
	flags := "-protocol " + p + " -delay 20ms"
	if drop := script(up, down); drop != "" {
		flags += " -drop " + drop
	}
	return flags
}

// Random networks with every fault at once: 10,000 for each of them.
func TestRandomNetworks(t *testing.T) {
	n := 300
	if all() {
		n = 10_000
	}
	for _, p := range arqs {
		t.Run(p, func(t *testing.T) {
			checkMany(t, n, func(i int) string {
				r := rand.New(rand.NewPCG(uint64(i), 0))
				flags := fmt.Sprintf("-protocol %s -seed %d -loss 0.%02d -duplicate 0.%d "+
					"-reorder 0.%d -corrupt 0.%02d -delay %dms -jitter %dms",
					p, i, r.IntN(15), r.IntN(4), r.IntN(4), r.IntN(6), 1+r.IntN(50), r.IntN(20))
				if r.IntN(2) == 0 {
					flags += fmt.Sprintf(" -burst %d", 1+r.IntN(2))
				}
				if r.IntN(3) == 0 {
					flags += fmt.Sprintf(" -rate %dkbit -queue %d", 100+r.IntN(900), 5+r.IntN(20))
				}
				return flags
			})
		})
	}
}

// The one case in which nothing can arrive: every SYN is lost, and so are its
// repetitions. The client gives up, and the server has seen nothing.
func TestNobodyAnswers(t *testing.T) {
	for _, p := range hosts.Names[1:] {
		err := check("-protocol " + p + " -drop up:1-1000")
		if err == nil || !strings.Contains(err.Error(), "client: gave up") ||
			!strings.Contains(err.Error(), `read ""`) {
			t.Errorf("%s, every packet lost: %v", p, err)
		}
	}
}
