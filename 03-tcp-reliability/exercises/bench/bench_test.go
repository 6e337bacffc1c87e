package bench

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

const rto = 200 * time.Millisecond

// blind is a sender that takes no notice of acknowledgements.
type blind struct {
	n     int
	step  time.Duration // from one packet to the next
	again bool          // goes on after the last
	at    time.Duration
}

func (b *blind) Send(now time.Duration) (int, bool) {
	if now < b.at || b.n == Last && !b.again {
		return 0, false
	}
	b.n = min(b.n+1, Last)
	b.at = now + b.step
	return b.n, true
}
func (b *blind) Ack(time.Duration, int)          {}
func (b *blind) Deadline() (time.Duration, bool) { return b.at, b.n < Last || b.again }

func stopAndWait(s Sender) Protocol {
	return Protocol{Name: "stop-and-wait", RTO: rto, Sender: func() Sender { return s }}
}

// The first difference is marked in both ladders, and said.
func TestFirstDifference(t *testing.T) {
	var b strings.Builder
	if err := stopAndWait(&blind{step: 20 * time.Millisecond}).show(&b, Conditions("-drop data:3"),
		false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n► 240     250 ╞═ 4: data 3",
		"\n►  60      70 ├─ 4: data 4 \"this \" ──────────────────────►│ discarded: no \"of \"\n",
		"The run ended with: nothing can happen any more: the server has not finished at 170ms\n",
		"The first difference: the reference sends packet 3 again at 240 ms, yours sends packet " +
			"4 at 60 ms.\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	for line := range strings.Lines(b.String()) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); strings.Contains(line, "│") &&
			n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if t.Failed() {
		t.Log("\n" + b.String())
	}
}

// Whatever a sender does, its run ends, and the reason is said.
func TestEnds(t *testing.T) {
	for name, c := range map[string]struct {
		sender Sender
		says   string
	}{
		"sends without end at once": {&blind{again: true},
			"is cut off: it has sent 200 packets, and goes on"},
		"sends without end": {&blind{step: time.Millisecond, again: true},
			"is cut off: it has sent 200 packets, and goes on"},
		"its time is over": {&late{}, "is cut off: Deadline says 0 ms, which is over"},
		"sends what is not there": {&blind{n: -1},
			"is cut off: it sends packet 0, and there are 1 to 9"},
	} {
		r := stopAndWait(c.sender).Compare(Conditions("-loss 1"))
		if r.Yours.Err == nil || !strings.Contains(r.Yours.Err.Error(), c.says) {
			t.Errorf("%s: %v, not %q", name, r.Yours.Err, c.says)
		}
	}
}

// late has a deadline and never sends.
type late struct{}

func (late) Send(time.Duration) (int, bool)  { return 0, false }
func (late) Ack(time.Duration, int)          {}
func (late) Deadline() (time.Duration, bool) { return 0, true }

// The reference of fast retransmit does not wait for the timer, and its
// message arrives whole over any network.
func TestFastRetransmit(t *testing.T) {
	p := Protocol{Name: "fast-retransmit", Window: 8, RTO: rto}
	run := p.run(Conditions("-drop data:3"), false)
	if last := run.Events[len(run.Events)-1]; run.Err != nil || last.At >= rto {
		t.Errorf("ended at %v, error %v; the timer runs out at %v", last.At, run.Err, rto)
	}
	for seed := range 100 {
		c := Conditions("-loss 0.2 -duplicate 0.2 -reorder 0.2 -corrupt 0.1 -jitter 5ms")
		c.Seed = int64(seed)
		if run := p.run(c, false); run.Err != nil || run.Read != Message {
			t.Errorf("seed %d: read %q, error %v", seed, run.Read, run.Err)
		}
	}
}

// With -svg both runs are drawn, and what differs in the learner's is marked.
func TestPicture(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pair.svg")
	p := stopAndWait(&blind{step: 20 * time.Millisecond})
	if err := p.draw(file, Conditions("-drop data:3")); err != nil {
		t.Fatal(err)
	}
	svg, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"The reference", "Yours", `id="up-1"`, `id="b-up-1"`,
		"Against the reference", `data-new="1"`} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("%s is not in the picture", want)
		}
	}
	if err := p.draw(filepath.Join(file, "no"), Conditions("")); err == nil ||
		!strings.Contains(err.Error(), "\ngive -svg") {
		t.Errorf("a file that can't be written: %v", err)
	}
}
