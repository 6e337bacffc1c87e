package views

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/story"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// A Style is how a ladder is drawn. The zero Style is plain, for 80 columns.
type Style struct {
	Color bool
	Width int // columns; fewer than 80 are taken for 80
}

// WriteLadder draws the trace: time down the left, the client's lifeline, the
// server's lifeline, an arrow for each packet, and to the right what the
// application reads. Each packet has one row, at the time when it was sent;
// a second copy has one when it arrives. A read stands in the row of the packet
// that made it possible, if it happened when that arrived, and otherwise in a
// row at its own time. With color, losses and retransmissions stand out on a
// terminal; nothing depends on it.
func WriteLadder(w io.Writer, t *trace.Trace, style Style) error {
	rows := rowsOf(story.Of(t))
	whole, flight := true, time.Duration(0)
	for _, r := range rows {
		whole = whole && r.at%time.Millisecond == 0 && r.arrives()%time.Millisecond == 0
		if r.arrival != nil && r.arrival.Copy == 1 {
			flight = max(flight, r.arrives()-r.at)
		}
	}
	clock := tenths
	if whole {
		clock = wholes
	}
	left, right := 5, 8 // the heads are as wide
	for _, r := range rows {
		left = max(left, 1+len(clock(r.at)))
		right = max(right, 1+len(clock(r.arrives())))
	}
	lane, app := 0, 0 // what they need
	for _, r := range rows {
		if r.packet != nil {
			lane = max(lane, story.Width(labels(r, 1))+6+story.Width(r.end()))
		}
		app = max(app, story.Width(remark(r.arrival, 30)))
		if len(r.reads) > 0 {
			app = max(app, story.Width(reading(r.reads, style.Width)))
		}
	}
	out := bufio.NewWriter(w)
	d := newDrawing(out, style, clock, left, right, lane, app)
	d.head()
	for i, r := range rows {
		if i > 0 {
			// A long silence is worth a line.
			if pause := r.at - rows[i-1].at; pause >= max(100*time.Millisecond, 3*flight) {
				d.pause(pause)
			}
		}
		d.row(r)
	}
	return out.Flush()
}

// A row is one line of the ladder: of a packet, or of what an application or a
// host did.
type row struct {
	at      time.Duration
	packet  *story.Packet
	arrival *story.Arrival // nil: it did not arrive
	reads   []*story.Read
	text    string // of a failure
	marked  bool
}

func (r *row) copied() bool { return r.arrival != nil && r.arrival.Copy > 1 }

// second says whether the row follows others of the same time: what is read
// makes room, so that the host may send.
func (r *row) second() int {
	if r.packet == nil && len(r.reads) > 0 {
		return 0
	}
	return 1
}

// arrives is the time in the second column, or 0.
func (r *row) arrives() time.Duration {
	switch {
	case r.arrival != nil:
		return r.arrival.Time
	case r.packet == nil && len(r.reads) > 0:
		return r.at
	}
	return 0
}

// rowsOf makes a row of each packet and of each other thing worth seeing.
func rowsOf(d *story.Digest) []*row {
	var rows []*row
	of := map[*story.Arrival]*row{}
	for _, p := range d.Packets {
		r := &row{at: p.At, packet: p, marked: p.Marked}
		rows = append(rows, r)
		for _, a := range p.Arrivals {
			here := r
			if a.Copy > 1 {
				here = &row{at: a.Time, packet: p}
				rows = append(rows, here)
			}
			here.arrival, of[a] = a, here
		}
	}
	var own *row
	for _, read := range d.Reads {
		r := of[read.By]
		if r == nil || read.By.Time != read.At || read.End && len(r.reads) > 0 {
			if own == nil || own.at != read.At || read.End {
				own = &row{at: read.At}
				rows = append(rows, own)
			}
			r = own
		}
		r.reads, r.marked = append(r.reads, read), r.marked || read.Marked
	}
	for _, f := range d.Failures {
		who := [...]string{"client", "server"}[f.Direction]
		rows = append(rows, &row{at: f.At, text: who + " " + f.Text})
	}
	inOrder := func() {
		slices.SortStableFunc(rows, func(a, b *row) int {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.second(), b.second()))
		})
	}
	inOrder()
	// The application's column is read from top to bottom. What it reads
	// later than what stands further down gets a row at its own time.
	for moved := true; moved; {
		moved = false
		earliest := time.Duration(1<<63 - 1)
		for _, r := range slices.Backward(rows) {
			if len(r.reads) > 0 && r.packet != nil && !r.copied() && earliest < r.arrives() {
				rows = append(rows, &row{at: r.arrives(), reads: r.reads})
				r.reads, moved = nil, true
			}
			if r.arrives() > 0 && (len(r.reads) > 0 || remark(r.arrival, 80) != "") {
				earliest = min(earliest, r.arrives())
			}
		}
		inOrder()
	}
	return rows
}

