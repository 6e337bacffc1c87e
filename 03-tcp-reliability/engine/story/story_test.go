package story_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/run"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"github.com/google/go-cmp/cmp"
)

// traced is the trace of a run: its settings are given as in an address.
func traced(t testing.TB, protocol, faults string, change func(*run.Settings)) *trace.Trace {
	t.Helper()
	s, wrong := run.FromAddress("protocol=" + protocol + "&loss=0&" + strings.ReplaceAll(faults,
		" ", "&"))
	if strings.Contains(faults, "loss") {
		s, wrong = run.FromAddress("protocol=" + protocol + "&" + strings.ReplaceAll(faults, " ",
			"&"))
	}
	if wrong != nil {
		t.Fatal(wrong)
	}
	if change != nil {
		change(&s)
	}
	var tr trace.Trace
	if _, err := s.Run(&tr); err != nil {
		t.Fatal(err)
	}
	return &tr
}

var protocols = append(arq.Names(), "tcp")

// The story in sentences, for every protocol and its ways to lose.
func TestStory(t *testing.T) {
	for _, test := range []struct{ protocol, faults, want string }{
		{"tcp", "", ""},
		{"udp", "", ""},
		{"udp", "drop=data:3", `
1 packet was lost: "of ".
Nobody noticed: nothing is sent again.
The application never gets "of ".`},
		{"udp", "reorder=0.4 duplicate=0.3 seed=3", `
The application reads 5 words twice, reads 3 words too late.`},
		{"udp", "corrupt=1", `
8 packets of 8 were damaged.
Nobody noticed: nothing is sent again.
The application never gets 8 words.`},
		{"stop-and-wait", "drop=data:3", `
1 packet was lost: "of ".
The client noticed after 200 ms, by its timer, and sent it again.
"of " was missing for 200 ms.`},
		{"stop-and-wait", "drop=down:2", `
1 packet was lost: ack 2.
1 repetition was needless: the receiver had it all.`},
		{"go-back-n", "drop=data:3", `
1 packet was lost: "of ".
The client noticed after 200 ms, by its timer, and sent it again.
"of " was missing for 200 ms.
6 packets were thrown away: this receiver keeps nothing out of order.`},
		{"go-back-n", "drop=down:3", `
1 packet was lost: ack 3.
Nothing had to be sent again: a later acknowledgement said as much.`},
		{"selective-repeat", "drop=data:3", `
1 packet was lost: "of ".
The client noticed after 200 ms, by its timer, and sent it again.
"of " was missing for 200 ms; 5 later words waited, the longest 190 ms.`},
		{"tcp", "drop=data:3", `
1 packet was lost: "of ".
The client noticed after 50 ms, by the 3rd repeat of ACK 12, and sent it again.
"of " was missing for 50 ms; 4 later words waited, the longest 40 ms.`},
		{"tcp", "drop=data:8", `
1 packet was lost: "order.".
The client noticed after 210 ms, by its timer, and sent it again.
"order." was missing for 210 ms.`},
		{"tcp", "drop=data:5", `
1 packet was lost: "sentence ".
The client noticed after 50 ms, by the 3rd repeat of ACK 20, and sent it again.
"sentence " was missing for 50 ms; 3 later words waited, the longest 40 ms.`},
		{"tcp", "every=2ms reorder=0.3 seed=7", `
2 repetitions were needless: the receiver had it all.
3 words were missing, the longest, "this ", for 21.8 ms; 4 later words waited, the longest 21.8 ms.`},
		{"tcp", "drop=up:1,down:1", `
2 packets were lost: SYN and SYN ACK.
The client and the server noticed them after 1000 ms, by their timers, and sent them again.`},
	} {
		var got strings.Builder
		for _, s := range story.Of(traced(t, test.protocol, test.faults, nil)).Story() {
			fmt.Fprintf(&got, "\n%v", s)
		}
		if diff := cmp.Diff(test.want, got.String()); diff != "" {
			t.Errorf("%s with %s (-want +got):\n%s", test.protocol, test.faults, diff)
		}
	}
}

