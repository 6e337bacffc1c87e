package document

import (
	"cmp"
	"fmt"
	"html"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

func of(t testing.TB, address string, v View) *Document {
	t.Helper()
	d, err := Of(address, v)
	if err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return d
}

// random is an address with random faults.
func random(r *rand.Rand) string {
	pick := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	return "protocol=" + hosts.Names[r.IntN(len(hosts.Names))] +
		pick("&loss=0", "&loss=0.1", "&loss=0.2", "&drop=data:2,down:3") +
		pick("", "&reorder=0.2") + pick("", "&duplicate=0.1") + pick("", "&corrupt=0.1") +
		pick("", "&every=0s", "&every=3ms") + pick("", "&rate=200kbit&queue=3") +
		fmt.Sprintf("&seed=%d", 1+r.IntN(1000))
}

// Everything that the page shows hangs together: ids are in the picture, each
// event has a sentence and the states after it, and each sending a line of code.
func TestWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 30 {
		address := random(r)
		d := of(t, address, View{})
		if len(d.Problems) > 0 || of(t, d.Address, View{}).Address != d.Address {
			t.Errorf("%s: problems %q, and the address is %s", address, d.Problems, d.Address)
		}
		ids := map[string]bool{}
		for _, p := range d.Packets {
			ids[p.ID] = true
			if !strings.Contains(d.Picture, `id="`+p.ID+`"`) && len(d.Packets) <= manyPackets {
				t.Errorf("%s: %s is not in the picture", address, p.ID)
			}
			if p.Source < 0 || !strings.Contains(d.Sources[p.Source].Where, "engine/") ||
				len(d.Sources[p.Source].Lines) == 0 {
				t.Errorf("%s: %s has no line of code", address, p.ID)
			}
			if len(p.Fields) == 0 || p.Bytes == "" || p.Toggle == "" && p.Fixed == "" {
				t.Errorf("%s: %s has %d fields, toggle %q", address, p.ID, len(p.Fields), p.Toggle)
			}
		}
		at := int64(0)
		for i, e := range d.Events {
			if e.Sentence == "" || e.At < at || e.Packet != "" && !ids[e.Packet] ||
				e.Client >= len(d.States) || e.Server >= len(d.States) {
				t.Errorf("%s: event %d is %+v", address, i, e)
			}
			at = e.At
			for _, c := range e.Causes {
				if !ids[c] {
					t.Errorf("%s: event %d is caused by %q", address, i, c)
				}
			}
		}
		for i, s := range d.States {
			for j := 1; j < len(s.Ranges); j++ {
				if s.Ranges[j].From < s.Ranges[j-1].To {
					t.Errorf("%s: state %d has ranges %v", address, i, s.Ranges)
				}
			}
		}
	}
}

// A click changes nothing that was before it, and a second one takes it back.
func TestToggle(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 6 {
		d := of(t, random(r), View{})
		for _, p := range d.Packets {
			if p.Toggle == "" {
				continue
			}
			after := of(t, p.Toggle, View{Before: d.Address})
			i := slices.IndexFunc(after.Packets, func(q Packet) bool { return q.ID == p.ID })
			if i < 0 || (after.Packets[i].Fate == "lost") == (p.Fate == "lost") {
				t.Errorf("%s: %s %s leaves it %v", d.Address, p.ToggleWord, p.ID, i)
				continue
			}
			for j, e := range d.Events {
				if e.Packet == p.ID {
					break
				}
				if after.Events[j].Sentence != e.Sentence || after.Events[j].At != e.At {
					t.Errorf("%s: %s %s changes the event before: %q", d.Address, p.ToggleWord,
						p.ID, e.Sentence)
					break
				}
			}
			back := after.Packets[i].Toggle
			if again := of(t, back, View{}); again.Packets[slices.IndexFunc(again.Packets,
				func(q Packet) bool { return q.ID == p.ID })].Fate == "lost" != (p.Fate == "lost") {
				t.Errorf("%s: a second click on %s does not take the first one back", d.Address,
					p.ID)
			}
		}
	}
}