// remark says what the receiver did with an arrival, if it was not just read.
func remark(a *story.Arrival, columns int) string {
	if a == nil {
		return ""
	}
	is := a.Is
	if a.Kind.TCP() && !a.Settled() {
		is = story.Unsaid
	}
	switch is {
	case story.Kept:
		if a.Missing == nil {
			return "waits"
		}
		return "waits for " + a.Missing.Lack(columns-len("waits for "))
	case story.Thrown:
		if a.Missing == nil {
			return "discarded"
		}
		return "discarded: no " + a.Missing.Lack(columns-len("discarded: no "))
	case story.Already:
		return "has it already"
	case story.NotKept:
		return "not kept"
	}
	return ""
}

// A drawing is a ladder that grows downwards. All signs but the text's own are
// in WGL4, the set of characters that every Windows console font has.
type drawing struct {
	out                    io.Writer
	color                  bool
	clock                  func(time.Duration) string // in milliseconds
	left, right, lane, app int                        // columns
}

// newDrawing shares the columns out: the application gets 20, and more if it
// needs more and the lane does not.
func newDrawing(out io.Writer, style Style, clock func(time.Duration) string, left, right, lane, app int) *drawing {
	room := max(style.Width, 80) - left - right - 4 // the lifelines, and a space at each
	lane = min(max(lane, room-app), room-20, 64)
	return &drawing{out: out, color: style.Color, clock: clock,
		left: left, right: right, lane: lane, app: room - lane}
}

func (d *drawing) emptyLane() string { return "│" + strings.Repeat(" ", d.lane) + "│" }

// line draws a line, with a sign in the first column of the time.
func (d *drawing) line(sign, left, right, lane, app, paint, appPaint string) {
	painted := func(text, paint string) string {
		if d.color && paint != "" && text != "" {
			return paint + text + "\x1b[0m"
		}
		return text
	}
	s := fmt.Sprintf("%s%*s%*s %s %s", sign, d.left-story.Width(sign), left, d.right, right,
		painted(lane, paint), painted(app, appPaint))
	fmt.Fprintln(d.out, strings.TrimRight(s, " "))
}

func (d *drawing) head() {
	d.line("", "sent", "arrives", fmt.Sprintf("CLIENT%*s", d.lane-4, "SERVER"), "", "", "")
	d.line("", "ms", "ms", d.emptyLane(), "the application", "", "")
}

func (d *drawing) pause(p time.Duration) {
	text := d.clock(p) + " ms later"
	if p >= time.Minute {
		text = story.InWords(p) + " later"
	}
	left := (d.lane - len(text)) / 2
	d.line("", "·", "", "│"+strings.Repeat(" ", left)+text+strings.Repeat(" ", d.lane-left-len(text))+"│", "", "", "")
}

const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	green  = "\x1b[32m"
	dim    = "\x1b[2m"
)

func (d *drawing) row(r *row) {
	sent, arrives := d.clock(r.at), ""
	switch {
	case r.copied(), r.packet == nil && len(r.reads) > 0:
		sent, arrives = "", d.clock(r.arrives()) // it was not sent at a time of its own
	case r.arrival != nil:
		arrives = d.clock(r.arrival.Time)
	case r.packet != nil && r.packet.Fate == story.UnderWay:
		arrives = "…"
	case r.packet != nil:
		arrives = "-"
	}
	lane, paint := d.emptyLane(), ""
	if r.packet != nil {
		lane, paint = d.arrow(r)
	}
	sign := ""
	if r.marked {
		sign = "►"
	}
	app, appPaint := d.application(r)
	if r.text != "" {
		for _, text := range wrap(r.text, d.lane-2) {
			lane = "│ " + text + strings.Repeat(" ", d.lane-2-story.Width(text)) + " │"
			d.line(sign, sent, arrives, lane, "", "", "")
			sign, sent = "", ""
		}
		return
	}
	d.line(sign, sent, arrives, lane, app, paint, appPaint)
}