// verdicts says what the server did with each packet of the client.
func verdicts(d *story.Digest) string {
	names := [...]string{"", "taken", "kept", "already", "thrown", "not kept", "damaged", "full"}
	var list []string
	for _, p := range d.Packets {
		if p.Direction == network.Down {
			continue
		}
		what := "under way"
		if p.Fate == story.Lost {
			what = "lost"
		}
		for i, a := range p.Arrivals {
			if i == 0 {
				what = names[a.Is]
			} else {
				what += "+" + names[a.Is]
			}
			if a.Missing != nil {
				what += "(" + strings.TrimSpace(a.Missing.Text) + ")"
			}
		}
		list = append(list, strings.TrimSpace(fmt.Sprintf("%d %s", p.Number, what)))
	}
	return strings.Join(list, ", ")
}

// What the receiver did with each arrival, as far as it is known.
func TestVerdicts(t *testing.T) {
	atOnce := func(s *run.Settings) { s.Every, s.Window = 0, 4 }
	for _, test := range []struct {
		protocol, faults string
		change           func(*run.Settings)
		want             string
	}{
		{"go-back-n", "drop=data:2", atOnce,
			"1 taken, 2 lost, 3 thrown(word), 4 thrown(word), 5 thrown(word), " +
				"6 taken, 7 taken, 8 taken, 9 taken, 10 taken, 11 taken, 12 taken, 13 taken"},
		{"selective-repeat", "drop=data:3", atOnce,
			"1 taken, 2 taken, 3 lost, 4 kept(of), 5 kept(of), 6 kept(of), " +
				"7 taken, 8 taken, 9 taken, 10 taken"},
		{"stop-and-wait", "drop=down:1", nil,
			"1 taken, 2 already, 3 taken, 4 taken, 5 taken, 6 taken, 7 taken, 8 taken, 9 taken, " +
				"10 taken"},
		{"selective-repeat", "corrupt=0.3 seed=5", nil,
			"1 taken, 2 damaged, 3 kept(word), 4 kept(word), 5 kept(word), " +
				"6 kept(word), 7 kept(word), 8 kept(word), 9 kept(word), 10 damaged, 11 taken, " +
				"12 already"},
		// A FIN that comes too early is kept (RFC 9293, section 3.10.7.4).
		{"tcp", "drop=data:8", nil,
			"1, 2, 3 taken, 4 taken, 5 taken, 6 taken, 7 taken, 8 taken, 9 taken, 10 lost, " +
				"11 kept(order.), 12 taken, 13"},
		{"tcp", "drop=data:3", nil,
			"1, 2, 3 taken, 4 taken, 5 lost, 6 kept(of), 7 kept(of), 8 kept(of), 9 kept(of), " +
				"10 taken, 11 taken, 12 taken, 13"},
		{"udp", "duplicate=1 drop=up:2", nil,
			"1 taken+taken, 2 lost, 3 taken+taken, 4 taken+taken, 5 taken+taken, " +
				"6 taken+taken, 7 taken+taken, 8 taken+taken"},
	} {
		got := verdicts(story.Of(traced(t, test.protocol, test.faults, test.change)))
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s with %s (-want +got):\n%s", test.protocol, test.faults, diff)
		}
	}
}

// A stack that drops a segment without a word is not said to have it: with this
// small a buffer it takes the last but one segment never (a fault of its own).
func TestNothingIsGuessed(t *testing.T) {
	d := story.Of(traced(t, "tcp", "loss=0.05 seed=39", func(s *run.Settings) {
		s.Bytes, s.ReceiveBuffer = 30_000, 1440
	}))
	if len(d.Failures) == 0 {
		t.Skip("this stack has mended it")
	}
	last := d.Packets[len(d.Packets)-1]
	for last.Retransmits == 0 {
		t.Fatalf("the last packet is %v", last.Header)
	}
	for _, p := range d.Packets {
		if p.First == last.First && p.Retransmits > 0 {
			for _, a := range p.Arrivals {
				if a.Is == story.Already || a.Is == story.Taken || p.Needless {
					t.Errorf("packet %d: verdict %v, needless %v, and the server never "+
						"acknowledged it",
						p.Number, a.Is, p.Needless)
				}
			}
		}
	}
}

