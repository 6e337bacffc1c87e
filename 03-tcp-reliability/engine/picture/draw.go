package picture

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

var (
	titleFont    = font{125, false}
	sentenceFont = font{150, false}
	keyFont      = font{150, true}
	headFont     = font{130, true}
	labelFont    = font{130, false}
	timeFont     = font{115, false}
	noteFont     = font{125, false}
	boldNote     = font{125, true}
)

// fonts of a narrow picture are a bit smaller.
func (p *picture) font(f font) font {
	if p.narrow() {
		f.size -= 10
	}
	return f
}

// A clause is a sentence of the story on its lines, with a mark before it.
type clause struct {
	sentence story.Sentence
	lines    []string
	y        int
	true     time.Duration // when it has come true
}

// clauses are the story's sentences: they are the key to the marks.
func (p *picture) clauses() (list []clause) {
	sentences := p.d.Story()
	if len(sentences) == 0 {
		sentences = []story.Sentence{{Topic: story.Torn, Key: "Nothing was lost", Rest: "."}}
	}
	if p.Cover != "" {
		sentences = p.told()
	} else if text := p.differs.String(); text != "" {
		sentences = append(sentences, story.Sentence{Topic: -1, Key: "Against " +
			cmpOr(p.against, "the run before"), Rest: text})
	}
	y := 250
	if p.Title != "" {
		y = 480
	}
	for _, s := range sentences {
		c := clause{sentence: s, y: y, true: p.trueAt(s.Topic),
			lines: wrapped(together(s.String()), p.font(keyFont), p.width-560-150)}
		list = append(list, c)
		y += 205*len(c.lines) + 10
	}
	return list
}

// trueAt is when a sentence has come true: a moving picture shows it then.
func (p *picture) trueAt(topic story.Topic) (last time.Duration) {
	open := false // a gap is never filled
	for _, g := range p.d.Gaps {
		last, open = max(last, g.Until), open || g.Until == 0
	}
	if topic == story.Waited || topic == story.ThrownAway {
		if !open {
			return last
		}
		topic = story.Torn
	}
	last = 0
	for _, a := range p.arrows {
		switch {
		case topic != story.LostTopic && topic != story.Noticed:
			last = max(last, a.end)
		case topic == story.Noticed && a.Retransmits > 0:
			last = max(last, a.At)
		case topic == story.LostTopic && (a.Fate == story.Lost ||
			a.arrival != nil && a.arrival.Is >= story.Damaged):
			last = max(last, (a.At+a.end)/2)
		}
	}
	return last
}

func (p *picture) header() {
	c := p.clauses()
	last := c[len(c)-1]
	p.top = last.y + 205*len(last.lines) + 240
}

func (p *picture) draw() {
	p.settle()
	if p.Part != nil {
		p.Window[0], p.Window[1] = p.Part((p.height+9)/10,
			func(at time.Duration) int { return p.y(at) / 10 })
	}
	first, last := 0, p.height
	if p.Window[1] > p.Window[0] {
		first, last = 10*p.Window[0], min(10*p.Window[1], p.height)
	}
	role := "img"
	if p.Link != nil {
		role = "group"
	}
	fmt.Fprint(&p.out, `<svg xmlns="http://www.w3.org/2000/svg" class="lad"`)
	if p.x > 0 {
		fmt.Fprintf(&p.out, ` x="%s"`, pt(p.x))
	}
	fmt.Fprintf(&p.out,
		` viewBox="0 %s %s %s" width="%s" height="%s" font-size="13" stroke-width="1.4" role="%s" aria-labelledby="%s %s"`,
		pt(first), pt(p.width), pt(last-first), pt(p.width), pt(last-first), role, p.id("t"),
		p.id("s"))
	if p.Inline {
		fmt.Fprintf(&p.out, ` data-height="%s" data-axis="%s"`, pt(p.height), p.axis())
	}
	fmt.Fprintf(&p.out, ">\n<title id=\"%s\">%s</title>\n<desc id=\"%s\">%s</desc>\n",
		p.id("t"), escape(cmpOr(p.Title, "A run over a network that loses packets")), p.id("s"),
		escape(p.description()))
	if !p.Inline {
		fmt.Fprintf(&p.out, "<style>%s", Style(p.Theme))
		if p.Animate {
			p.motion()
		}
		p.out.WriteString("</style>\n")
	}
	p.defs()
	fmt.Fprintf(&p.out, `<path class="bg" stroke="none" d="M0 %sH%sV%sH0z"/>`+"\n",
		pt(first), pt(p.width), pt(last))
	p.head()
	if p.Cover != "" {
		p.cover(first, last)
	} else {
		p.silences()
	}
	fmt.Fprintf(&p.out, `<path class="ll" stroke-width="1.8" d="M%s %sV%sM%s %sV%s"/>`+"\n",
		pt(p.client), pt(p.top), pt(p.height-120), pt(p.server), pt(p.top), pt(p.height-120))
	p.times(first, last)
	p.bars(first, last)
	for _, b := range p.brackets() {
		if !p.covered(network.Up) && b.y2 >= first && b.y1 <= last {
			p.bracket(b)
		}
	}
	for _, a := range p.arrows {
		if max(a.y1, a.y2) >= first && min(a.y1, a.y2)-200 <= last {
			if p.Cover != "" {
				a = p.known(a)
			}
			if a != nil {
				p.arrow(a)
			}
		}
	}
	p.readings(first, last)
	p.failures()
	p.drawNotes(first, last)
	if p.Animate && !p.Inline {
		p.curtain()
	}
	p.out.WriteString("</svg>\n")
}

