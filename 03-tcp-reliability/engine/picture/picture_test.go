package picture

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/run"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// traced is the trace of a run: its settings are given as in an address.
func traced(t testing.TB, address string) *trace.Trace {
	t.Helper()
	s, wrong := run.FromAddress(address)
	if wrong != nil {
		t.Fatal(wrong)
	}
	return recorded(t, &s)
}

func recorded(t testing.TB, s *run.Settings) *trace.Trace {
	t.Helper()
	var tr trace.Trace
	if _, err := s.Run(&tr); err != nil {
		t.Fatal(err)
	}
	return &tr
}

// hostile are messages that try to be more than text.
var hostile = []string{
	"Every word of this sentence arrives in order.",
	`<script>alert("x")</script> ]]> &amp; </text></svg> "' <!--`,
	"\x00 \x1b[31m \xff\xfe \u202e \ufffe \u0085 e\u0301 👩\u200d💻 שלום مرحبا",
	"日本語 テスト こんにちは 世界",
	strings.Repeat("averyveryverylongword", 8) + " " + strings.Repeat("W ", 20),
}

// random is a run with settings of all kinds.
func random(t testing.TB, seed uint64) *trace.Trace {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 7))
	pick := func(texts ...string) string { return texts[r.IntN(len(texts))] }
	s := run.Default()
	s.Protocol = append(arq.Names(), "tcp")[r.IntN(5)]
	s.Delay = []time.Duration{0, time.Millisecond, 10 * time.Millisecond,
		3 * time.Second}[r.IntN(4)]
	s.Jitter = time.Duration(r.IntN(5)) * time.Millisecond
	s.Queue, s.Seed, s.Window = 1+r.IntN(20), int64(seed), 1+r.IntN(10)
	s.Loss.Set(pick("0", "0.1", "0.3"))
	s.Duplicate.Set(pick("0", "0.2"))
	s.Reorder.Set(pick("0", "0.3"))
	s.Corrupt.Set(pick("0", "0.2"))
	if r.IntN(3) == 0 {
		s.Rate = 50_000
	}
	s.Every = time.Duration(r.IntN(3)) * 10 * time.Millisecond
	s.Message = pick(hostile...)
	if r.IntN(3) == 0 {
		s.ReadRate = 20 + r.IntN(500)
	}
	return recorded(t, &s)
}

func drawn(t testing.TB, tr *trace.Trace, o Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, tr, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// check reads a picture as a browser would, and says what is wrong with it.
func check(svg string) (groups int, err error) {
	ids := map[string]bool{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return groups, nil
		}
		if err != nil {
			return 0, err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "svg", "title", "desc", "style", "defs", "marker", "pattern", "path", "rect", "circle",
			"text", "tspan", "g", "a":
		default:
			return 0, fmt.Errorf("an element %s", start.Name.Local)
		}
		packet := false
		for _, a := range start.Attr {
			switch {
			case a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on"):
				return 0, fmt.Errorf("an attribute %s: a strict policy forbids it", a.Name.Local)
			case a.Name.Local == "id" && ids[a.Value]:
				return 0, fmt.Errorf("two elements are %s", a.Value)
			case a.Name.Local == "id":
				ids[a.Value] = true
				packet = packet || strings.HasPrefix(a.Value, "up-") ||
					strings.HasPrefix(a.Value, "down-")
			case a.Name.Local == "x" || a.Name.Local == "y" || a.Name.Local == "width" ||
				a.Name.Local == "height" || a.Name.Local == "cx" || a.Name.Local == "cy":
				if n, err := strconv.ParseFloat(a.Value, 64); err != nil || n < 0 {
					return 0, fmt.Errorf("%s = %s", a.Name.Local, a.Value)
				}
			}
		}
		if packet {
			groups++
		}
	}
}

