// Package document makes one document of a run: all that a page, or whoever
// else shows the run, needs to know. The page adds nothing of its own: it
// shows sentences, ranges and a picture, and knows no protocol.
package document

// A Document is a run, whole: it can be stepped through forward and back.
// Times are virtual, in microseconds since the start of the run.
type Document struct {
	Version int    `json:"version"` // 1
	Command string `json:"command"` // that shows the same run in a terminal
	Names   string `json:"names"`   // which packets it names, in a sentence
	Address string `json:"address"` // the settings: flag=value&…, only what is not the default

	Settings []Setting `json:"settings"` // in the order of the flags
	Problems []string  `json:"problems"` // what the address asked for and can't be; the rest works
	Notes    []string  `json:"notes"`    // such as losses that were taken back

	Protocol string   `json:"protocol"`
	Result   Result   `json:"result"`
	Story    []string `json:"story"`   // what was lost, who noticed and how, what it cost
	Picture  string   `json:"picture"` // SVG
	Text     string   `json:"text"`    // the ladder, as a terminal shows it

	Packets []Packet `json:"packets"` // in the order of their sending
	Events  []Event  `json:"events"`  // in the order of time
	States  []State  `json:"states"`  // of both ends; events refer to them by index
	Plots   []Plot   `json:"plots"`   // on the picture's own axis of time

	// What packets, events and states refer to by index: most of it is the
	// same for many of them.
	Fields  []Field  `json:"fields"`
	Facts   []Fact   `json:"facts"`
	Sources []Source `json:"sources"`

	Part   *Part  `json:"part,omitempty"`   // of a long run: what of it the picture shows
	Before string `json:"before,omitempty"` // what differs from the run before, in a sentence
}

// A Setting is a flag, for a form.
type Setting struct {
	Name    string   `json:"name"`
	Value   string   `json:"value"`
	Default string   `json:"default"`
	Usage   string   `json:"usage"`
	Choices []string `json:"choices,omitempty"` // empty: any text that the flag takes
	// the protocols that it means something to; empty: all
	For     []string `json:"for,omitempty"`
	Problem string   `json:"problem,omitempty"` // with the value that was asked for
}

// A Result is how the run ended.
type Result struct {
	Whole   bool   `json:"whole"`   // every byte was read, in order
	Verdict string `json:"verdict"` // in a sentence
	Ended   int64  `json:"ended_us"`
	Read    int64  `json:"read_us"` // when the last byte was read
	Error   string `json:"error,omitempty"`
}

// A Packet is one packet that was sent.
type Packet struct {
	ID        string `json:"id"` // "up-5": also the id of its group in the picture
	Direction string `json:"direction"`
	Number    int    `json:"number"`
	Label     string `json:"label"` // as on its arrow
	Name      string `json:"name"`  // in commands and addresses: "data:3", "down:4"
	// what became of it, for a title and for those who can't see it
	Sentence string `json:"sentence"`
	Sent     int64  `json:"sent_us"`
	Fate     string `json:"fate"` // "arrived", "lost", "queue full", "damaged", "buffer full", "under way"

	// index in Sources: the line of the protocol's code that sent it; -1: none
	Source int    `json:"source"`
	Fields []int  `json:"fields"` // indexes in Fields: of its headers
	Bytes  string `json:"bytes"`  // hexadecimal, at most the headers and 64 bytes of payload

	Toggle     string `json:"toggle,omitempty"`      // the address where it is lost, or spared
	ToggleWord string `json:"toggle_word,omitempty"` // "lose" or "spare"
	Fixed      string `json:"fixed,omitempty"`       // why neither can be
}

// A Field is one field of a packet's header.
type Field struct {
	Name    string `json:"name"`
	Bits    int    `json:"bits"`
	Value   string `json:"value"`
	Meaning string `json:"meaning"`
}

// A Source is a place in the code, with the lines around it.
type Source struct {
	Where string   `json:"where"` // "engine/arq/gobackn.go:57"
	From  int      `json:"from"`  // number of the first line
	Lines []string `json:"lines"`
	Here  int      `json:"here"` // index in Lines
}

// An Event is one step. The state that it shows is the one after it.
type Event struct {
	At   int64  `json:"at_us"`
	What string `json:"what"`
	// where it happens: "client", "server"; "": in the network
	End      string   `json:"end"`
	Packet   string   `json:"packet,omitempty"` // id
	Sentence string   `json:"sentence"`
	Causes   []string `json:"causes,omitempty"` // ids of what lights up with it
	Client   int      `json:"client"`           // index in States, -1 before the first
	Server   int      `json:"server"`
	Queue    [2]int   `json:"queue"`  // packets that wait for the link, by direction
	Source   int      `json:"source"` // as in Packet
}

// A State is what one end knows after an event.
type State struct {
	Name   string  `json:"name,omitempty"`   // of a state machine
	Ranges []Range `json:"ranges"`           // of its number line
	Window string  `json:"window,omitempty"` // how far it reaches, in a sentence
	// indexes in Facts: round trip, timeout, congestion window …
	Facts []int  `json:"facts"`
	Timer *Timer `json:"timer,omitempty"` // that runs
	Says  string `json:"says"`            // the state in a sentence
}

// A Range is a part of a number line: From is in it, To is not.
type Range struct {
	From uint32 `json:"from"`
	To   uint32 `json:"to"`
	Is   string `json:"is,omitempty"`
	Text string `json:"text,omitempty"` // the bytes, if they are few
}

// A Fact is a value of a state, to be shown beside its name.
type Fact struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Meaning string `json:"meaning,omitempty"`
}

// A Timer is the one that runs.
type Timer struct {
	Set int64  `json:"set_us"`
	Due int64  `json:"due_us"`
	For string `json:"for"`
}

// A Plot is a curve over the run's time.
type Plot struct {
	Name string `json:"name"`
	SVG  string `json:"svg"`
	Text string `json:"text"` // in a sentence
}

// A Part is what the picture shows of a run that is too long to be drawn whole.
// Heights are points of the whole picture.
type Part struct {
	Top      int    `json:"top"`
	Bottom   int    `json:"bottom"`
	Height   int    `json:"height"`             // of the whole picture
	Previous string `json:"previous,omitempty"` // address of the part above
	Next     string `json:"next,omitempty"`     // and of the one below
}