// settle finds out how much room the notes take.
func (p *picture) settle() {
	p.bars(0, p.height)
	p.readings(0, p.height)
	p.failures()
	p.drawNotes(0, p.height)
	p.out.Reset()
	p.notes = nil
}

func cmpOr(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// description tells the story to whoever can't see the picture.
func (p *picture) description() string {
	var list []string
	for _, s := range p.d.Story() {
		list = append(list, s.String())
	}
	if p.Cover != "" {
		return p.told()[0].String()
	}
	if len(list) == 0 {
		list = append(list, "Nothing was lost.")
	}
	sent := [2]int{}
	for _, a := range p.d.Packets {
		sent[a.Direction]++
	}
	return strings.Join(list, " ") +
		fmt.Sprintf(" Time goes down; the client is on the left, the server on the right. %s "+
			"from the client, %d from the server.",
			story.Count(sent[0], "packet"), sent[1])
}

// axis gives the heights of the moments: time in microseconds, top, bottom.
func (p *picture) axis() string {
	var b strings.Builder
	for i, m := range p.moments {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%d,%s,%s", m.at.Microseconds(), pt(m.top), pt(m.bottom))
	}
	return b.String()
}

// text writes a text with its class, font and attributes.
func (p *picture) text(x, y int, f font, class, more, text string) {
	fmt.Fprintf(&p.out, `<text x="%s" y="%s"`, pt(x), pt(y))
	p.textRest(f, class, more, text)
}

func (p *picture) textRest(f font, class, more, text string) {
	if f.size != 130 {
		fmt.Fprintf(&p.out, ` font-size="%s"`, pt(f.size))
	}
	if f.bold {
		p.out.WriteString(` font-weight="700"`)
	}
	if class != "" {
		fmt.Fprintf(&p.out, ` class="%s"`, class)
	}
	fmt.Fprintf(&p.out, "%s>%s</text>", more, escape(text))
}

const end = ` text-anchor="end"`

// head is the title, the sentences with their marks, and the names.
func (p *picture) head() {
	if p.Title != "" {
		p.text(120, 250, p.font(titleFont), "q", "", fit(p.Title, p.font(titleFont), p.width-240))
		p.out.WriteByte('\n')
	}
	for i, c := range p.clauses() {
		class := map[story.Topic]string{story.LostTopic: "l", story.Noticed: "a", story.Waited: "w",
			story.ThrownAway: "w", -1: "l"}[c.sentence.Topic]
		if c.sentence.Topic == story.Torn {
			class = "r"
		}
		fmt.Fprintf(&p.out, `<g id="%s%d"`, p.id("clause"), i+1)
		if p.Inline && c.sentence.Topic >= 0 {
			fmt.Fprintf(&p.out, ` data-true="%d"`, c.true.Microseconds())
		}
		p.out.WriteByte('>')
		p.mark(c.sentence.Topic, c.y)
		rest := len(together(c.sentence.Key)) // bytes of the bold beginning that are still to come
		for i, line := range c.lines {
			fmt.Fprintf(&p.out, `<text x="56" y="%s" font-size="%s"`,
				pt(c.y+205*i+50), pt(p.font(sentenceFont).size))
			if class != "" {
				fmt.Fprintf(&p.out, ` class="%s"`, class)
			}
			bold := min(rest, len(line))
			rest -= bold
			p.out.WriteByte('>')
			if bold > 0 {
				fmt.Fprintf(&p.out, `<tspan font-weight="700">%s</tspan>`, escape(line[:bold]))
			}
			fmt.Fprintf(&p.out, "%s</text>", escape(line[bold:]))
		}
		p.out.WriteString("</g>\n")
	}
	y := p.top - 60
	f := p.font(headFont)
	if p.narrow() {
		p.text(p.client-80, y, f, "", "", "Client") // beside the unit of time
	} else {
		p.text(p.client, y, f, "", ` text-anchor="middle"`, "Client")
	}
	p.text(p.server, y, f, "", ` text-anchor="middle"`, "Server")
	heading := "the application reads"
	if measure(heading, p.font(noteFont)) > p.width-p.server-measure("Server", f)/2-100 {
		heading = "reads"
	}
	if !p.covered(network.Down) {
		p.text(p.server+measure("Server", f)/2+70, y, p.font(noteFont), "r", "", heading)
	}
	p.out.WriteByte('\n')
}

// mark is what a sentence is about, as the picture draws it.
func (p *picture) mark(topic story.Topic, y int) {
	switch topic {
	case story.LostTopic:
		fmt.Fprintf(&p.out,
			`<path class="l n" d="M12 %sH38"/><path class="l" d="M38 %sl8 8m0-8l-8 8"/>`,
			pt(y), pt(y-40))
	case story.Noticed:
		if p.d.Protocol == "udp" {
			fmt.Fprintf(&p.out, `<path class="a o" d="M12 %sH46" marker-end="url(#%sa)"/>`,
				pt(y), p.id("h"))
			return
		}
		fmt.Fprintf(&p.out,
			`<path class="a x" d="M12 %sH42"/><path class="i" d="M12 %sH46" marker-end="url(#%sa)"/>`,
			pt(y), pt(y), p.id("h"))
	case story.Waited, story.ThrownAway:
		pattern := "wait"
		if topic == story.ThrownAway {
			pattern = "thrown"
		}
		fmt.Fprintf(&p.out,
			`<rect class="w" x="12" y="%s" width="34" height="11" fill="url(#%s)"/>`,
			pt(y-55), p.id(pattern))
	case story.Torn:
		fmt.Fprintf(&p.out,
			`<circle class="r" cx="18" cy="%s" r="3.5"/><circle class="r" cx="29" cy="%s" r="3.5"/><circle class="r" cx="40" cy="%s" r="3.5"/>`, pt(y), pt(y), pt(y))
	case coverTopic:
	default:
		p.diamond(290, y)
	}
}

func (p *picture) diamond(x, y int) {
	fmt.Fprintf(&p.out, `<path class="fl" stroke="none" d="M%s %sl5.5 5.5-5.5 5.5-5.5-5.5z"/>`,
		pt(x), pt(y-55))
}

// silences are bands with a word in them.
func (p *picture) silences() {
	for _, c := range p.cuts {
		text := "nothing for " + plain(c.length)
		fmt.Fprintf(&p.out,
			`<rect class="b" x="%s" y="%s" width="%s" height="%s" rx="6" stroke-width=".6"/>`,
			pt(p.client-60), pt(c.top), pt(p.server-p.client+120), pt(c.bottom-c.top))
		p.text((p.client+p.server)/2, (c.top+c.bottom)/2+45, p.font(noteFont), "",
			` text-anchor="middle"`, text)
		p.out.WriteByte('\n')
	}
}

// plain is a time without its words.
func plain(d time.Duration) string {
	if d >= time.Minute {
		return story.InWords(d)
	}
	return story.Millis(d)
}

// times stand at the left of their moments, where there is room.
func (p *picture) times(first, last int) {
	free, before := p.top, ""
	for _, m := range p.moments {
		if !m.shown || m.top < free || m.top < first || m.top > last {
			continue
		}
		text := fmt.Sprint(m.at.Round(time.Millisecond).Milliseconds())
		switch tenths := int(m.at / (100 * time.Millisecond)); {
		case m.at >= 1000*time.Second:
			text = fmt.Sprintf("%dm", tenths/600)
		case m.at >= 100*time.Second:
			text = fmt.Sprintf("%ds", tenths/10)
		case m.at >= 10*time.Second:
			text = fmt.Sprintf("%d.%ds", tenths/10, tenths%10)
		}
		if text == before {
			continue
		}
		p.text(350, m.top+40, p.font(timeFont), "q", end, text)
		free, before = m.top+150, text
	}
	p.text(350, p.top-60, p.font(timeFont), "q", end, "ms")
	p.out.WriteByte('\n')
}

func (p *picture) bracket(b bracket) {
	x := p.client - 60*(b.lane+1) - 40
	fmt.Fprintf(&p.out,
		`<path class="a" d="M%s %sH%sq-5 0-5 5V%sq0 5 5 5H%s" marker-end="url(#%sa)"/>`+"\n",
		pt(p.client), pt(b.y1), pt(x+50), pt(b.y2-50), pt(p.client), p.id("h"))
}

// bars stand beside the lifeline at which something waits, or is thrown away.
func (p *picture) bars(first, last int) {
	n := 0
	for _, g := range p.d.Gaps {
		if p.covered(network.Down) {
			break
		}
		var kept, thrown []*story.Arrival
		for _, a := range g.Later {
			if p.To > 0 && a.Time > p.To || a.Time < p.From {
				continue
			}
			switch {
			case a.Is == story.Kept && a.Until > a.Time && a.Length > 0: // the end is no word
				kept = append(kept, a)
			case a.Is == story.Thrown:
				thrown = append(thrown, a)
			}
		}
		list := append(kept, thrown...)
		if len(list) == 0 {
			continue
		}
		n++
		y1, y2 := p.arrivalY(list[0]), p.arrivalY(list[len(list)-1])
		if list[0].Time < g.Since {
			y1 = p.y(g.Since)
		}
		if g.Until > 0 {
			y2 = max(y2, p.y(g.Until))
		}
		if y2 < first || y1 > last {
			continue
		}
		missing := "what is missing"
		if g.Missing != nil {
			missing = strings.TrimSpace(g.Missing.Lack(18))
		}
		wait := "wait up to"
		if len(kept) == 1 {
			wait = "waits"
		}
		pattern, text := "wait", fmt.Sprintf("%s %s %s for %s",
			p.words(len(kept)), wait, plain(g.Until-kept1(kept, g)), missing)
		if len(thrown) > 0 {
			pattern, text = "thrown", fmt.Sprintf("%d arrive and are thrown away: %s is missing",
				len(thrown), missing)
			if len(thrown) == 1 {
				text = fmt.Sprintf("1 arrives and is thrown away: %s is missing", missing)
			}
		}
		fmt.Fprintf(&p.out,
			`<rect id="%s%d" class="w" x="%s" y="%s" width="12" height="%s" fill="url(#%s)"/>`+"\n",
			p.id("wait-"), n, pt(p.server+60), pt(y1), pt(max(y2-y1, 60)), p.id(pattern))
		p.note(note{y: (y1 + y2) / 2, font: boldNote, class: "w", text: text})
	}
}

func kept1(kept []*story.Arrival, g *story.Gap) time.Duration {
	if len(kept) == 0 {
		return g.Since
	}
	return kept[0].Time
}

// words says how many packets there are, as words where each is one.
func (p *picture) words(n int) string {
	if p.narrow() || p.d.Unit() != "word" {
		return fmt.Sprint(n)
	}
	return story.Count(n, "word")
}

// arrivalY is the height at which a packet arrives.
func (p *picture) arrivalY(arrival *story.Arrival) int {
	for _, a := range p.arrows {
		if a.arrival == arrival {
			return a.y2
		}
	}
	return p.y(arrival.Time)
}

// classes of an arrow: d data, k acknowledgement, l lost, a again.
func (a *arrow) class() string {
	switch {
	case a.Fate == story.Lost || a.arrival != nil && (a.arrival.Is == story.Damaged ||
		a.arrival.Is == story.Full):
		return "l"
	case a.Retransmits > 0:
		return "a"
	case a.Length == 0 && (a.Kind == trace.ACK || a.Kind == trace.Ack):
		return "k"
	}
	return "d"
}

// label is what the arrow says, in so much room: the same words as the ladder.
func (p *picture) label(a *arrow, f font, room int) string {
	after := ""
	switch {
	case a.Fate == story.UnderWay && !p.narrow():
		after = " … under way"
	case a.Loss == network.LostQueue && p.narrow():
		after = ", queue full"
	case a.Loss == network.LostQueue:
		after = " × queue full"
	case a.Fate == story.Lost:
		after = ", lost"
	case a.arrival != nil && a.arrival.Is == story.Damaged:
		after = ", damaged"
	case a.arrival != nil && a.arrival.Is == story.Full:
		after = " × buffer full"
	}
	again := ""
	if a.Retransmits > 0 {
		again = " again"
		if a.Why != "" {
			again += ": " + string(a.Why)
		}
	}
	if again == "" {
		after = strings.TrimPrefix(after, ",")
	}
	var text string
	for _, try := range []struct {
		short bool
		text  int
		why   bool
	}{{false, 16, true}, {true, 16, true}, {true, 16, false}, {true, 11, false}, {true, 8, false}} {
		suffix := again
		if !try.why && a.Retransmits > 0 {
			suffix = " again"
		}
		text = a.Label(try.short || !p.wide(a), try.text) + suffix + after
		if measure(text, f) <= room {
			return text
		}
	}
	return fit(text, f, room)
}

// wide says whether sequence numbers are worth their room: where they are what
// tells packets apart.
func (p *picture) wide(a *arrow) bool {
	return a.Retransmits == 0 && (!p.narrow() || a.class() == "k") && (a.Length == 0 ||
		!story.Readable(a.Text) || a.Length > 16)
}

// usualLabel is about how far from its begin such a label ends.
func (p *picture) usualLabel(a *arrow) int {
	switch {
	case len(a.SACK) > 0 && !p.narrow(), a.Length > 0 && p.wide(a):
		return 1800
	case a.Repeat > 0, a.Retransmits > 0 && a.Length > 0:
		return 1100
	}
	return 600
}

// arrow draws a packet: a group, or a link, with its line, head and label.
func (p *picture) arrow(a *arrow) {
	tag := p.open(a)
	cost, level := "", 0
	if p.Harm != nil && !a.copied {
		cost, level = p.Harm(a.Packet)
		fmt.Fprintf(&p.out, ` data-harm="%d"`, level)
		if cost != "" {
			cost = " · " + cost
		}
	}
	fmt.Fprintf(&p.out, `><title>%s</title>`, escape(p.sentence(a)))
	if level > 0 {
		fmt.Fprintf(&p.out,
			`<path class="w" stroke-opacity=".%d" stroke-width="%d" d="M%s %sL%s %s"/>`,
			15+15*level, 4+2*level, pt(a.x1), pt(a.y1), pt(a.x2), pt(a.y2))
	}
	p.line(a, a.class())
	if !a.copied {
		p.name(a, cost)
	}
	if p.differs.new[a.Packet] && !a.copied {
		p.diamond(a.x1, a.y1)
	}
	fmt.Fprintf(&p.out, "</%s>\n", tag)
}

// open begins the group or link, with what a page wants to know of the packet.
// The tag is still open: more may follow in it.
func (p *picture) open(a *arrow) (tag string) {
	name := fmt.Sprintf("%v-%d", a.Direction, a.Number)
	if a.copied {
		name += "-copy"
	}
	tag = "g"
	address := ""
	if p.Link != nil {
		address = p.Link(a.Packet)
	}
	if address != "" {
		tag = "a"
		fmt.Fprintf(&p.out, `<a href="%s"`, escape(address))
	} else {
		p.out.WriteString("<g")
	}
	fmt.Fprintf(&p.out, ` id="%s" data-at="%d" data-end="%d"`,
		p.id(name), a.At.Microseconds(), a.end.Microseconds())
	if p.Inline {
		fmt.Fprintf(&p.out, ` data-y="%s"`, pt(a.y1))
	}
	if a.Data > 0 {
		fmt.Fprintf(&p.out, ` data-drop="data:%d"`, a.Data)
	}
	if a.Fate == story.Lost {
		p.out.WriteString(` data-lost="1"`)
	}
	if a.Retransmits > 0 {
		fmt.Fprintf(&p.out, ` data-of="%s%v-%d"`, p.id(""), a.Direction, a.Retransmits)
	}
	if a.Packet.Cause != nil {
		fmt.Fprintf(&p.out, ` data-cause="%s%v-%d"`,
			p.id(""), a.Packet.Cause.Direction, a.Packet.Cause.Number)
	}
	if p.differs.new[a.Packet] {
		p.out.WriteString(` data-new="1"`)
	}
	return tag
}

// name writes at the arrow's begin what it is, and what its loss would cost.
func (p *picture) name(a *arrow, cost string) {
	class := a.class()
	f := p.font(labelFont)
	f.bold = class == "a" || class == "l"
	dx, dy := a.x2-a.x1, a.y2-a.y1
	length := max(1, root(dx*dx+dy*dy))
	room := length * 8 / 10
	if (class == "k" || class == "a") && dy > 0 { // a steep one crosses many others
		room = min(room, max(labelDrop*length/dy, 1100))
	}
	if p.narrow() || class == "k" {
		room = min(room, length*6/10) // what comes towards it has a label, too
	}
	if a.half { // nothing comes towards it
		room = length * 95 / 100
	}
	if a.Loss == network.LostQueue { // it lies level
		room = p.server - p.client - 500
	}
	text := p.label(a, f, room-measure(cost, f)) + cost
	side, sign := "", 1
	if dx < 0 {
		side, sign = end, -1
	}
	if a.Loss == network.LostQueue { // it never was on its way
		p.text(a.x1+sign*400, a.y1+45, f, class, side, text)
		return
	}
	// On the slant, a bit above the line: cosine and sine in thousandths.
	cos, sin := abs(dx)*1000/length, sign*dy*1000/length
	at := min(length/10, 110)
	x, y := a.x1+dx*at/length, a.y1+dy*at/length-45
	fmt.Fprintf(&p.out, `<text transform="matrix(%s %s %s %s %s %s)"`,
		thousandths(cos), thousandths(sin), thousandths(-sin), thousandths(cos), pt(x), pt(y))
	textClass := ""
	if f.bold {
		textClass = class
		f.bold = false // that is a matter of the class
	}
	p.textRest(f, textClass, side, text)
}

func thousandths(n int) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	if n%1000 == 0 {
		return fmt.Sprintf("%s%d", sign, n/1000)
	}
	return strings.TrimRight(fmt.Sprintf("%s.%03d", sign, n), "0")
}