// Whatever the run, the picture is a sound document with an arrow for each
// packet, time goes down, what happens at once does not lie on itself, no text
// leaves the picture, and nothing differs from itself.
func TestAnyRun(t *testing.T) {
	seeds := uint64(200)
	if testing.Short() {
		seeds = 40
	}
	for seed := range seeds {
		tr := random(t, seed)
		arrows, data := 0, 0
		for _, e := range tr.Events {
			if e.Kind == trace.Sent || (e.Kind == trace.Arrived || e.Kind == trace.Discarded) &&
				e.Copy > 1 {
				arrows++
			}
			if e.Kind == trace.Sent {
				data += len(e.Packet.Text)
			}
		}
		for _, width := range []int{390, 900, 1280} {
			svg := drawn(t, tr, Options{Width: width, Title: "a <title> & more", Before: tr,
				Animate: seed%5 == 0})
			groups, err := check(svg)
			if err != nil || groups != arrows {
				t.Fatalf("seed %d, width %d: %d arrows for %d: %v\n%s",
					seed, width, groups, arrows, err, svg)
			}
			if !strings.Contains(svg, "Against the run before") ||
				strings.Contains(svg, "data-new") {
				t.Errorf("seed %d: the run differs from itself", seed)
			}
			limit := 600
			if tr.Events[0].Text != "Every " {
				limit = 700 // longer words
			}
			if seed%5 == 0 {
				limit += 220 // for the dots
			}
			if size := (len(svg) - 7000 - 5*strings.Count(svg, "&")) / max(arrows,
				20); size > limit {
				t.Errorf("seed %d, width %d: %d bytes for each of %d arrows",
					seed, width, size, arrows)
			}
			p := newPicture(story.Of(tr), Options{Width: width})
			p.layout()
			straight(t, seed, p)
		}
	}
}

// straight checks the layout.
func straight(t *testing.T, seed uint64, p *picture) {
	t.Helper()
	for i, m := range p.moments {
		if m.bottom < m.top || i > 0 && (m.at <= p.moments[i-1].at ||
			m.top <= p.moments[i-1].bottom) {
			t.Errorf("seed %d: time goes up from %+v to %+v", seed, p.moments[max(i-1, 0)], m)
		}
	}
	type place struct{ x, y int }
	sends := map[place]*arrow{}
	for _, a := range p.arrows {
		if a.y2 < a.y1 || a.end > a.At && a.y2 == a.y1 && a.Loss != network.LostQueue {
			t.Errorf("seed %d: packet %v:%d goes from %d to %d",
				seed, a.Direction, a.Number, a.y1, a.y2)
		}
		if a.copied {
			continue
		}
		if b := sends[place{a.x1, a.y1 / 100}]; b != nil && abs(a.y1-b.y1) < 100 {
			t.Errorf("seed %d: packets %d and %d leave at heights %d and %d",
				seed, b.Number, a.Number, b.y1, a.y1)
		}
		sends[place{a.x1, a.y1 / 100}] = a
	}
	for _, a := range p.arrows {
		f := p.font(labelFont)
		f.bold = true
		if text := p.label(a, f, (p.server-p.client)*6/10); measure(text,
			f) > (p.server-p.client)*6/10 {
			t.Errorf("seed %d: the label %q is too long", seed, text)
		}
	}
	for _, c := range p.clauses() {
		for _, line := range c.lines {
			if 560+measure(line, p.font(keyFont)) > p.width {
				t.Errorf("seed %d: the line %q leaves the picture", seed, line)
			}
		}
	}
	p.bars(0, p.height)
	p.readings(0, p.height)
	p.failures()
	for _, n := range p.notes {
		for _, line := range wrapped(n.text, p.font(n.font), p.width-p.right-60) {
			if p.right+measure(line, p.font(n.font)) > p.width {
				t.Errorf("seed %d: the note %q leaves the picture", seed, line)
			}
		}
	}
}

// The picture says of each packet what the ladder says.
func TestSameWords(t *testing.T) {
	for _, address := range []string{"drop=data:3", "protocol=go-back-n&drop=data:3",
		"protocol=udp&drop=data:3",
		"loss=0.15&duplicate=0.1&corrupt=0.1&seed=7"} {
		tr := traced(t, address)
		svg := drawn(t, tr, Options{})
		for _, p := range story.Of(tr).Packets {
			begin := fmt.Sprintf("<title>%s: packet %d of the",
				escape(p.Label(false, 16)), p.Number)
			if !strings.Contains(svg, begin) {
				t.Errorf("%s: %s is missing", address, begin)
			}
		}
		for _, s := range story.Of(tr).Story() {
			if !strings.Contains(svg, escape(s.String())) {
				t.Errorf("%s: the picture does not say %s", address, s)
			}
		}
	}
}

