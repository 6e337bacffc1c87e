package network

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const ms = time.Millisecond

// conditions reads flags, as a program does.
func conditions(t testing.TB, flags string) Conditions {
	t.Helper()
	c, err := Parse("-delay 0s " + flags)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fates sends n packets of 100 bytes up, one every 10 ms.
func fates(t testing.TB, flags string, n int) []Fate {
	t.Helper()
	net := New(conditions(t, flags))
	all := make([]Fate, n)
	for i := range all {
		all[i] = net.Send(time.Duration(i)*10*ms, Up, 100, 0)
	}
	return all
}

const million = 1_000_000

// near fails unless count differs from its expected value by at most 4
// standard deviations: chance alone does that once in 16,000 times, and the
// seed is fixed.
func near(t *testing.T, what string, count int, expected, variance float64) {
	t.Helper()
	if d := math.Abs(float64(count) - expected); d > 4*math.Sqrt(variance) {
		t.Errorf("%s: %d, expected %.0f, which is %.1f standard deviations off",
			what, count, expected, d/math.Sqrt(variance))
	}
}

// Of a million packets, each fault hits as many as was asked.
func TestRates(t *testing.T) {
	if testing.Short() {
		t.Skip("millions of packets")
	}
	for _, p := range []struct {
		text string
		p    float64
	}{{"0.001", 0.001}, {"0.1", 0.1}, {"0.5", 0.5}, {"0.9", 0.9}} {
		count := map[string]int{}
		flags := "-delay 1ms -loss 0 -duplicate P -reorder P -corrupt P"
		for _, f := range fates(t, strings.ReplaceAll(flags, "P", p.text), million) {
			if f.N == 2 {
				count["duplicate"]++
			}
			if f.Copies[0].FlipBit >= 0 {
				count["corrupt"]++
			}
			if f.Copies[0].At-time.Duration(f.Number-1)*10*ms > 1*ms {
				count["reorder"]++
			}
		}
		for _, f := range fates(t, "-loss "+p.text, million) {
			if f.Lost == LostRandom {
				count["loss"]++
			}
		}
		for _, fault := range []string{"loss", "duplicate", "reorder", "corrupt"} {
			near(t, fault+" "+p.text, count[fault], million*p.p, million*p.p*(1-p.p))
		}
	}
}

// Losses without bursts are independent: the pairs of neighbours are spread
// as chance would have it (a chi-squared test with 3 degrees of freedom).
func TestLossesAreIndependent(t *testing.T) {
	const p = 0.2
	var pairs [2][2]int
	all := fates(t, "-loss 0.2", million)
	for i := 0; i < len(all); i += 2 { // pairs that do not overlap
		pairs[all[i].Lost/LostRandom][all[i+1].Lost/LostRandom]++
	}
	chi := 0.0
	for i, a := range []float64{1 - p, p} {
		for j, b := range []float64{1 - p, p} {
			expected := million / 2 * a * b
			chi += math.Pow(float64(pairs[i][j])-expected, 2) / expected
		}
	}
	if chi > 16.27 { // one in a thousand
		t.Errorf("chi-squared %.1f over the pairs %v", chi, pairs)
	}
}

// Bursts have the mean length and the mean rate that were asked.
func TestBursts(t *testing.T) {
	for _, test := range []struct {
		flags   string
		p, mean float64
	}{
		{"-loss 0.1 -burst 1", 0.1, 1},
		{"-loss 0.1 -burst 3", 0.1, 3},
		{"-loss 0.3 -burst 2.5", 0.3, 2.5},
		{"-loss 0.02 -burst 10", 0.02, 10},
	} {
		lost, runs, last := 0, 0, NotLost
		for _, f := range fates(t, test.flags, million) {
			if f.Lost != NotLost {
				lost++
				if last == NotLost {
					runs++
				}
			}
			last = f.Lost
		}
		if mean := float64(lost) / float64(runs); math.Abs(mean-test.mean) > 0.05*test.mean {
			t.Errorf("%s: the mean run of losses is %.2f packets long", test.flags, mean)
		}
		if rate := float64(lost) / million; math.Abs(rate-test.p) > 0.05*test.p {
			t.Errorf("%s: %.4f of the packets are lost", test.flags, rate)
		}
	}
}

// Every bit is as likely to be flipped as every other.
func TestFlippedBits(t *testing.T) {
	var count [800]int
	for _, f := range fates(t, "-corrupt 1", million) {
		count[f.Copies[0].FlipBit]++
	}
	chi := 0.0
	for _, n := range count {
		chi += math.Pow(float64(n)-million/800, 2) / (million / 800)
	}
	if chi > 799+4*math.Sqrt(2*799) {
		t.Errorf("chi-squared over 800 bits: %.0f", chi)
	}
}

// To change one fault's setting leaves the decisions of the others as they
// were, and so does the other direction's traffic.
func TestStreamsAreIndependent(t *testing.T) {
	type decisions struct {
		lost, twice, damaged, late string
	}
	decide := func(flags string, down bool) decisions {
		net := New(conditions(t, "-delay 1ms "+flags))
		var d decisions
		mark := func(s *string, yes bool) {
			*s += map[bool]string{true: "x", false: "."}[yes]
		}
		for i := range 300 {
			now := time.Duration(i) * 10 * ms
			if down {
				net.Send(now, Down, 500, 0)
			}
			f := net.Send(now, Up, 100+i, 0)
			mark(&d.lost, f.Lost != NotLost)
			// What is lost shows no other decisions.
			mark(&d.twice, f.N == 2)
			mark(&d.damaged, f.N > 0 && f.Copies[0].FlipBit >= 0)
			mark(&d.late, f.N > 0 && f.Copies[0].At > now+1*ms)
		}
		return d
	}
	const rest = " -duplicate 0.2 -reorder 0.2 -corrupt 0.2"
	base := decide(rest, false)
	for _, flags := range []string{"-duplicate 0.7", "-reorder 0.7", "-corrupt 0.7"} {
		d := decide(rest+" "+flags, false)
		got := []string{d.twice, d.late, d.damaged}
		want := []string{base.twice, base.late, base.damaged}
		same := 0
		for i := range got {
			if got[i] == want[i] {
				same++
			}
		}
		if same != 2 {
			t.Errorf("with %s, %d of the other 2 faults decide as before", flags, same)
		}
	}
	// With losses, what is not lost keeps its other decisions.
	for _, flags := range []string{" -loss 0.3", " -loss 0.3 -burst 3", " -drop up:5-150"} {
		d := decide(rest+flags, false)
		for i := range d.lost {
			if d.lost[i] == '.' && (d.twice[i] != base.twice[i] ||
				d.late[i] != base.late[i] || d.damaged[i] != base.damaged[i]) {
				t.Fatalf("with%s, packet %d has another fate", flags, i+1)
			}
		}
	}
	if diff := cmp.Diff(base, decide(rest, true), cmp.AllowUnexported(decisions{})); diff != "" {
		t.Errorf("packets down change the fates up:\n%s", diff)
	}
	a, b := decide("-loss 0.3", false), decide("-loss 0.3 -seed 2", false)
	if a.lost == b.lost {
		t.Error("another seed loses the same packets")
	}
}

func TestOnly(t *testing.T) {
	net := New(conditions(t, "-loss 1 -only down"))
	if f := net.Send(0, Up, 100, 0); f.Lost != NotLost {
		t.Error("-only down: a packet up is lost")
	}
	if f := net.Send(0, Down, 100, 0); f.Lost != LostRandom {
		t.Error("-only down -loss 1: a packet down is not lost")
	}
	// A script names its direction itself.
	net = New(conditions(t, "-drop up:1 -loss 0.5 -only down"))
	if f := net.Send(0, Up, 100, 0); f.Lost != LostScript {
		t.Error("-drop up:1 -only down: packet 1 up is not lost")
	}
}

// A link of 8 kbit a second takes 100 ms for 100 bytes. Two may wait.
func TestRateAndQueue(t *testing.T) {
	net := New(conditions(t, "-rate 8kbit -queue 2 -delay 10ms"))
	var got []string
	for _, at := range []time.Duration{0, 0, 0, 0, 50 * ms, 100 * ms, 150 * ms, 1000 * ms} {
		f := net.Send(at, Up, 100, 0)
		if f.Lost == LostQueue {
			got = append(got, "lost")
		} else {
			got = append(got, f.Copies[0].At.String())
		}
	}
	want := []string{"110ms", "210ms", "310ms", "lost", "lost", "410ms", "lost", "1.11s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arrivals (-want +got):\n%s", diff)
	}
	// The directions do not share the link.
	if f := net.Send(1000*ms, Down, 100, 0); f.Copies[0].At != 1110*ms {
		t.Errorf("the first packet down arrives at %v", f.Copies[0].At)
	}
	if got := Rate(3).time(1); got != 2666666667 {
		t.Errorf("8 bits at 3 bits a second take %d ns", got)
	}
}