// Each event tells how many packets wait in front of the link. All words are
// written at once: the first is sent at once, three wait, and four find no room.
func TestQueue(t *testing.T) {
	d := of(t, "protocol=udp&every=0s&rate=8kbit&queue=3", View{})
	var got []int
	for _, e := range d.Events {
		if e.What == "sent" || e.What == "lost" {
			got = append(got, e.Queue[0])
		}
		if e.Queue[1] != 0 {
			t.Errorf("%d packets wait for the link down, where nothing goes", e.Queue[1])
		}
	}
	if want := []int{0, 1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3}; !slices.Equal(got, want) {
		t.Errorf("there wait %v, not %v", got, want)
	}
	if last := d.Events[len(d.Events)-1]; last.Queue != [2]int{} {
		t.Errorf("at the end there wait %v", last.Queue)
	}
	d = of(t, "bytes=60000&rate=1Mbit&queue=5", View{})
	most := [2]int{}
	for i, e := range d.Events {
		most = [2]int{max(most[0], e.Queue[0]), max(most[1], e.Queue[1])}
		full := d.Packets[slices.IndexFunc(d.Packets,
			func(p Packet) bool { return p.ID == e.Packet || e.Packet == "" })].Fate == "queue full"
		if e.What == "lost" && full && e.Queue[0] != 5 {
			t.Errorf("event %d is a loss in a queue of %d", i, e.Queue[0])
		}
	}
	if most[0] != 5 {
		t.Errorf("at most %v wait, and 5 have room", most)
	}
}

// The three acknowledgements behind a fast retransmission light up with it.
func TestCauses(t *testing.T) {
	d := of(t, "drop=data:3", View{})
	i := slices.IndexFunc(d.Events, func(e Event) bool { return e.What == "sent again" })
	if got := strings.Join(d.Events[i].Causes, " "); got != "up-5 down-4 down-5 down-6" {
		t.Errorf("it is caused by %s", got)
	}
}

