package tcpstack

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/trace"
)

const oneWay = 10 * time.Millisecond

// run is one transfer over a link that loses packets by number.
type run struct {
	client, server *Host
	lost           func(up bool, number int) bool
	readFrom       time.Duration // the server's application reads from then on
	abortAt        time.Duration // and resets the connection then

	now   time.Duration
	read  []byte
	eof   bool
	sent  [2][]trace.Packet // up, down
	log   []byte            // the run's packets and when they were sent
	notes int
}

type arrival struct {
	at time.Duration
	up bool
	b  []byte
}

func newRun(t testing.TB, congestion string, buffer int, rack bool) *run {
	t.Helper()
	o := Options{Seed: 1, Congestion: congestion, RACK: rack}
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	o.ReceiveBuffer = buffer
	s, err := NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{client: c, server: s,
		lost: func(bool, int) bool { return false }}
	return r
}

func (r *run) destroy() {
	r.client.Destroy()
	r.server.Destroy()
}

// transfer writes the pieces, one every 10 ms, and goes on until both ends
// are done, one has failed or nothing can happen any more.
func (r *run) transfer(pieces [][]byte, record bool) error {
	var flying []arrival
	var nextPiece time.Duration
	closed, serverClosed := false, false
	buf := make([]byte, 65536)
	for range 1_000_000 {
		for len(flying) > 0 && flying[0].at <= r.now {
			a := flying[0]
			flying = flying[1:]
			if a.up {
				r.server.Receive(r.now, a.b)
			} else {
				r.client.Receive(r.now, a.b)
			}
		}
		for len(pieces) > 0 && r.now >= nextPiece {
			n := r.client.Write(r.now, pieces[0])
			if n == 0 {
				break
			}
			if pieces[0] = pieces[0][n:]; len(pieces[0]) == 0 {
				pieces = pieces[1:]
				nextPiece = r.now + 10*time.Millisecond
			}
		}
		if len(pieces) == 0 && !closed {
			closed = true
			r.client.Close(r.now)
		}
		if r.abortAt > 0 && r.now >= r.abortAt {
			r.server.Abort(r.now)
			r.abortAt = 0
		}
		for r.now >= r.readFrom && !r.eof {
			n, err := r.server.Read(r.now, buf)
			r.read = append(r.read, buf[:n]...)
			r.eof = err == io.EOF
			if n == 0 {
				break
			}
		}
		if r.eof && !serverClosed {
			serverClosed = true
			r.server.Close(r.now)
		}
		r.client.Read(r.now, buf)

		for i, h := range []*Host{r.client, r.server} {
			for {
				p, ok := h.Send(r.now)
				if !ok {
					break
				}
				up := i == 0
				if record {
					r.sent[i] = append(r.sent[i], p)
					r.log = binary.BigEndian.AppendUint64(r.log,
						uint64(r.now))
					r.log = append(r.log, p.Bytes...)
					r.log = fmt.Appendf(r.log, "%+v", p.Header)
				}
				if !r.lost(up, h.tell.number-len(h.out)) {
					flying = append(flying,
						arrival{r.now + oneWay, up, p.Bytes})
				}
			}
			r.notes += len(h.Notes())
		}

		a, errA := r.client.Done()
		b, errB := r.server.Done()
		if err := errors.Join(errA, errB); err != nil {
			return err
		}
		if a && b && len(flying) == 0 {
			return nil
		}

		// Jump to whatever comes next.
		next := time.Duration(1 << 62)
		if len(flying) > 0 {
			next = flying[0].at
		}
		for _, h := range []*Host{r.client, r.server} {
			if d, ok := h.Deadline(); ok {
				next = min(next, d)
			}
		}
		if len(pieces) > 0 && nextPiece > r.now {
			next = min(next, nextPiece)
		}
		if r.readFrom > r.now {
			next = min(next, r.readFrom)
		}
		if r.abortAt > r.now {
			next = min(next, r.abortAt)
		}
		if next == 1<<62 || next > time.Hour {
			return fmt.Errorf("stalled at %v: client %v, server %v",
				r.now, r.client.last, r.server.last)
		}
		r.now = max(r.now, next)
	}
	return fmt.Errorf("no end at %v", r.now)
}

func words() [][]byte {
	var w [][]byte
	for _, s := range strings.SplitAfter(
		"every word of this sentence arrives", " ") {
		w = append(w, []byte(s))
	}
	return w
}

func (r *run) ladder() string {
	var s strings.Builder
	for i, side := range []string{"up", "down"} {
		for n, p := range r.sent[i] {
			fmt.Fprintf(&s, "%s %d %+v\n", side, n+1, p.Header)
		}
	}
	return s.String()
}