// What waits is what the link has not begun to send: of four packets of 100 ms
// each the first is on the link at once, and one more each 100 ms.
func TestWaiting(t *testing.T) {
	net := New(conditions(t, "-rate 8kbit -queue 3"))
	for range 5 { // the last is lost
		net.Send(0, Up, 100, 0)
	}
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{0, 3}, {99 * ms, 3}, {100 * ms, 2}, {250 * ms, 1}, {300 * ms, 0}, {time.Hour, 0}} {
		if got := net.Waiting(c.at, Up); got != c.want {
			t.Errorf("at %v %d packets wait, not %d", c.at, got, c.want)
		}
	}
	net.Send(210*ms, Up, 100, 0)
	if up, down := net.Waiting(210*ms, Up), net.Waiting(210*ms, Down); up != 2 || down != 0 {
		t.Errorf("%d wait up and %d down, not 2 and 0", up, down)
	}
	if n := New(conditions(t, "-loss 0")); n.Send(0, Up, 100, 0).N != 1 || n.Waiting(0, Up) != 0 {
		t.Error("packets wait where the link takes no time")
	}
}

// Jitter stays within its bounds and changes no order; reorder does.
func TestJitterAndReorder(t *testing.T) {
	last := time.Duration(0)
	least, most := time.Hour, time.Duration(0)
	for i, f := range fates(t, "-delay 20ms -jitter 5ms", 10_000) {
		took := f.Copies[0].At - time.Duration(i)*10*ms
		least, most = min(least, took), max(most, took)
		if f.Copies[0].At < last {
			t.Fatalf("packet %d overtakes", f.Number)
		}
		last = f.Copies[0].At
	}
	if least < 15*ms || most > 25*ms || least > 16*ms || most < 24*ms {
		t.Errorf("-delay 20ms -jitter 5ms: packets take from %v to %v", least, most)
	}
	for i, f := range fates(t, "-delay 20ms -reorder 1", 1000) {
		late := f.Copies[0].At - time.Duration(i)*10*ms - 20*ms
		if late < 20*ms || late >= 60*ms {
			t.Fatalf("a packet held back is %v late, not 1 to 3 times the delay", late)
		}
	}
	for _, f := range fates(t, "-delay 20ms -duplicate 1", 1000) {
		if d := f.Copies[1].At - f.Copies[0].At; d <= 0 || d > 20*ms {
			t.Fatalf("the second copy comes %v after the first", d)
		}
	}
}

