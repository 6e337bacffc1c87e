package views

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// The ladder's columns: two times, the lane between the lifelines, and what
// the application reads. All signs but the text's own are in WGL4, the set of
// characters that every Windows console font has.
const (
	timeWidth = 8
	laneWidth = 52
	appWidth  = 27

	longRead    = 60   // bytes: of a longer read only the length is shown
	smallWindow = 5000 // bytes: a smaller window is shown
)

// A row is one line of the ladder.
type row struct {
	at         time.Duration
	connection int // shown if it is not the only one, or the first
	direction  network.Direction
	number     int
	packet     *trace.Header // nil: no packet, but what an application or a host did
	loss       network.Loss
	copy       bool // the second arrival of a duplicate
	arrived    bool
	arrives    time.Duration
	damaged    bool
	app        string
	text       string // read by the application at that moment
	length     int    // bytes of it
	marked     bool
}

// WriteLadder draws the trace: time down the left, the client's lifeline, the
// server's lifeline, an arrow for each packet, and to the right what the
// application reads at the moment when it reads it. Each packet has one row,
// at the time when it was sent. With color, losses and retransmissions stand
// out on a terminal; nothing depends on it.
func WriteLadder(w io.Writer, t *trace.Trace, color bool) error {
	rows := rowsOf(t)
	whole, flight := true, time.Duration(0)
	for _, r := range rows {
		whole = whole && r.at%time.Millisecond == 0 && r.arrives%time.Millisecond == 0
		if r.arrived && !r.copy {
			flight = max(flight, r.arrives-r.at)
		}
	}
	clock := func(at time.Duration) string {
		if whole {
			return fmt.Sprint(at.Milliseconds())
		}
		return tenths(at)
	}

	out := bufio.NewWriter(w)
	d := drawing{out, color, clock}
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

// A drawing is a ladder that grows downwards.
type drawing struct {
	out   io.Writer
	color bool
	clock func(time.Duration) string // in milliseconds
}

var emptyLane = "│" + strings.Repeat(" ", laneWidth) + "│"

func (d *drawing) line(left, right, lane, app, paint string) {
	d.pointed("", left, right, lane, app, paint)
}

// pointed draws a line with a sign before it, in the first column of the time.
func (d *drawing) pointed(sign, left, right, lane, app, paint string) {
	if d.color && paint != "" {
		lane = paint + lane + "\x1b[0m"
	}
	left = sign + fmt.Sprintf("%*s", timeWidth-1-utf8.RuneCountInString(sign), left)
	s := fmt.Sprintf("%s%*s  %s  %s", left, timeWidth, right, lane, app)
	fmt.Fprintln(d.out, strings.TrimRight(s, " "))
}

func (d *drawing) head() {
	d.line("sent", "arrives", fmt.Sprintf("CLIENT%*s", laneWidth-4, "SERVER"), "", "")
	d.line("ms", "ms", emptyLane, "the application", "")
}

func (d *drawing) pause(p time.Duration) {
	d.line("·", "", centered(fmt.Sprintf("%s ms later", d.clock(p))), "", "")
}

func (d *drawing) row(r *row) {
	app := wrap(r.app, appWidth)
	sent, arrives := d.clock(r.at), ""
	switch {
	case r.copy: // made in the network: it was not sent at a time of its own
		sent, arrives = "", d.clock(r.arrives)
	case r.arrived:
		arrives = d.clock(r.arrives)
	case r.packet != nil:
		arrives = "-"
	}
	lane, paint := emptyLane, ""
	if r.packet != nil {
		lane, paint = r.lane()
	}
	sign := ""
	if r.marked {
		sign = "►"
	}
	d.pointed(sign, sent, arrives, lane, app[0], paint)
	for _, more := range app[1:] {
		d.line("", "", emptyLane, more, "")
	}
}

// tenths of a millisecond, while there is room for them.
func tenths(at time.Duration) string {
	if at >= 100*time.Second {
		return fmt.Sprint(at.Milliseconds())
	}
	return fmt.Sprintf("%.1f", float64(at.Microseconds())/1000)
}

// rows makes a row of each packet and of each other thing worth seeing.
func rowsOf(t *trace.Trace) []*row {
	type name struct {
		direction network.Direction
		number    int
	}
	var rows []*row
	packets := map[name]*row{}
	var last *row // the last arrival at the server
	got := receiver{keeps: t.Protocol != "go-back-n" && t.Protocol != "stop-and-wait", bytes: t.Protocol == "tcp", texts: map[uint32]string{}}
	if t.Protocol == "udp" {
		got.texts = nil
	}

	for _, e := range t.Events {
		id := name{e.Direction, e.Number}
		switch e.Kind {
		case trace.Sent:
			r := &row{at: e.At, direction: e.Direction, number: e.Number, packet: e.Packet, marked: e.Marked}
			rows, packets[id] = append(rows, r), r
			if e.Direction == network.Up {
				got.sent(e.Packet)
			}
		case trace.Lost:
			packets[id].loss = e.Loss
		case trace.Arrived, trace.Discarded:
			r := packets[id]
			if e.Copy > 1 {
				r = &row{at: e.At, direction: e.Direction, number: e.Number, packet: e.Packet, copy: true}
				rows = append(rows, r)
			}
			r.arrived, r.arrives, r.damaged = true, e.At, e.Kind == trace.Discarded
			if e.Direction == network.Up {
				last = r
				if !r.damaged {
					r.app = got.arrives(e.Packet)
				}
			}
		case trace.Read:
			r := last
			if r == nil || r.arrives != e.At {
				r = &row{at: e.At}
				rows = append(rows, r)
			}
			r.marked = r.marked || e.Marked
			r.length += e.Length
			r.text += e.Text
			r.app = fmt.Sprintf("reads %q", r.text)
			if r.length > longRead {
				r.app = fmt.Sprintf("reads %d bytes", r.length)
			}
		case trace.End:
			if last != nil && last.arrives == e.At && last.app == "" {
				last.app = "reads the end"
			} else if last != nil && last.arrives == e.At {
				last.app += ", then the end"
			} else {
				rows = append(rows, &row{at: e.At, app: "reads the end"})
			}
		case trace.Failed:
			who := [...]string{"client", "server"}[e.Direction]
			rows = append(rows, &row{at: e.At, app: who + " " + e.Text})
		}
	}
	slices.SortStableFunc(rows, func(a, b *row) int { return int(a.at - b.at) })
	return rows
}

// A receiver follows what has arrived at the server, to say what the
// application waits for.
type receiver struct {
	keeps bool              // what comes out of order
	bytes bool              // sequence numbers count bytes, not packets
	next  uint32            // all before it has arrived
	ahead map[uint32]uint32 // what has arrived beyond it: from, to
	texts map[uint32]string // by sequence number; nil if nobody waits for order
}

func (v *receiver) sent(p *trace.Header) {
	if v.texts != nil && p.Length > 0 && p.Retransmits == 0 {
		v.texts[p.Seq] = p.Text
	}
}

// arrives says what a packet's arrival means, if the application reads
// nothing at that moment.
func (v *receiver) arrives(p *trace.Header) string {
	if v.texts == nil || p.Length == 0 || p.Why == trace.WindowProbe {
		return ""
	}
	if v.next == 0 {
		v.next, v.ahead = 1, map[uint32]uint32{} // both kinds begin with 1
	}
	size := uint32(1)
	if v.bytes {
		size = uint32(p.Length)
	}
	end := p.Seq + size
	_, twice := v.ahead[p.Seq]
	switch {
	case end <= v.next || twice:
		return "has it already"
	case p.Seq > v.next && !v.keeps:
		return fmt.Sprintf("discarded: %s is missing", v.missing())
	case p.Seq > v.next:
		v.ahead[p.Seq] = end
		return fmt.Sprintf("waits for %s", v.missing())
	}
	for ok := true; ok; end, ok = v.ahead[v.next] {
		delete(v.ahead, v.next)
		delete(v.texts, v.next)
		v.next = end
	}
	return ""
}

func (v *receiver) missing() string {
	if text, ok := v.texts[v.next]; ok {
		return quoted(text, 12)
	}
	return "what is missing"
}

// lane draws the arrow of a packet, and says in which colour.
func (r *row) lane() (lane, paint string) {
	shaft, from := "─", "├"
	if r.packet.Retransmits > 0 {
		shaft, from, paint = "═", "╞", "\x1b[33m"
	}
	if r.direction == network.Down {
		from = map[string]string{"├": "┤", "╞": "╡"}[from]
	}
	end := ""
	switch {
	case r.loss == network.LostQueue:
		end = "queue full"
	case r.loss != network.NotLost:
		end = "lost"
	case r.damaged:
		end = "damaged"
	}
	if r.copy {
		shaft, from = "·", "│"
	}

	// The label stands at the sender, the head of the arrow at the receiver.
	label := " " + r.label(laneWidth-6) + " "
	if end == "" {
		body := strings.Repeat(shaft, laneWidth-2-utf8.RuneCountInString(label))
		if r.direction == network.Up {
			return from + shaft + label + body + "►│", paint
		}
		return "│◄" + body + label + shaft + from, paint
	}

	// A packet that is lost gets no further than the middle, if its label is
	// short enough. One that is damaged arrives, and is of no use.
	paint = "\x1b[31m"
	size := len(end) + 3 // with the sign and spaces
	label = " " + r.label(laneWidth-size-3) + " "
	room := laneWidth - 1 - utf8.RuneCountInString(label) - size
	length := max(min(room, laneWidth*6/10-utf8.RuneCountInString(label)), 0)
	if r.damaged {
		length = room
	}
	body, rest := strings.Repeat(shaft, length), strings.Repeat(" ", room-length)
	if r.direction == network.Up {
		return from + shaft + label + body + " × " + end + rest + "│", paint
	}
	return "│" + rest + end + " × " + body + label + shaft + from, paint
}

// label says what a packet is, in at most width characters.
func (r *row) label(width int) string {
	p := r.packet
	var s string
	tcp := p.Kind.TCP()
	switch {
	case p.Why == trace.WindowProbe || p.Why == trace.KeepAlive:
		s = string(p.Why)
	case p.Kind == trace.Datagram:
		s = carried(p)
	case !tcp && p.HasAck:
		s = fmt.Sprintf("ack %d", p.Ack)
	case !tcp && p.Length > 0:
		s = fmt.Sprintf("data %d %s", p.Seq, carried(p))
	case !tcp:
		s = fmt.Sprintf("%s %d", p.Kind, p.Seq)
	case p.Length > 0:
		s = fmt.Sprintf("%s seq %d", carried(p), p.Seq)
		if p.Kind != trace.ACK {
			s += " " + strings.TrimSuffix(string(p.Kind), " ACK")
		}
	case p.Kind == trace.ACK:
		s = fmt.Sprintf("ACK %d", p.Ack)
		for i, block := range p.SACK {
			if i == 2 {
				s += " …"
				break
			}
			s += fmt.Sprintf(" SACK %d-%d", block[0], block[1])
		}
		if p.Window < smallWindow {
			s += fmt.Sprintf(" window %d", p.Window)
		}
	case p.Kind.Has("FIN"):
		s = fmt.Sprintf("%s seq %d", strings.Replace(string(p.Kind), " ACK", "", 1), p.Seq)
		if r.direction == network.Down {
			s += fmt.Sprintf(" ACK %d", p.Ack)
		}
	default:
		s = string(p.Kind)
	}
	s = fmt.Sprintf("%d: %s", r.number, s)
	if r.connection > 1 {
		s = fmt.Sprintf("#%d %s", r.connection, s)
	}
	switch {
	case r.copy:
		s += " (second copy)"
	case p.Retransmits > 0:
		s += fmt.Sprintf(" = %d again", p.Retransmits)
		if p.Why != "" {
			s += ": " + string(p.Why)
		}
	}
	if n := []rune(s); len(n) > width {
		s = string(n[:width-1]) + "…"
	}
	return s
}

// carried is the payload, in quotes if it is text.
func carried(p *trace.Header) string {
	text := p.Text
	if len(text) < p.Length { // cut, maybe in the middle of a character
		for i := 0; i < utf8.UTFMax && !utf8.ValidString(text); i++ {
			text = text[:len(text)-1]
		}
	}
	for _, r := range text {
		if r == utf8.RuneError || r < ' ' && r != '\n' && r != '\r' && r != '\t' {
			return fmt.Sprintf("%d bytes", p.Length)
		}
	}
	return quoted(text, 14)
}

// quoted is %q of at most n characters of text.
func quoted(text string, n int) string {
	r := []rune(text)
	if len(r) > n {
		r = append(r[:n-1], '…')
	}
	return fmt.Sprintf("%q", string(r))
}

// centered puts text in the middle of an empty lane.
func centered(text string) string {
	left := (laneWidth - utf8.RuneCountInString(text)) / 2
	return "│" + strings.Repeat(" ", left) + text +
		strings.Repeat(" ", laneWidth-left-utf8.RuneCountInString(text)) + "│"
}

// wrap breaks text into lines of at most n characters, after spaces.
func wrap(text string, n int) (lines []string) {
	r := []rune(text)
	for len(r) > n {
		end := n
		for end > n/2 && r[end-1] != ' ' {
			end--
		}
		if r[end-1] != ' ' {
			end = n
		}
		lines = append(lines, string(r[:end]))
		r = append([]rune("  "), r[end:]...)
	}
	return append(lines, string(r))
}