// line draws an arrow's line.
func (p *picture) line(a *arrow, class string) {
	x2, y2 := a.x2, a.y2
	part := func(thousandths int) (x, y int) {
		return a.x1 + (a.x2-a.x1)*thousandths/1000, a.y1 + (a.y2-a.y1)*thousandths/1000
	}
	cross := true
	switch {
	case a.Loss == network.LostQueue:
		x2, y2 = a.x1+200, a.y1
		if a.x2 < a.x1 {
			x2 = a.x1 - 200
		}
	case a.Fate == story.Lost:
		x2, y2 = part(560)
	case a.Fate == story.UnderWay:
		x2, y2 = part(700)
		cross = false
	case a.arrival != nil && (a.arrival.Is == story.Damaged || a.arrival.Is == story.Full):
		x2, y2 = part(985)
	default:
		cross = false
	}
	path := fmt.Sprintf(`d="M%s %sL%s %s"`, pt(a.x1), pt(a.y1), pt(x2), pt(y2))
	if p.Link != nil { // a thin line is hard to hit
		fmt.Fprintf(&p.out, `<path stroke="#000" stroke-opacity="0" stroke-width="14" %s/>`, path)
	}
	head := fmt.Sprintf(` marker-end="url(#%s%s)"`, p.id("h"), class)
	if a.half && a.arrival == nil {
		head = ""
	}
	switch {
	case a.copied:
		fmt.Fprintf(&p.out, `<path class="%s o" %s%s/>`, class, path, head)
	case cross:
		fmt.Fprintf(&p.out, `<path class="l n" %s/><path class="l" d="M%s %sl10 10m0-10l-10 10"/>`,
			path, pt(x2-50), pt(y2-50))
	case a.Fate == story.UnderWay:
		fmt.Fprintf(&p.out, `<path class="%s n" %s/>`, class, path)
	case class == "a":
		// Two lines: one broad, and one in the background's colour on it.
		fmt.Fprintf(&p.out, `<path class="a x" %s/><path class="i" %s%s/>`, path, path, head)
	default:
		fmt.Fprintf(&p.out, `<path class="%s" %s%s/>`, class, path, head)
	}
}