// A script loses what it names, and data:3 the third payload's first
// transmission, whatever its number is.
func TestScript(t *testing.T) {
	net := New(conditions(t, "-drop down:5-6,up:3,data:2,up:9,up:4"))
	var lost []int
	for i, data := range []int{0, 1, 0, 2, 0, 2, 0, 3, 0} {
		if f := net.Send(0, Up, 1, data); f.Lost == LostScript {
			lost = append(lost, i+1)
		}
		net.Send(0, Down, 1, data)
	}
	if diff := cmp.Diff([]int{3, 4, 6, 9}, lost); diff != "" {
		t.Errorf("packets lost (-want +got):\n%s", diff)
	}
	f := net.Send(0, Down, 1, 2)
	if f.Number != 10 || f.Lost != NotLost {
		t.Errorf("packet 10 down has the fate %+v", f)
	}
}

// What is spared is not lost by chance, but by -drop and by a full queue. The
// fates of all other packets stay as they were.
func TestSpare(t *testing.T) {
	for _, faults := range []string{"-loss 0.5", "-loss 0.5 -burst 3",
		"-loss 0.5 -duplicate 0.5 -reorder 0.5 -corrupt 0.5 -jitter 5ms"} {
		before, after := fates(t, faults, 200), fates(t, faults+" -spare up:20-39,data:1", 200)
		spared := 0
		for i, f := range after {
			if n := f.Number; n >= 20 && n < 40 {
				if f.Lost != NotLost || f.N == 0 {
					t.Errorf("%s: packet %d is spared, and its fate is %+v", faults, n, f)
				}
				if before[i].Lost == LostRandom {
					spared++
					continue
				}
			}
			// A spared packet that is not held back bounds the arrival of those
			// behind it, as any does: that is not a decision of chance.
			f.Copies, before[i].Copies = [2]Copy{}, [2]Copy{}
			if f != before[i] {
				t.Errorf("%s: with -spare packet %d has the fate %+v, and without %+v",
					faults, f.Number, f, before[i])
			}
		}
		if spared == 0 {
			t.Errorf("%s: chance takes none of the packets that are spared", faults)
		}
	}
	net := New(conditions(t, "-loss 1 -spare up:1-2,data:1 -drop up:2 -rate 8kbit -queue 0"))
	want := []Loss{NotLost, LostQueue, LostScript, LostRandom}
	for i, at := range []time.Duration{0, 0, 200 * ms, 400 * ms} {
		if i == 2 { // the same packets without a queue in the way
			net = New(conditions(t, "-loss 1 -spare up:1-2,data:1 -drop up:2"))
			net.Send(at, Up, 100, 0)
		}
		if f := net.Send(at, Up, 100, 0); f.Lost != want[i] {
			t.Errorf("packet %d: loss %v, not %v", f.Number, f.Lost, want[i])
		}
	}
	if f := net.Send(time.Second, Up, 100, 1); f.Lost != NotLost {
		t.Errorf("-spare data:1 spares not the first payload: %+v", f)
	}
}