// Every byte that is read is read by one arrival that was taken, in order, and
// not before it came.
func TestReads(t *testing.T) {
	for _, protocol := range protocols {
		for seed := range 30 {
			faults := fmt.Sprintf("loss=0.1 duplicate=0.1 reorder=0.2 corrupt=0.1 seed=%d", seed+1)
			tr := traced(t, protocol, faults, nil)
			d := story.Of(tr)
			var told, want strings.Builder
			for _, e := range tr.Events {
				if e.Kind == trace.Read {
					want.WriteString(e.Text)
				}
			}
			for _, r := range d.Reads {
				told.WriteString(r.Text)
				switch {
				case r.By == nil:
					t.Errorf("%s, %s: nothing made the read of %q at %v possible",
						protocol, faults, r.Text, r.At)
				case r.By.Time > r.At || r.By.Is != story.Taken:
					t.Errorf("%s, %s: %q, read at %v, by packet %d that came at %v: %v",
						protocol, faults, r.Text, r.At, r.By.Number, r.By.Time, r.By.Is)
				case protocol == "udp" && !strings.HasPrefix(r.By.Text, r.Text):
					t.Errorf("%s: packet %d with %q is read as %q",
						faults, r.By.Number, r.By.Text, r.Text)
				}
			}
			if told.String() != want.String() {
				t.Errorf("%s, %s: read %q, told %q", protocol, faults, &want, &told)
			}
			waited := map[*story.Arrival]time.Duration{} // until when the gaps explain it
			for _, g := range d.Gaps {
				for _, a := range g.Later {
					if since := max(waited[a], a.Time); g.Since <= since {
						waited[a] = max(since, g.Until)
					}
				}
			}
			for a, until := range waited {
				if a.Is == story.Kept && a.Until > until {
					t.Errorf("%s, %s: packet %d waits from %v to %v, and nothing is missing from %v on",
						protocol, faults, a.Number, a.Time, a.Until, until)
				}
			}
			for _, g := range d.Gaps {
				for _, a := range g.Later {
					if a.Is == story.Kept && a.Until != 0 && a.Until < a.Time {
						t.Errorf("%s, %s: packet %d waited from %v to %v",
							protocol, faults, a.Number, a.Time, a.Until)
					}
				}
			}
		}
	}
}

// Repeated acknowledgements are counted, and a new window alone is none.
func TestRepeats(t *testing.T) {
	repeats := func(d *story.Digest) string {
		var list []string
		for _, p := range d.Packets {
			if p.Repeat > 0 {
				list = append(list, fmt.Sprintf("%d:%d", p.Ack, p.Repeat))
			}
		}
		return strings.Join(list, " ")
	}
	if got, want := repeats(story.Of(traced(t, "tcp", "drop=data:3", nil))),
		"12:1 12:2 12:3 12:4"; got != want {
		t.Errorf("repeats %s, not %s", got, want)
	}
	if got := repeats(story.Of(traced(t, "selective-repeat", "drop=data:3", nil))); got != "" {
		t.Errorf("selective repeat acknowledges each packet by itself: %s", got)
	}
	slow := story.Of(traced(t, "tcp", "", func(s *run.Settings) {
		s.ReadRate, s.ReceiveBuffer, s.Bytes = 50_000, 4096, 20_000
	}))
	updates := 0
	for i, p := range slow.Packets {
		if i > 0 && p.Direction == network.Down && p.Kind == trace.ACK && p.Window > 0 {
			updates++
		}
	}
	if got := repeats(slow); got != "" || updates < 5 {
		t.Errorf("%d acknowledgements, repeats %s: window updates are none", updates, got)
	}
}