// sentence says all of a packet; it begins with the words of its label.
func (p *picture) sentence(a *arrow) string {
	if a.half {
		return p.knownSentence(a)
	}
	who := ends[a.Direction]
	s := fmt.Sprintf("%s: packet %d of the %s, at %s",
		a.Label(false, 16), a.Number, who, story.Millis(a.At))
	if a.Retransmits > 0 {
		s += fmt.Sprintf(", packet %d again: %s", a.Retransmits, a.Why)
	}
	switch {
	case a.Fate == story.UnderWay:
		return s + ", still under way"
	case a.Loss == network.LostQueue:
		return s + ", lost: the queue was full"
	case a.Fate == story.Lost:
		return s + ", lost"
	case a.copied:
		s += ", second copy"
	}
	return s + ", arrives at " + story.Millis(a.end) + a.verdict()
}

// verdict says what the receiver does with it.
func (a *arrow) verdict() string {
	switch a.arrival.Is {
	case story.Damaged:
		return " damaged"
	case story.Full:
		return " and finds the buffer full"
	case story.Kept:
		if a.arrival.Missing != nil {
			return " and waits for " + a.arrival.Missing.Lack(16)
		}
		return " and waits"
	case story.Thrown:
		return " and is thrown away"
	case story.Already:
		return ": the receiver has it already"
	case story.NotKept:
		return " and is not kept"
	}
	return ""
}