// A damaged copy differs in the one bit that its fate names.
func TestDamage(t *testing.T) {
	b := []byte{0, 0, 0}
	if (Copy{FlipBit: -1}).Damage(b) || (Copy{FlipBit: 24}).Damage(b) ||
		string(b) != "\x00\x00\x00" {
		t.Errorf("without a bit to flip there are %v", b)
	}
	if !(Copy{FlipBit: 9}).Damage(b) || b[1] != 0x40 || b[0]+b[2] != 0 {
		t.Errorf("bit 9 flipped: %v", b)
	}
}

func TestScriptText(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "",
		"up:3,down:5-6":            "up:3,down:5-6",
		"data:3":                   "data:3",
		"up:7,up:1-3,up:4, up:2-5": "up:1-5,up:7",
	} {
		s, err := ParseScript(text)
		if err != nil || s.String() != want {
			t.Errorf("%q is understood as %q, error %v, and not as %q", text, s, err, want)
		}
	}
	for _, text := range []string{"up", "up:", "up:0", "up:3-", "up:-3", "up:5-3", "left:3",
		"up:3,", ",", "up:three", "up:3 down:4", "up:1000000001", "up:+3", "UP:3"} {
		_, err := ParseScript(text)
		if err == nil || !strings.Contains(err.Error(), scriptGrammar) {
			t.Errorf("%q: the error is %v", text, err)
		}
	}
}

// What a script understands it can print, and then means the same.
func FuzzScript(f *testing.F) {
	for _, seed := range []string{"up:3,down:5-6", "data:3", "up:1-1000000000", "up:2,up:1", "x"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, number int) {
		s, err := ParseScript(text)
		if err != nil {
			return
		}
		again, err := ParseScript(s.String())
		if err != nil {
			t.Fatalf("%q prints as %q: %v", text, s, err)
		}
		if diff := cmp.Diff(s, again, cmp.AllowUnexported(Script{}, span{})); diff != "" {
			t.Fatalf("%q prints as %q, which means:\n%s", text, s, diff)
		}
		for d := Up; d <= Down; d++ {
			if s.Names(d, number, 0) != again.Names(d, number, 0) {
				t.Fatalf("%q and %q differ on packet %d", text, s, number)
			}
		}
	})
}