// A repetition names what it repeats, the first and the latest; a timeout is
// never at the moment of an arrival at its sender. (With jitter: else a timer
// may run out just when something arrives.)
func TestTimeouts(t *testing.T) {
	timeouts := 0
	for _, protocol := range protocols {
		for seed := range 15 {
			d := story.Of(traced(t, protocol, fmt.Sprintf("loss=0.2 jitter=3ms seed=%d",
				100+seed), nil))
			came := map[string]bool{}
			for _, p := range d.Packets {
				for _, a := range p.Arrivals {
					came[fmt.Sprint(1-p.Direction, a.Time)] = true
				}
			}
			for _, p := range d.Packets {
				if p.Retransmits == 0 {
					continue
				}
				if p.First == nil || p.Previous == nil || p.First.Number != p.Retransmits ||
					p.Previous.At > p.At || p.Previous != p.First && p.Previous.First != p.First {
					t.Errorf("%s: packet %d repeats %d, and before it came %v",
						protocol, p.Number, p.Retransmits, p.Previous)
				}
				if p.Why == trace.Timeout {
					timeouts++
					if came[fmt.Sprint(p.Direction, p.At)] {
						t.Errorf("%s, seed %d: packet %v:%d leaves for a timeout at %v, when a "+
							"packet arrives",
							protocol, 100+seed, p.Direction, p.Number, p.At)
					}
				}
			}
		}
	}
	if timeouts < 50 {
		t.Errorf("only %d timeouts to judge", timeouts)
	}
}

// Event by event, as a view follows it, a run tells the same as afterwards.
func TestLive(t *testing.T) {
	tr := traced(t, "tcp", "loss=0.1 seed=4", nil)
	live := story.New("tcp")
	live.Live = true
	var reads string
	arrivals := 0
	for i := range tr.Events {
		switch it := live.Add(&tr.Events[i]).(type) {
		case []*story.Read:
			for _, r := range it {
				reads += r.Text
			}
		case *story.Arrival:
			arrivals++
		}
	}
	if reads != "Every word of this sentence arrives in order." || arrivals == 0 {
		t.Errorf("%d arrivals, read %q", arrivals, reads)
	}
	if len(live.Packets)+len(live.Reads)+len(live.Gaps) > 0 {
		t.Error("what is over is kept")
	}
}

// Columns of a terminal: East Asian characters take two.
func TestWidth(t *testing.T) {
	for text, want := range map[string]int{"abc": 3, "日本語": 6, "é": 1, "e\u0301": 1, "😃": 2,
		"─►": 2, "…": 1, "한": 2, "": 0} {
		if got := story.Width(text); got != want {
			t.Errorf("%q takes %d columns, not %d", text, got, want)
		}
	}
	if got := story.Quoted("日本語 テスト", 10); got != `"日本語 …"` || story.Width(got) > 10 {
		t.Errorf("%s, of %d columns", got, story.Width(got))
	}
}

func TestWords(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th",
		12: "12th", 13: "13th", 21: "21st", 112: "112th"} {
		if got := story.Ordinal(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
	for d, want := range map[time.Duration]string{
		0:                           "0 ms",
		500 * time.Microsecond:      "0.5 ms",
		59 * time.Second:            "59000 ms",
		63 * time.Second:            "63000 ms (1 minute and 3 seconds)",
		2*time.Hour + 5*time.Minute: "7500000 ms (2 hours and 5 minutes)",
		time.Hour:                   "3600000 ms (1 hour)",
	} {
		if got := story.Millis(d); got != want {
			t.Errorf("%v is %q, not %q", d, got, want)
		}
	}
	if story.Count(1, "byte") != "1 byte" || story.Count(0, "byte") != "0 bytes" {
		t.Error("singular and plural")
	}
}