// readings are dots on the server's lifeline, and what was read beside them.
// Of a stream, what is read at one moment is one note.
func (p *picture) readings(first, last int) {
	for i := 0; i < len(p.reads); {
		j, length, text, ends := i, 0, "", false
		for ; j < len(p.reads) && p.reads[j].At == p.reads[i].At &&
			p.reads[j].Direction == p.reads[i].Direction &&
			(j == i || p.d.Protocol != "udp"); j++ {
			r := p.reads[j]
			length += r.Length
			text += r.Text
			ends = ends || r.End
			if !p.covered(1-r.Direction) && r.y >= first && r.y <= last &&
				(j == i || r.y != p.reads[j-1].y) {
				fmt.Fprintf(&p.out, `<circle id="%s%d" class="r" cx="%s" cy="%s" r="3.6"/>`,
					p.id("read-"), j+1, pt(p.side(1-r.Direction)), pt(r.y))
			}
		}
		if p.covered(1 - p.reads[i].Direction) {
			i = j
			continue
		}
		said := story.Quoted(text, 90)
		switch {
		case length == 0:
			said = "the end"
		case length > 90 || !story.Readable(text) || strings.Contains(text, "\n") && length > 20:
			said = story.Count(length, "byte")
		}
		if ends && length > 0 {
			said += ", then the end"
		}
		p.note(note{y: p.reads[j-1].y, font: noteFont, class: "r", text: said})
		i = j
	}
	p.out.WriteByte('\n')
}