// Text and arrows stand out from the background, in both themes.
func TestContrast(t *testing.T) {
	light := func(hex string) float64 { // WCAG 2.2, relative luminance
		n, err := strconv.ParseUint(hex[1:], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, weight := range []float64{0.0722, 0.7152, 0.2126} {
			c := float64(n>>(8*i)&255) / 255
			if c <= 0.04045 {
				c /= 12.92
			} else {
				c = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * c
		}
		return sum
	}
	for name, c := range themes {
		for _, colour := range []string{c.text, c.quiet, c.packet, c.ack, c.lost, c.again, c.wait,
			c.read} {
			for _, back := range []string{c.back, c.band} {
				a, b := light(colour), light(back)
				if ratio := (max(a, b) + 0.05) / (min(a, b) + 0.05); ratio < 4.5 {
					t.Errorf("%s: %s on %s has a contrast of %.1f", name, colour, back, ratio)
				}
			}
		}
	}
}

// Only the theme that is asked for is in the picture; the reader's needs both.
func TestThemes(t *testing.T) {
	tr := traced(t, "drop=data:3")
	for theme, want := range map[string][2]bool{"light": {true, false}, "dark": {false, true},
		"": {true, true}} {
		svg := drawn(t, tr, Options{Theme: theme})
		if got := [2]bool{strings.Contains(svg, themes["light"].packet),
			strings.Contains(svg, themes["dark"].packet)}; got != want {
			t.Errorf("theme %q: light and dark are %v", theme, got)
		}
	}
	if svg := drawn(t, tr, Options{Inline: true}); strings.Contains(svg, "<style") ||
		!strings.Contains(svg, "data-axis") {
		t.Error("an inline picture has a style sheet, or no axis")
	}
}

// Packets are links where that is asked, and say what they repeat and why.
func TestLinks(t *testing.T) {
	tr := traced(t, "drop=data:3")
	svg := drawn(t, tr, Options{Prefix: "a-", Link: func(p *story.Packet) string {
		if p.Data == 0 {
			return ""
		}
		return fmt.Sprintf("?drop=data:%d&x", p.Data)
	}})
	for _, want := range []string{
		`<a href="?drop=data:3&amp;x" id="a-up-5" data-at="40000"`, `data-lost="1"`,
		`data-of="a-up-5"`, `id="a-up-10"`, `role="group"`, `<g id="a-down-1"`,
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if _, err := check(svg); err != nil {
		t.Error(err)
	}
}

// What differs from the run before is marked and counted.
func TestCompare(t *testing.T) {
	before, after := traced(t, "loss=0"), traced(t, "drop=data:3")
	svg := drawn(t, after, Options{Before: before})
	if !strings.Contains(svg, "from 40 ms on") || strings.Count(svg, "data-new") < 5 ||
		strings.Contains(svg,
			`id="up-3" data-at="20000" data-end="30000" data-drop="data:1" data-new`) {
		t.Errorf("the differences are not marked:\n%s", svg)
	}
}

// Of a long run only a part is drawn, by time or by height.
func TestParts(t *testing.T) {
	tr := traced(t, "bytes=200000&loss=0.02")
	whole := drawn(t, tr, Options{})
	part := drawn(t, tr, Options{Window: [2]int{1000, 3000}})
	if len(part) > len(whole)/3 || !strings.Contains(part, `viewBox="0 1000 900 2000"`) {
		t.Errorf("the part has %d bytes of %d", len(part), len(whole))
	}
	some := drawn(t, tr, Options{From: 50 * time.Millisecond, To: 60 * time.Millisecond})
	for _, svg := range []string{part, some} {
		if n, err := check(svg); err != nil || n == 0 {
			t.Errorf("%d packets, error %v", n, err)
		}
	}
}

// The moving picture moves for five seconds, only for readers who allow motion.
func TestMotion(t *testing.T) {
	svg := drawn(t, traced(t, "drop=data:3"),
		Options{Animate: true, From: 20 * time.Millisecond, To: 105 * time.Millisecond})
	still, moves, ok := strings.Cut(svg, "@media(prefers-reduced-motion:no-preference){")
	if !ok || strings.Contains(still, "animation") || strings.Contains(svg, "infinite") ||
		!strings.Contains(moves, "animation") {
		t.Error("something moves for all readers, or for ever")
	}
	if len(svg) > 20_000 {
		t.Errorf("%d bytes", len(svg))
	}
	p := newPicture(story.Of(traced(t, "drop=data:3")), Options{Animate: true})
	p.layout()
	if first, last := p.when(p.top), p.when(p.height-120); first < 0 || last > 100*seconds {
		t.Errorf("it moves from %d to %d hundredths of a second", first, last)
	}
}

// Any bytes in a message stay text.
func FuzzMessage(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, "udp")
	}
	f.Fuzz(func(t *testing.T, message, title string) {
		s := run.Default()
		s.Message = message[:min(len(message), 400)]
		s.Drop.Set("data:1")
		var tr trace.Trace
		if _, err := s.Run(&tr); err != nil {
			t.Fatal(err)
		}
		if _, err := check(drawn(t, &tr, Options{Title: title, Width: 390,
			Prefix: title})); err != nil {
			t.Errorf("%q, %q: %v", message, title, err)
		}
	})
}

func BenchmarkDraw(b *testing.B) {
	for _, c := range []struct{ name, address string }{
		{"24packets", "drop=data:3"}, {"200packets", "bytes=70000&loss=0.02"},
		{"1000packets", "bytes=380000&loss=0.02"},
	} {
		tr := traced(b, c.address)
		packets := 0
		for _, e := range tr.Events {
			if e.Kind == trace.Sent {
				packets++
			}
		}
		for _, part := range []bool{false, true} {
			o, name := Options{}, c.name
			if part {
				o.Window, name = [2]int{1000, 3000}, name+"/part"
			}
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					Write(io.Discard, tr, o)
				}
				b.ReportMetric(float64(packets), "packets")
			})
		}
	}
}