// wrap breaks text into lines of so many columns, where there are spaces.
func wrap(text string, columns int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		word = story.Cut(word, columns)
		if line != "" && story.Width(line)+1+story.Width(word) > columns {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// application says what there is to say in the column of the application.
func (d *drawing) application(r *row) (app, paint string) {
	who := ""
	if r.arrival != nil && r.arrival.Direction == network.Down ||
		len(r.reads) > 0 && r.reads[0].Direction == network.Down {
		who = "client "
	}
	switch {
	case len(r.reads) > 0:
		if r.packet != nil && r.packet.Retransmits > 0 {
			paint = green // what was missing
		}
		app = who + reading(r.reads, d.app-len(who))
		if r.packet == nil {
			app = tag(r.reads[0].Connection) + app
		}
	default:
		if app = remark(r.arrival, d.app-len(who)); app == "" && r.packet != nil &&
			r.packet.Overtaken && r.packet.Direction == network.Up && !r.copied() {
			app = "overtaken"
		}
		if paint = dim; app != "" && who != "" {
			app = who + strings.TrimSuffix(app, " already")
		}
	}
	if story.Width(app) > d.app {
		app = story.Cut(app, d.app-1) + "…"
	}
	return app, paint
}

func tag(connection int) string {
	if connection > 1 {
		return fmt.Sprintf("#%d ", connection)
	}
	return ""
}

const longRead = 60 // bytes: of a longer read only the length is shown

// reading says what is read, in so many columns.
func reading(reads []*story.Read, columns int) string {
	length, text := 0, ""
	for _, r := range reads {
		length += r.Length
		text += r.Text
	}
	switch {
	case length == 0:
		return "reads the end"
	case length > longRead || !story.Readable(text) || length > columns && strings.Contains(text, "\n"):
		return "reads " + story.Count(length, "byte")
	}
	return "reads " + middle(text, columns-len("reads "))
}

// middle is text in quotes. From the middle of a long one words are left out.
func middle(text string, columns int) string {
	if s := fmt.Sprintf("%q", text); story.Width(s) <= columns {
		return s
	}
	words := strings.SplitAfter(text, " ")
	if words[len(words)-1] == "" {
		words = words[:len(words)-1]
	}
	last := ""
	if len(words) > 1 {
		last = words[len(words)-1]
	}
	for n := len(words) - 2; n > 0; n-- {
		s := fmt.Sprintf("%q", strings.Join(words[:n], "")+"… "+last)
		if story.Width(s) <= columns {
			return s
		}
	}
	return story.Quoted(text, columns)
}

// arrow draws the lane of a packet, and says in which colour. The label stands
// at the sender, the head of the arrow at the receiver.
func (d *drawing) arrow(r *row) (lane, paint string) {
	p := r.packet
	shaft, from := "─", "├"
	if p.Retransmits > 0 {
		shaft, from, paint = "═", "╞", yellow
	}
	if p.Direction == network.Down {
		from = map[string]string{"├": "┤", "╞": "╡"}[from]
	}
	end := r.end()
	if strings.HasPrefix(end, "×") {
		paint = red
	}
	up := p.Direction == network.Up
	if r.copied() {
		shaft, from = "·", "│"
	}
	if p.Direction == network.Down {
		end = turned(end)
	}

	// Beside the label: the shaft's first sign, two spaces, two more signs, and
	// the head or how it ends.
	room := d.lane - 5
	if end == "" {
		label := " " + label(r, room-1) + " "
		body := strings.Repeat(shaft, d.lane-2-story.Width(label))
		if up {
			return from + shaft + label + body + "►│", paint
		}
		return "│◄" + body + label + shaft + from, paint
	}
	size := story.Width(end) + 1
	text := " " + label(r, room-size) + " "
	room = d.lane - 1 - story.Width(text) - size
	length := max(min(room, d.lane*6/10-story.Width(text)), 2)
	if r.arrival != nil {
		length = room // to the other end, and no further
	}
	body, rest := strings.Repeat(shaft, length), strings.Repeat(" ", room-length)
	if up {
		return from + shaft + text + body + " " + end + rest + "│", paint
	}
	return "│" + rest + end + " " + body + text + shaft + from, paint
}

// end says how an arrow ends that does not do its work, else "".
func (r *row) end() string {
	switch p := r.packet; {
	case p.Fate == story.UnderWay:
		return "… under way"
	case p.Loss == network.LostQueue:
		return "× queue full"
	case p.Fate == story.Lost:
		return "× lost"
	case r.arrival != nil && r.arrival.Is == story.Damaged:
		return "× damaged"
	case r.arrival != nil && r.arrival.Is == story.Full:
		return "× buffer full"
	}
	return ""
}

// turned is the end of an arrow that goes to the left: the sign comes last.
func turned(end string) string {
	sign, word, ok := strings.Cut(end, " ")
	if !ok {
		return end
	}
	return word + " " + sign
}

// labels are the ways to say what a packet is, from the longest to the
// shortest.
func labels(r *row, i int) string {
	p := r.packet
	suffix := ""
	switch {
	case r.copied():
		suffix = " (second copy)"
		single := *p
		single.Repeat, p = 0, &single
	case p.Retransmits > 0:
		suffix = fmt.Sprintf(" = %d again", p.Retransmits)
		if p.Why != "" {
			suffix += ": " + string(p.Why)
		}
	}
	if i == len(texts) { // it carries what the other one did
		return fmt.Sprintf("%s%d%s", tag(p.Connection), p.Number, suffix)
	}
	return fmt.Sprintf("%s%d: %s%s", tag(p.Connection), p.Number, p.Label(i > 0, texts[i]), suffix)
}

var texts = [...]int{16, 16, 11, 8} // columns of a payload in the labels

// label says what a packet is, in so many columns.
func label(r *row, columns int) (s string) {
	for i := range len(texts) + 1 {
		if i == len(texts) && r.packet.Retransmits == 0 {
			break
		}
		if s = labels(r, i); story.Width(s) <= columns {
			return s
		}
	}
	return story.Cut(s, columns-1) + "…"
}

// wholes are whole milliseconds, and seconds from a thousand on.
func wholes(at time.Duration) string {
	if at >= 1000*time.Second {
		return fmt.Sprintf("%.1fs", at.Seconds())
	}
	return fmt.Sprint(at.Milliseconds())
}

// tenths of a millisecond, while there is room for them.
func tenths(at time.Duration) string {
	if at >= 100*time.Second {
		return wholes(at)
	}
	return fmt.Sprintf("%.1f", float64(at.Microseconds())/1000)
}