// whole fails the test unless everything arrived and both ends finished.
func (r *run) whole(t *testing.T, err error, want []byte) {
	t.Helper()
	if err != nil || !r.eof || !bytes.Equal(r.read, want) {
		t.Fatalf("read %q, end seen: %v, error %v; want %q and no error\n%s",
			r.read, r.eof, err, want, r.ladder())
	}
	if n := r.client.Overflow() + r.server.Overflow(); n > 0 {
		t.Fatalf("%d packets had no room in the link's queue", n)
	}
}

func TestOneLoss(t *testing.T) {
	for _, c := range []struct {
		name    string
		up      bool
		lost    func(trace.Packet) bool
		kind    string
		why     []string
		another bool
	}{
		{"nothing", true, nil, "", nil, false},
		{"SYN", true, func(p trace.Packet) bool {
			return p.Kind == "SYN"
		}, "SYN", []string{"timeout"}, false},
		{"SYN ACK", false, func(p trace.Packet) bool {
			return p.Kind == "SYN ACK"
		}, "SYN ACK", []string{"timeout", "duplicate SYN"}, false},
		{"third data", true, func(p trace.Packet) bool {
			return p.Data == 3
		}, "ACK", []string{"timeout", "fast retransmit",
			"tail loss probe"}, false},
		{"client's FIN", true, func(p trace.Packet) bool {
			return p.Kind == "FIN ACK"
		}, "FIN ACK", []string{"timeout", "tail loss probe"}, false},
		{"last ACK", true, func(p trace.Packet) bool {
			return p.Kind == "ACK" && p.Ack == 2
		}, "FIN ACK", []string{"timeout", "tail loss probe"}, true},
	} {
		for _, cc := range []string{"reno", "cubic", "cubic with RACK"} {
			t.Run(c.name+"/"+cc, func(t *testing.T) {
				cc, rack := strings.CutSuffix(cc, " with RACK")
				r := newRun(t, cc, 0, rack)
				defer r.destroy()
				dropped := 0
				r.lost = func(up bool, n int) bool {
					i := 1
					if up {
						i = 0
					}
					p := r.sent[i][len(r.sent[i])-1]
					if dropped > 0 || up != c.up || c.lost == nil ||
						!c.lost(p) {
						return false
					}
					dropped = n
					return true
				}
				err := r.transfer(words(), true)
				r.whole(t, err, bytes.Join(words(), nil))
				if r.notes == 0 {
					t.Error("the stack said nothing of its state")
				}
				if c.lost == nil {
					return
				}

				// Who repeats the lost packet, and why.
				i := 1
				if c.up != c.another {
					i = 0
				}
				for _, p := range r.sent[i] {
					if p.Retransmits > 0 &&
						(c.another || p.Retransmits == dropped) &&
						strings.Contains(string(p.Kind), c.kind) {
						t.Logf("%s: %q", p.Kind, p.Why)
						for _, w := range c.why {
							if string(p.Why) == w {
								return
							}
						}
						t.Fatalf("repeated because of %q, want one of %q\n%s",
							p.Why, c.why, r.ladder())
					}
				}
				t.Fatalf("lost packet %d was not repeated\n%s",
					dropped, r.ladder())
			})
		}
	}
}

// A sample of the drop patterns, with RACK: those without it are in package
// simulation's tests.
func TestDropPatternsWithRACK(t *testing.T) {
	for mask := 0; mask < 4096; mask += 17 {
		r := newRun(t, "cubic", 0, true)
		r.lost = func(up bool, n int) bool {
			if !up {
				n += 6
				return n <= 12 && mask>>(n-1)&1 == 1
			}
			return n <= 6 && mask>>(n-1)&1 == 1
		}
		err := r.transfer(words(), false)
		if err != nil || !r.eof ||
			!bytes.Equal(r.read, bytes.Join(words(), nil)) {
			t.Errorf("lost up %06b, down %06b (packet 1 is the last "+
				"digit): read %q, end seen: %v, error %v",
				mask&63, mask>>6, r.read, r.eof, err)
		}
		r.destroy()
	}
}