func (p *picture) failures() {
	for _, f := range p.d.Failures {
		if p.covered(f.Direction) {
			continue
		}
		p.note(note{y: p.y(f.At), font: boldNote, class: "l",
			text: [...]string{"client ", "server "}[f.Direction] + f.Text})
	}
}

// A note stands in the column on the right.
type note struct {
	y     int // of what it is about
	font  font
	class string
	text  string
}

func (p *picture) note(n note) {
	n.text = together(n.text)
	p.notes = append(p.notes, n)
}

// drawNotes puts them below each other, as near to what they are about as
// there is room; a line leads to one that had to move.
func (p *picture) drawNotes(first, last int) {
	slices.SortStableFunc(p.notes, func(a, b note) int { return a.y - b.y })
	free := p.top
	for _, n := range p.notes {
		f := p.font(n.font)
		lines := wrapped(n.text, f, p.width-p.right-60)
		line := f.size * 125 / 100
		y := max(n.y-line*(len(lines)-1)/2, free)
		free = y + line*len(lines) + 20
		if n.y < first || n.y > last {
			continue
		}
		if y-n.y > 100 {
			fmt.Fprintf(&p.out, `<path class="le" stroke-width=".7" d="M%s %sL%s %s"/>`,
				pt(p.server+100), pt(n.y), pt(p.right-20), pt(y))
		}
		for i, text := range lines {
			p.text(p.right, y+40+line*i, f, n.class, "", strings.TrimRight(text, " "))
		}
		p.out.WriteByte('\n')
		p.height = max(p.height, free+60)
	}
}