// An end knows of what happens at it, and nobody of a loss.
func TestEnds(t *testing.T) {
	for _, p := range Presets {
		d, err := Of(p.Address, View{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range d.Events {
			sentence := e.Sentence
			if _, where, ok := strings.Cut(sentence, " arrives at the "); ok {
				sentence = "The " + where
			}
			switch {
			case strings.HasPrefix(e.What, "lost"):
				if e.End != "" {
					t.Errorf("%s: %q happens at the %s", p.Name, e.Sentence, e.End)
				}
			case e.End != "client" && e.End != "server" || strings.HasPrefix(sentence, "The ") &&
				!strings.HasPrefix(sentence, "The "+e.End):
				t.Errorf("%s: %q happens at %q", p.Name, e.Sentence, e.End)
			}
		}
	}
}

// The chapter's table of single losses, made by machine: the SYN is the worst
// packet to lose, and the loss of a word in the middle costs the message nothing.
func TestHarm(t *testing.T) {
	h, err := HarmOf("loss=0", View{})
	if err != nil {
		t.Fatal(err)
	}
	later := map[string]string{}
	for _, row := range h.Rows {
		later[idOf(row.packet)] = row.Later
	}
	for id, want := range map[string]string{"up-1": "1000 ms later", "down-1": "1000 ms later",
		"up-5": "at the same time", "down-3": "at the same time"} {
		if later[id] != want {
			t.Errorf("%s lost: the message is whole %s, not %s", id, later[id], want)
		}
	}
	for i, row := range h.Rows {
		_, shown, _ := strings.Cut(h.Picture, fmt.Sprintf(`id="%s" `, idOf(row.packet)))
		shown, _, _ = strings.Cut(shown, "</a>")
		if !strings.Contains(shown, fmt.Sprintf(`data-harm="%d"`, row.level)) ||
			!strings.Contains(shown, "· "+row.cost+"</text>") {
			t.Errorf("row %d costs %s, level %d: the picture has\n%s", i, row.cost, row.level,
				shown)
		}
	}
	if !strings.Contains(h.Says, "SYN") {
		t.Error(h.Says)
	}
	if _, err := HarmOf("bytes=500000", View{}); err == nil {
		t.Error("harm of a run with many packets")
	}
}

// What an address asks for and can't be is said; questions have bounds.
func TestWrong(t *testing.T) {
	d := of(t, "protocol=tcp&loss=2&nonsense=1", View{})
	if len(d.Problems) != 2 {
		t.Errorf("problems: %q", d.Problems)
	}
	if d := of(t, "bytes=100000000&loss=0", View{}); len(d.Problems) != 1 || len(d.Packets) > 2000 {
		t.Errorf("problems: %q", d.Problems)
	}
	for _, c := range [][2]string{{"nothing", ""}, {"run", "width=x"},
		{"run", strings.Repeat("a", 10_000)}} {
		if _, err := Answer(c[0], c[1]); err == nil {
			t.Errorf("%.40q is answered", c)
		}
	}
}

func TestCurves(t *testing.T) {
	c, err := CurvesOf()
	if err != nil {
		t.Fatal(err)
	}
	for _, curve := range c.curves {
		for i, want := range curve.expected {
			if got := curve.measured[i]; got < want*93/100-5 || got > want*107/100+5 {
				t.Errorf("%s at %d of 1000 lost: %d, and the formula says %d", curve.name,
					Losses[i], got, want)
			}
		}
	}
}

func TestPresets(t *testing.T) {
	for _, p := range Presets {
		if d := of(t, p.Address, View{}); len(d.Problems) > 0 || d.Address != p.Address ||
			len(d.Events) == 0 {
			t.Errorf("%s: %q, the address is %s", p.Name, d.Problems, d.Address)
		}
	}
}

// Of a long run a part is drawn: the one that is asked for by height, the one
// with the event, or with the packet. The parts lead to each other, and between
// them they show every packet.
func TestParts(t *testing.T) {
	address := "bytes=300000&loss=0.01"
	shown := map[string]bool{}
	at := map[string]int{} // the top of the last part that shows a packet
	n := 0
	for next := address; next != ""; n++ {
		settings, v, err := Split(next)
		if err != nil {
			t.Fatal(err)
		}
		d := of(t, settings, v)
		if d.Part == nil || d.Part.Bottom-d.Part.Top > partHeight || n > 100 ||
			n > 0 && d.Part.Previous != fmt.Sprintf("%s&top=%d", d.Address, d.Part.Top-partHeight) {
			t.Fatalf("%s: part %+v", next, d.Part)
		}
		if want := fmt.Sprintf(`viewBox="0 %d 900 `, d.Part.Top); !strings.Contains(d.Picture,
			want) {
			t.Errorf("part %+v is not what the picture shows", d.Part)
		}
		for _, p := range d.Packets {
			if strings.Contains(d.Picture, ` id="`+p.ID+`"`) {
				shown[p.ID] = true
				at[p.ID] = d.Part.Top
			}
		}
		next = d.Part.Next
	}
	whole := of(t, address, View{Top: -1, At: -1})
	if n < 3 || len(shown) != len(whole.Packets) || whole.Part.Top != 0 ||
		whole.Part.Previous != "" {
		t.Errorf("%d parts show %d packets of %d", n, len(shown), len(whole.Packets))
	}
	for i, e := range whole.Events {
		if i%97 != 0 || e.Packet == "" || e.What != "sent" {
			continue
		}
		_, v, _ := Split(fmt.Sprintf("at=%d", i+1))
		if d := of(t, address, v); !strings.Contains(d.Picture, ` id="`+e.Packet+`"`) {
			t.Errorf("at=%d shows from %d on, and not %s, which is in the part from %d on",
				i+1, d.Part.Top, e.Packet, at[e.Packet])
		}
		_, v, _ = Split("see=" + e.Packet)
		if d := of(t, address, v); !strings.Contains(d.Picture, ` id="`+e.Packet+`"`) {
			t.Errorf("see=%s shows from %d on, and not it", e.Packet, d.Part.Top)
		}
	}
	for _, query := range []string{"top=-5", "top=99999999", "at=99999999", "at=x",
		"at=0&see=up-9999x", "see=up-9999", "see=%zz"} {
		_, v, err := Split(query)
		if err != nil {
			t.Fatal(err)
		}
		d := of(t, address, v)
		wrong := strings.Contains(query, "x") || strings.Contains(query, "see")
		if wrong != (len(d.Problems) > 0) || d.Part.Top < 0 || d.Part.Top >= d.Part.Height {
			t.Errorf("%s: problems %q, part %+v", query, d.Problems, d.Part)
		}
	}
	if short := of(t, "drop=data:3", View{}); short.Part != nil {
		t.Errorf("a short run has the part %+v", short.Part)
	}
}

// The plots lie on the picture's own axis of time: what is at one height there
// is at one place here. A line marks the moment that is looked at.
func TestPlots(t *testing.T) {
	_, v, _ := Split("at=31")
	d := of(t, "drop=data:3", v)
	if len(d.Plots) != 2 {
		t.Fatalf("%d plots", len(d.Plots))
	}
	heights := map[int64]float64{} // of the picture
	_, list, _ := strings.Cut(d.Picture, `data-axis="`)
	list, _, _ = strings.Cut(list, `"`)
	last := int64(0)
	for moment := range strings.SplitSeq(list, " ") {
		var us int64
		var top, bottom float64
		fmt.Sscanf(moment, "%d,%g,%g", &us, &top, &bottom)
		heights[us], last = top, us
	}
	for _, p := range d.Plots {
		var left, right, from, to, now int
		_, attributes, _ := strings.Cut(p.SVG, "data-left")
		if _, err := fmt.Sscanf("data-left"+attributes,
			"data-left=%q data-right=%q data-from=%q data-to=%q",
			new(string), new(string), new(string), new(string)); err != nil {
			t.Fatalf("%v: %s", err, p.SVG)
		}
		fmt.Sscanf(strings.ReplaceAll(attributes, `"`, " "),
			"= %d data-right= %d data-from= %d data-to= %d", &left, &right, &from, &to)
		_, line, _ := strings.Cut(p.SVG, `class="ll now"`)
		_, line, _ = strings.Cut(line, "translate(")
		fmt.Sscanf(line, "%d", &now)
		want := float64(left) +
			(heights[d.Events[30].At]-float64(from))*float64(right-left)/float64(to-from)
		if want-float64(now) > 2 || float64(now)-want > 2 || now <= left || now >= right {
			t.Errorf("%s: the line is at %d, not %.0f", p.Name, now, want)
		}
		if end := heights[last]; float64(to) < end-1 || float64(from) > heights[0]+1 {
			t.Errorf("%s: from %d to %d, and the picture from %g to %g", p.Name, from, to,
				heights[0], end)
		}
	}
	// The round trips are what the states tell.
	if n := strings.Count(d.Plots[0].SVG, "<circle") - 1; n < 5 || n > len(d.Packets) {
		t.Errorf("%d round trips", n)
	}
	if d := of(t, "protocol=udp&drop=data:3", v); len(d.Plots) > 0 {
		t.Error("plots of a sender that measures nothing")
	}
}

// What each protocol's ends tell of themselves, over a run in which a word, the
// last word and an acknowledgement are lost. Nobody tells what it can't know.
func TestStates(t *testing.T) {
	estimate := "timeout (RTO), newest round trip, smoothed round trip (SRTT), its variation " +
		"(RTTVAR), sent again"
	for _, c := range []struct{ protocol, client, server, facts, timer string }{
		{"udp", "not yet sent, sent", "waiting, read", "", ""},
		{"stop-and-wait", "not yet sent, under way, acknowledged, under way again", "waiting, read",
			estimate, "timeout"},
		{"go-back-n", "not yet sent, under way, acknowledged, under way again, lost",
			"waiting, read",
			estimate, "timeout"},
		{"selective-repeat", "not yet sent, under way, acknowledged, under way again, arrived",
			"waiting, read, missing, kept",
			estimate, "timeout"},
		{"tcp", "under way, acknowledged, under way again, arrived", "waiting, read, missing, kept",
			estimate + ", congestion window, phase, threshold, repeated acknowledgements",
			"timeout, end of TIME-WAIT"},
	} {
		d := of(t, "protocol="+c.protocol+"&drop=data:3,data:8,down:4&every=5ms", View{})
		got := map[string]map[string]bool{"client": {}, "server": {}, "facts": {}, "timer": {}}
		for i, e := range d.Events {
			for end, state := range map[string]int{"client": e.Client, "server": e.Server} {
				if state < 0 {
					continue
				}
				s := d.States[state]
				for _, r := range s.Ranges {
					got[end][r.Is] = true
				}
				if s.Says == "" {
					t.Errorf("%s: state %d says nothing", c.protocol, state)
				}
				if ended := s.Name == "TIME-WAIT" || s.Name == "CLOSED"; ended && s.Window != "" {
					t.Errorf("%s: after its end the %s still says %q", c.protocol, end, s.Window)
				}
				if end == "server" {
					continue
				}
				for _, f := range s.Facts {
					got["facts"][d.Facts[f].Name] = true
				}
				if s.Timer == nil {
					continue
				}
				got["timer"][s.Timer.For] = true
				if s.Timer.Set > e.At || s.Timer.Due < e.At {
					t.Errorf("%s: after event %d at %d µs the timer %+v runs", c.protocol, i, e.At,
						*s.Timer)
				}
			}
		}
		for what, want := range map[string]string{"client": c.client, "server": c.server,
			"facts": c.facts, "timer": c.timer} {
			names := slices.Sorted(maps.Keys(got[what]))
			wanted := slices.DeleteFunc(strings.Split(want, ", "),
				func(s string) bool { return s == "" })
			slices.Sort(wanted)
			if !slices.Equal(names, wanted) {
				t.Errorf("%s, %s: %q, not %q", c.protocol, what, names, wanted)
			}
		}
	}
	// The third repeat, and what follows from it.
	d := of(t, "drop=data:3", View{})
	i := slices.IndexFunc(d.Events, func(e Event) bool { return e.What == "sent again" })
	facts := map[string]string{}
	for _, f := range d.States[d.Events[i].Client].Facts {
		facts[d.Facts[f].Name] = d.Facts[f].Value
	}
	if facts["repeated acknowledgements"] != "3" || !strings.HasPrefix(facts["phase"], "fast recovery: ") ||
		facts["threshold"] != facts["congestion window"] {
		t.Errorf("at the fast retransmission the client's state is %v", facts)
	}
}

// TCP's SYN and FIN have numbers, and are no bytes of the message.
func TestAmount(t *testing.T) {
	r := &one{}
	r.Protocol, r.Whole = "tcp", []byte("hello")
	for _, c := range []struct {
		from, to uint32
		is       trace.Fate
		want     string
	}{
		{0, 1, trace.UnderWay, "the SYN"},
		{1, 6, trace.UnderWay, "5 bytes"},
		{1, 7, trace.UnderWay, "5 bytes and the FIN"},
		{6, 7, trace.UnderWay, "the FIN"},
		{0, 7, trace.Acknowledged, "the SYN and 5 bytes and the FIN"},
		{0, 1, trace.Delivered, ""},
		{0, 3, trace.Delivered, "2 bytes"},
		{0, 7, trace.Delivered, "5 bytes and the end"},
		{3, 3, trace.Delivered, ""},
	} {
		list := []trace.Range{{From: c.from, To: c.to, Is: c.is}}
		if got := amount(list, c.is, r); got != c.want {
			t.Errorf("%d to %d, %s: %q, not %q", c.from, c.to, c.is, got, c.want)
		}
	}
}

// What a loss costs is what a click on it brings.
func TestHarmIsAClick(t *testing.T) {
	for _, address := range []string{"drop=data:3,up:9", "drop=data:3,down:8"} {
		table, err := HarmOf(address, View{})
		if err != nil {
			t.Fatal(err)
		}
		d := of(t, address, View{})
		costs := map[string]time.Duration{}
		for _, row := range table.Rows {
			costs[idOf(row.packet)] = row.later
		}
		for _, p := range d.Packets {
			if p.ToggleWord != "lose" {
				continue
			}
			click := of(t, p.Toggle, View{})
			later := time.Duration(click.Result.Read-d.Result.Read) * time.Microsecond
			if click.Result.Whole && costs[p.ID] != later {
				t.Errorf("%s: the loss of %s makes it %v later, and the click %v", address, p.ID,
					costs[p.ID], later)
			}
		}
	}
}

// What a loss costs has its reason, which is what the run shows: two of the
// chapter's runs, word by word.
func TestWhy(t *testing.T) {
	for address, want := range map[string]map[string]string{
		"loss=0": {
			"up-1":    "sent again after 1000 ms, by its timer: no round trip is measured yet",
			"down-1":  "sent again after 1000 ms, by a repeated SYN",
			"up-2":    `"Every " behind it says as much`,
			"up-5":    "sent again after 50 ms, by the 3rd repeat of ACK 12",
			"up-9":    "sent again after 210 ms, by its timer: two repeats are too few",
			"up-10":   "sent again after 210 ms, by its timer: one repeat is too few",
			"up-11":   "sent again after 220 ms, by its timer: nothing comes behind it",
			"down-3":  "ACK 15, sent 10 ms later, says as much",
			"down-6":  "ACK 37, sent 10 ms later, says as much",
			"up-12":   "FIN ACK 47 comes again after 190 ms, needlessly",
			"down-11": "sent again after 200 ms, by its timer: nothing comes behind it",
		},
		"drop=data:3": {
			"up-5":   "", // lost already
			"down-6": `"of " is sent again later, by the 4th repeat of ACK 12`,
		},
		"protocol=udp&drop=data:3": {"up-1": "nobody sends it again"},
		// A fixed timer needs no measurement.
		"protocol=stop-and-wait&rto=300ms&loss=0": {
			"up-1":   "sent again after 300 ms, by its timer: nothing comes behind it",
			"down-1": `"Every " comes again after 290 ms, needlessly`,
		},
		// Each acknowledgement stands for one packet: no later one says as much.
		"protocol=selective-repeat&loss=0": {
			"down-3": `"of " comes again after 190 ms, needlessly`,
		},
		"protocol=selective-repeat&duplicate=0.5&seed=2": {
			"down-9": "ack 5, sent 9.8 ms later, says as much", "down-10": "nobody misses it",
		},
		"protocol=go-back-n&loss=0": {"down-3": "ack 4, sent 10 ms later, says as much"},
		// A repetition that nobody needed.
		"every=2ms&reorder=0.3&seed=7": {"up-12": "an earlier one has arrived"},
	} {
		h, err := HarmOf(address, View{})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range h.Rows {
			says, ok := want[idOf(row.packet)]
			if ok && row.Why != says {
				t.Errorf("%s: %s: %q, not %q", address, row.Name(), row.Why, says)
			}
			delete(want, idOf(row.packet))
			if row.Why == "" && row.later != already {
				t.Errorf("%s: the loss of %s has no reason", address, row.Name())
			}
		}
		if len(want) > 0 {
			t.Errorf("%s: no packets %v", address, want)
		}
	}
}

// The worst loss comes first, then the longest wait; what is lost already comes
// last. Its level is what the picture shows: 4 where the message is never whole,
// 3 from a half of the worst on, 2 from a tenth on, 1 less, 0 not later.
// Where a loss is looked at, it is said how it is repaired, or that it is not.
func TestLossSaysItsRepair(t *testing.T) {
	for address, want := range map[string]string{
		"drop=data:8": "The network loses it. It is sent again after 210 ms, by its timer: one " +
			"repeat is too few.",
		"protocol=udp&drop=data:8": "The network loses it. Nobody sends it again.",
		"drop=down:3":              "The network loses it.",
	} {
		d := of(t, address, View{})
		i := slices.IndexFunc(d.Packets, func(p Packet) bool { return p.Fate == "lost" })
		if said := d.Packets[i].Sentence; !strings.HasSuffix(said, want) {
			t.Errorf("%s: %q does not end with %q", address, said, want)
		}
	}
}

func TestHarmLevels(t *testing.T) {
	for _, address := range []string{"loss=0", "drop=data:3", "protocol=udp&drop=data:3",
		"protocol=go-back-n&loss=0", "every=2ms&reorder=0.3&seed=7"} {
		h, err := HarmOf(address, View{})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSortedFunc(h.Rows, func(a, b *HarmRow) int {
			return cmp.Or(cmp.Compare(b.later, a.later), cmp.Compare(b.waits, a.waits))
		}) {
			t.Errorf("%s: the rows are not sorted", address)
		}
	}
	ms := time.Millisecond
	for _, c := range []struct {
		later []time.Duration
		want  []int
	}{
		{[]time.Duration{never, 1000 * ms, 500 * ms, 499 * ms, 100 * ms, 99 * ms, 0, -5 * ms, already},
			[]int{4, 3, 3, 2, 2, 1, 0, 0, 0}},
		{[]time.Duration{never, never, 0}, []int{4, 4, 0}},
		{[]time.Duration{1 * ms, 0}, []int{3, 0}},
	} {
		var table HarmTable
		for _, later := range c.later {
			table.Rows = append(table.Rows, &HarmRow{later: later})
		}
		table.levels()
		for i, row := range table.Rows {
			if row.level != c.want[i] {
				t.Errorf("of %v, %v has level %d, not %d", c.later, row.later, row.level, c.want[i])
			}
		}
	}
}

// Of a covered end nothing is told: of what it sends again, only that it
// arrives, and of what is sent again to it, not whether it came.
func TestCovered(t *testing.T) {
	// The server's acknowledgement of a word is lost, so that the word comes again;
	// and its own FIN, which it sends again.
	const address = "protocol=tcp&drop=data:3,down:11"
	whole := of(t, address, View{})
	for _, again := range []string{`data-of="up-5"`, `data-of="down-11"`, " again", "lost"} {
		if !strings.Contains(whole.Picture, again) {
			t.Fatalf("%s: %s is not in the picture", address, again)
		}
	}
	for cover, c := range map[string]struct{ hidden, shown []string }{
		"client": {[]string{`data-of="up-5"`, "lost", `"of " again`, "fast retransmit"},
			[]string{`data-of="down-11"`, " again: timeout"}},
		"server": {[]string{`data-of="down-11"`, "lost", "FIN seq 1 ACK 47 again", "again: timeout"},
			[]string{`data-of="up-5"`, "again: fast retransmit"}},
	} {
		d := of(t, address, View{Cover: cover})
		for _, says := range c.hidden {
			if strings.Contains(d.Picture, says) {
				t.Errorf("the %s is covered, and the picture has %s", cover, says)
			}
		}
		for _, says := range c.shown {
			if !strings.Contains(d.Picture, says) {
				t.Errorf("the %s is covered, and the picture has no %s", cover, says)
			}
		}
		// What is sent again and does arrive looks like what is sent once.
		for _, p := range whole.Packets {
			from := map[string]string{"up": "client", "down": "server"}[p.Direction]
			has := strings.Contains(d.Picture, `id="`+p.ID+`"`)
			if want := from != cover || p.Fate == "arrived"; has != want {
				t.Errorf("the %s is covered: %s in the picture is %v", cover, p.ID, has)
			}
		}
	}
}

// Each setting has its own problem beside it; what was asked for may look like one.
func TestProblemsOfSettings(t *testing.T) {
	for address, want := range map[string]string{
		"delay=soon":                        "delay",
		"window=0&protocol=udp":             "window",
		"loss=2&bytes=99999999":             "bytes loss",
		"queue=3&rto=1s":                    "queue rto",
		"delay=a+loss:+b":                   "delay",
		"delay=10ms&delay=20ms&nonsense=on": "delay",
		"drop=data:3":                       "",
	} {
		var got []string
		d := of(t, address, View{})
		for _, s := range d.Settings {
			if s.Problem != "" {
				got = append(got, s.Name)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s: the problems %q are those of %q, not %s", address, d.Problems, got, want)
		}
	}
}

// The command's names of packets are explained by the page's.
func TestNames(t *testing.T) {
	for address, want := range map[string]string{
		"drop=data:3":             `data:3 is the client's "of " (packet 5).`,
		"drop=up:5,down:3":        `up:5 is the client's "of " (packet 5), down:3 is the server's ACK 12 (packet 3).`,
		"loss=0.3&seed=4&spare=":  "",
		"drop=up:4-1000":          "",
		"loss=0":                  "",
		"protocol=udp&drop=up:99": "",
	} {
		if got := of(t, address, View{}).Names; got != want {
			t.Errorf("%s: %s", address, got)
		}
	}
}

// A long picture is drawn where one looks: at an event, or at a packet.
func TestPartInView(t *testing.T) {
	long := of(t, "bytes=400000", View{Width: 900, Top: -1, At: -1})
	const packet = "up-150" // the client's: it is drawn although the server is covered
	event := slices.IndexFunc(long.Events, func(e Event) bool { return e.Packet == packet })
	for name, v := range map[string]View{
		"at":  {Width: 900, Top: -1, At: event, Cover: "server"},
		"see": {Width: 900, Top: -1, At: -1, See: packet, Cover: "server"},
	} {
		d := of(t, "bytes=400000", v)
		if d.Part == nil || d.Part.Top == 0 || !strings.Contains(d.Picture, `id="`+packet+`"`) {
			t.Errorf("%s: %s is not in the part %+v", name, packet, d.Part)
			continue
		}
		for _, link := range []string{d.Part.Previous, d.Part.Next} {
			if !strings.HasSuffix(link, "&cover=server") {
				t.Errorf("%s: the link %s uncovers the server", name, link)
			}
		}
	}
}

// The picture alone is the document's, and each of its links is the document's too.
func TestPictureAlone(t *testing.T) {
	for _, p := range Presets {
		for _, v := range []View{{At: -1, Top: -1}, {Width: 390, At: -1, Top: -1, Cover: "server"},
			{Before: "drop=data:2", At: -1, Top: -1}, {At: -1, Top: 2000, See: "up-7"}} {
			d := of(t, p.Address, v)
			alone, err := PictureOf(p.Address, v)
			if err != nil {
				t.Fatal(err)
			}
			if alone.Picture != d.Picture {
				t.Errorf("%s with %+v: the picture alone is another", p.Address, v)
			}
			toggles := map[string]string{}
			for _, q := range d.Packets {
				toggles[q.ID] = "?" + q.Toggle
				if d.Part != nil {
					toggles[q.ID] += "&see=" + q.ID
				}
				if q.Toggle == "" { // a full queue's loss can only be looked at
					toggles[q.ID] = "?" + d.Address + "&see=" + q.ID
				}
				toggles[q.ID] += v.covering()
			}
			links := regexp.MustCompile(`<a href="([^"]*)" id="((up|down)-\d+)`).FindAllStringSubmatch(d.Picture, -1)
			for _, link := range links {
				if want := toggles[link[2]]; html.UnescapeString(link[1]) != want {
					t.Errorf("%s with %+v: %s leads to %s, want %s", p.Address, v, link[2], link[1], want)
				}
			}
			if len(links) < 5 {
				t.Errorf("%s with %+v has only %d links", p.Address, v, len(links))
			}
		}
	}
}