func TestSameBytes(t *testing.T) {
	runs := 1000
	if testing.Short() || raceOn {
		runs = 60
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var want [32]byte
	for i := range runs {
		runtime.GOMAXPROCS([]int{1, 2, 8}[i%3])
		r := newRun(t, "cubic", 0, false)
		r.lost = func(up bool, n int) bool {
			return n%7 == 3 || up && n%11 == 5
		}
		pieces := append(words(), bytes.Repeat([]byte("long "), 20_000))
		err := r.transfer(pieces, true)
		r.whole(t, err, append(bytes.Join(words(), nil),
			bytes.Repeat([]byte("long "), 20_000)...))
		r.destroy()
		sum := sha256.Sum256(r.log)
		if i == 0 {
			want = sum
			t.Logf("%d bytes of log, %x", len(r.log), sum[:8])
		}
		if sum != want {
			t.Fatalf("run %d was not like the first\n%s", i, r.ladder())
		}
	}
}

func TestZeroWindow(t *testing.T) {
	r := newRun(t, "reno", 4096, false)
	defer r.destroy()
	r.readFrom = 5 * time.Second
	data := bytes.Repeat([]byte("0123456789"), 5000)
	err := r.transfer([][]byte{bytes.Clone(data)}, true)
	r.whole(t, err, data)
	closed, probes := false, 0
	for _, p := range r.sent[1] {
		closed = closed || p.Window == 0 && p.Kind == "ACK"
	}
	for _, p := range r.sent[0] {
		if p.Why == "window probe" {
			probes++
		}
	}
	if !closed || probes == 0 {
		t.Errorf("window closed: %v, probes: %d; want both\n%s",
			closed, probes, r.ladder())
	}
}

func TestGiveUp(t *testing.T) {
	for name, from := range map[string]int{"SYN": 1, "data": 3} {
		t.Run(name, func(t *testing.T) {
			r := newRun(t, "cubic", 0, false)
			defer r.destroy()
			r.lost = func(_ bool, n int) bool { return n >= from }
			err := r.transfer(words(), true)
			if err == nil || !strings.Contains(err.Error(), "gave up") {
				t.Fatalf("with every packet lost the end was %v\n%s",
					err, r.ladder())
			}
			t.Logf("gave up after %v, %d packets", r.now, len(r.sent[0]))
		})
	}
}

// A Pair's timer stays below its bound, also after a handshake of many SYNs.
func TestBoundedTimer(t *testing.T) {
	r := newRun(t, "reno", 0, false)
	defer r.destroy()
	for _, h := range []*Host{r.client, r.server} {
		if err := boundTimer(h.stack); err != nil {
			t.Fatal(err)
		}
	}
	const syns, acks, data = 4, 1, 4
	var data1 time.Duration // when the data was sent first
	r.lost = func(up bool, n int) bool {
		if up && n == syns+acks+1 {
			data1 = r.now
		}
		return up && (n < syns || n > syns+acks && n <= syns+acks+data)
	}
	err := r.transfer(words(), true)
	r.whole(t, err, bytes.Join(words(), nil))
	if took := r.now - data1; took > (data+1)*3*time.Second {
		t.Errorf("%d losses in a row took %v to repair\n%s", data, took, r.ladder())
	}
}

func TestReset(t *testing.T) {
	r := newRun(t, "cubic", 0, false)
	defer r.destroy()
	r.abortAt = 45 * time.Millisecond
	r.transfer(words(), true)
	for _, p := range r.sent[1] {
		if strings.Contains(string(p.Kind), "RST") {
			r.client.Receive(r.now+oneWay, p.Bytes)
		}
	}
	if done, err := r.client.Done(); !done || err == nil ||
		!strings.Contains(err.Error(), "reset by peer") {
		t.Fatalf("done %v, error %v; want a reset\n%s",
			done, err, r.ladder())
	}
}

func TestNothingLeftBehind(t *testing.T) {
	r := newRun(t, "cubic", 0, false)
	err := r.transfer(words(), true)
	r.whole(t, err, bytes.Join(words(), nil))
	r.destroy()
	for end := time.Now().Add(time.Minute); ; runtime.Gosched() {
		buf := make([]byte, 1<<20)
		stacks := string(buf[:runtime.Stack(buf, true)])
		if !strings.Contains(stacks, "gvisor.dev/") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("still running:\n%s", stacks)
		}
	}
}

func TestWrongCongestionControl(t *testing.T) {
	if h, err := NewClient(Options{Congestion: "bbr"}); err == nil {
		h.Destroy()
		t.Fatal(`"bbr" was taken`)
	}
}

func BenchmarkTransfer(b *testing.B) {
	data := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	packets := 0
	for b.Loop() {
		r := newRun(b, "cubic", 0, false)
		if err := r.transfer([][]byte{data}, false); err != nil {
			b.Fatal(err)
		}
		packets += r.client.tell.number + r.server.tell.number
		r.destroy()
	}
	b.ReportMetric(float64(packets)/b.Elapsed().Seconds(), "packets/s")
}
