package views_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/run"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

func ladder(t testing.TB, tr *trace.Trace, style views.Style) string {
	t.Helper()
	var b strings.Builder
	if err := views.WriteLadder(&b, tr, style); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// random is a run with settings of all kinds.
func random(t testing.TB, seed uint64) *trace.Trace {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	s := run.Default()
	s.Protocol = append(arq.Names(), "tcp")[r.IntN(5)]
	s.Delay, s.Jitter = time.Duration(r.IntN(3000))*time.Millisecond/10,
		time.Duration(r.IntN(5))*time.Millisecond
	s.Queue, s.Seed, s.Window = 1+r.IntN(20), int64(seed), 1+r.IntN(10)
	s.Loss.Set(pick("0", "0.1", "0.3"))
	s.Duplicate.Set(pick("0", "0.2"))
	s.Reorder.Set(pick("0", "0.3"))
	s.Corrupt.Set(pick("0", "0.2"))
	if r.IntN(3) == 0 {
		s.Rate = 50_000
	}
	s.Every = time.Duration(r.IntN(3)) * 10 * time.Millisecond
	s.Message = pick(s.Message, "日本語 テスト こんにちは 世界",
		"<script> \x00 \x1b[31m \xff\xfe e\u0301 👩\u200d💻 שלום مرحبا",
		strings.Repeat("averyveryverylongword ", 6))
	if r.IntN(3) == 0 {
		s.ReadRate = 20 + r.IntN(500)
	}
	var tr trace.Trace
	if _, err := s.Run(&tr); err != nil {
		t.Fatal(err)
	}
	return &tr
}

// No line is wider than the terminal, and each lifeline is one straight line.
func TestLadderIsStraight(t *testing.T) {
	for seed := range uint64(200) {
		tr := random(t, seed)
		for _, width := range []int{0, 100, 140} {
			lines := strings.Split(ladder(t, tr, views.Style{Width: width}), "\n")
			left := story.Width(lines[1][:strings.Index(lines[1], "│")])
			right := story.Width(lines[1][:strings.LastIndex(lines[1], "│")])
			for _, line := range lines[1 : len(lines)-1] {
				if n := story.Width(line); n > max(width, 80) {
					t.Errorf("seed %d: %d columns:\n%s", seed, n, line)
				}
				at := map[int]rune{}
				column := 0
				for _, r := range line {
					at[column] = r
					column += story.Width(string(r))
				}
				if !strings.ContainsRune("│├╞", at[left]) ||
					!strings.ContainsRune("│┤╡", at[right]) {
					t.Errorf("seed %d: the lifelines stand at columns %d and %d, but here "+
						"not:\n%s\n%s",
						seed, left, right, lines[1], line)
				}
			}
			if t.Failed() {
				t.Fatal()
			}
		}
	}
}

// The ladder has a row for each packet and each second copy, and all that is
// read is shown.
func TestLadderIsWhole(t *testing.T) {
	for seed := range uint64(100) {
		tr := random(t, seed)
		text := ladder(t, tr, views.Style{})
		rows := 0
		for _, e := range tr.Events {
			if e.Kind == trace.Sent || (e.Kind == trace.Arrived || e.Kind == trace.Discarded) &&
				e.Copy > 1 {
				rows++
			}
		}
		got := 0
		for line := range strings.Lines(text) {
			if strings.ContainsAny(line, "├╞┤╡") || strings.Contains(line, "·►│") ||
				strings.Contains(line, "│◄·") || strings.Contains(line, "(second co") {
				got++
			}
		}
		if got != rows {
			t.Errorf("seed %d: %d rows of %d:\n%s", seed, got, rows, text)
		}
	}
}

// What is still under way when the trace ends is drawn as that, and what a full
// buffer drops as that, in the ladder and in the summary.
func TestUnderWayAndBufferFull(t *testing.T) {
	const ms = time.Millisecond
	data := func(n int) *trace.Header {
		return &trace.Header{Kind: trace.Data, Seq: uint32(n), Length: 2, Text: fmt.Sprintf("%d ",
			n), Data: n}
	}
	tr := &trace.Trace{Protocol: "udp"}
	for n := 1; n <= 3; n++ {
		tr.Add(trace.Event{At: 0, Kind: trace.Sent, Number: n, Packet: data(n)})
	}
	tr.Add(trace.Event{At: 10 * ms, Kind: trace.Arrived, Number: 1, Copy: 1, Packet: data(1)})
	tr.Add(trace.Event{At: 11 * ms, Kind: trace.Dropped, Number: 2, Copy: 1, Packet: data(2)})
	tr.Add(trace.Event{At: 12 * ms, Kind: trace.Read, Length: 2, Text: "1 "})
	text := ladder(t, tr, views.Style{})
	for _, want := range []string{
		"    0      11 ├─ 2: data 2 \"2 \" ─",
		"─ × buffer full│\n",
		"    0       … ├─ 3: data 3 \"3 \" ───────── … under way     │\n",
		"           12 │                                           │ reads \"1 \"\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing:\n%s", want, text)
		}
	}
	var b strings.Builder
	views.WriteSummary(&b, tr)
	for _, want := range []string{
		"1 packet was dropped by a full buffer: \"2 \".\n",
		"Packets: 3 up (0 lost), 0 down (0 lost), 1 dropped by a full buffer, 1 under way\n  at " +
			"the end\n",
		"  buffer full: up:2 \"2 \"\n",
		"  under way: up:3 \"3 \"\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing:\n%s", want, &b)
		}
	}
}

// Order is by time, also where an int has 32 bits: hours apart.
func TestHoursApart(t *testing.T) {
	tr := &trace.Trace{Protocol: "udp"}
	for n, at := range []time.Duration{3 * time.Hour, time.Second, 5 * time.Hour} {
		tr.Add(trace.Event{At: at, Kind: trace.Sent, Number: n + 1,
			Packet: &trace.Header{Kind: trace.Data, Seq: uint32(n + 1), Length: 1, Text: "x"}})
	}
	text := ladder(t, tr, views.Style{})
	if a, b, c := strings.Index(text, " 2: "), strings.Index(text, " 1: "),
		strings.Index(text, " 3: "); a > b || b > c {
		t.Errorf("not in order:\n%s", text)
	}
}

// The live ladder has the same rows, in the order of the arrivals.
func TestLive(t *testing.T) {
	tr := traced(t, "loss=0.1&corrupt=0.1&bytes=20000&seed=4")
	var live strings.Builder
	l := views.NewLive(&live, views.Style{})
	for i := range tr.Events {
		l.Add(&tr.Events[i])
	}
	l.Add(&trace.Event{At: time.Hour, Kind: trace.Finished})
	finished := ladder(t, tr, views.Style{})
	count := func(text, what string) int { return strings.Count(text, what) }
	for _, what := range []string{"× lost", "× damaged", "again: ", "├", "╞", "waits for"} {
		if a, b := count(live.String(), what), count(finished, what); a != b || a == 0 {
			t.Errorf("%q: %d times live, %d finished:\n%s\n%s", what, a, b, &live, finished)
		}
	}
}