// A wrong value is an error that says what would be right.
func TestWrongFlags(t *testing.T) {
	for flags, want := range map[string]string{
		"-loss 2":             "must be a number from 0 to 1",
		"-loss -0.1":          "must be a number from 0 to 1",
		"-loss NaN":           "must be a number from 0 to 1",
		"-corrupt lots":       "must be a number from 0 to 1",
		"-burst 0.5":          "must be a mean from 1 to 1000000 packets",
		"-burst -1":           "must be a mean from 1 to 1000000 packets",
		"-drop up:x":          scriptGrammar,
		"-rate 1":             "such as 1Mbit",
		"-rate 1MB":           "such as 1Mbit",
		"-rate -1Mbit":        "must be from 1bit to 1000Gbit",
		"-rate 1e9Gbit":       "must be from 1bit to 1000Gbit",
		"-only left":          "must be up",
		"-delay 10":           "needs a unit, such as 10ms or 10s",
		"-delay later":        "must be a number with a unit",
		"-delay -1s":          "must be from 0 to 1h",
		"-jitter 2h":          "must be from 0 to 1h",
		"-queue -1":           "must be from 0 to 1000000 packets",
		"-queue 1e3":          "must be written out: 1000",
		"-burst 3":            "needs -loss, such as -loss 0.1",
		"-spare up:3":         "needs -loss, such as -loss 0.1",
		"-queue 5":            "needs -rate, such as -rate 1Mbit",
		"-only up":            "needs a fault that it limits",
		"-only up -drop up:1": "needs a fault that it limits",
		"-spare up:0 -loss 1": scriptGrammar,
		"-loss 0.9 -burst 3":  "must be at most 0.75 with -burst 3",
		"-loss 1 -burst 1000": "must be at most 1.00 with -burst 1000",
	} {
		_, err := Parse(flags)
		name, _, _ := strings.Cut(flags, " ")
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.Contains(err.Error(), name) {
			t.Errorf("%s: the error is %v", flags, err)
		}
	}
}

// Conditions print as the flags that make them.
func TestConditionsText(t *testing.T) {
	for _, flags := range []string{
		"-seed 1",
		"-loss 0.2 -burst 2.5 -drop up:3,down:5-6 -spare up:7,data:9 -duplicate 0.1" +
			" -reorder 0.05 -corrupt 0.000000001" +
			" -delay 10ms -jitter 5ms -rate 1500kbit -queue 7 -only up -seed -3",
		"-rate 1Gbit -queue 20 -seed 9",
	} {
		if got := conditions(t, flags).String(); got != flags {
			t.Errorf("%s\nprints as\n%s", flags, got)
		}
	}
}

// Set changes what comes, and neither the numbers nor the random streams.
func TestSet(t *testing.T) {
	net := New(conditions(t, "-loss 0"))
	for range 10 {
		net.Send(0, Up, 1, 0)
	}
	net.Set(conditions(t, "-loss 0.5"))
	whole := fates(t, "-loss 0.5", 100)
	for i := 10; i < 100; i++ {
		if f := net.Send(0, Up, 1, 0); f.Number != i+1 || f.Lost != whole[i].Lost {
			t.Fatalf("after Set, packet %d has the fate %+v; with these conditions from the "+
				"start %+v", i+1, f, whole[i])
		}
	}
}

// Packets that wait go on waiting when -queue changes.
func TestSetQueue(t *testing.T) {
	for _, c := range []struct {
		queue string
		more  int // that may wait then
	}{{"1", 0}, {"3", 0}, {"5", 2}} {
		net := New(conditions(t, "-rate 8kbit -queue 3")) // 100 bytes take 100 ms
		send := func(at time.Duration) Loss { return net.Send(at, Up, 100, 0).Lost }
		for range 4 { // one leaves, three wait
			send(0)
		}
		net.Set(conditions(t, "-rate 8kbit -queue "+c.queue))
		for i := range c.more + 1 {
			want := NotLost
			if i == c.more {
				want = LostQueue
			}
			if lost := send(50 * ms); lost != want {
				t.Errorf("-queue %s: packet %d after Set: loss %v, not %v", c.queue, i+1, lost,
					want)
			}
		}
		// Once all have left, as many may wait as the new queue holds.
		waited := 0
		for send(10*time.Second) == NotLost {
			waited++
		}
		if fmt.Sprint(waited-1) != c.queue {
			t.Errorf("-queue %s: %d packets wait", c.queue, waited-1)
		}
	}
}

func TestSendAllocatesNothing(t *testing.T) {
	net := New(conditions(t,
		"-loss 0.2 -burst 3 -drop up:3,data:9-11 -duplicate 0.2 -reorder 0.2 -corrupt 0.2 "+
			"-jitter 5ms -rate 1Mbit"))
	now := time.Duration(0)
	if n := testing.AllocsPerRun(10_000, func() {
		now += ms
		net.Send(now, Up, 1000, 1)
	}); n != 0 {
		t.Errorf("Send allocates %v times", n)
	}
}

func BenchmarkSend(b *testing.B) {
	net := New(conditions(b,
		"-loss 0.2 -burst 3 -duplicate 0.2 -reorder 0.2 -corrupt 0.2 -jitter 5ms -rate 1Mbit"))
	b.ReportAllocs()
	now := time.Duration(0)
	for b.Loop() {
		now += ms
		net.Send(now, Up, 1000, 1)
	}
}