// With one end covered the picture says nothing that the other can't know: it
// is the same whether UDP's packets are lost or arrive, and has no word of the
// covered end or of the network. Heights stay those of the whole picture.
func TestCover(t *testing.T) {
	lost := traced(t, "protocol=udp&drop=data:3")
	kept := traced(t, "protocol=udp&loss=0")
	client := Options{Cover: "server", Link: func(*story.Packet) string { return "?x" }}
	times := regexp.MustCompile(`data-(end|lost|axis|height)="[^"]*"`) // for a page's scripts
	if a, b := times.ReplaceAllString(drawn(t, lost, client), ""),
		times.ReplaceAllString(drawn(t, kept, client), ""); a != b {
		t.Errorf("UDP's client sees that a packet is lost:\n%s\n%s", a, b)
	}
	// The second of four repeats is lost: the client counts three, and sees what they carry.
	heard := drawn(t, traced(t, "drop=data:3,down:5"), client)
	if strings.Contains(heard, ", 4th repeat") || !strings.Contains(heard,
		">ACK 12 SACK 15-39, 3rd repeat<") {
		t.Errorf("the client hears three repeats, and sees:\n%s", heard)
	}
	for seed := range uint64(60) {
		tr := random(t, seed)
		sent := [2]int{}
		arrived := [2]int{}
		for _, e := range tr.Events {
			switch e.Kind {
			case trace.Sent:
				sent[e.Direction]++
			case trace.Arrived, trace.Discarded, trace.Dropped:
				arrived[e.Direction]++
			}
		}
		for end, cover := range []string{"server", "client"} {
			svg := drawn(t, tr, Options{Cover: cover, Width: 900, Before: traced(t, "loss=0")})
			groups, err := check(svg)
			if want := sent[end] + arrived[1-end]; err != nil || groups != want {
				t.Errorf("seed %d, %s covered: %d arrows for %d, %v", seed, cover, groups, want,
					err)
			}
			for _, word := range []string{`data-lost`, `, lost`, `queue full`, `id="wait-`,
				`data-new`, `under way`, `nothing for`} {
				if strings.Contains(svg, word) && (cover == "server" || word != `id="wait-`) {
					t.Errorf("seed %d: with the %s covered the picture has %s", seed, cover, word)
				}
			}
			if reads := strings.Contains(svg, `id="read-`); cover == "server" && reads {
				t.Errorf("seed %d: the client sees what the server's application reads", seed)
			}
		}
	}
}
