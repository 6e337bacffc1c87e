package document

// A Preset is an example, in the order of the chapter.
type Preset struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Watch   string `json:"watch"` // what to look at
}

// Presets are the steps of the chapter.
var Presets = []Preset{
	{"TCP loses a word", "drop=data:3",
		"One word is lost. The server repeats ACK 12, and the third repeat tells the client " +
			"what is missing. The later words wait at the server all the while."},
	{"UDP loses a word", "protocol=udp&drop=data:3",
		"Nobody acknowledges, so nobody notices: the sentence stays torn. Lose another word."},
	{"UDP out of order", "protocol=udp&duplicate=0.3&reorder=0.4&seed=3",
		"Arrows cross: what was sent later arrives earlier, and the application reads it as it " +
			"comes. Some words come twice."},
	{"Stop and wait", "protocol=stop-and-wait&drop=data:3",
		"One packet at a time, and a timer for it. Most of the time both ends wait. Lose an " +
			"acknowledgement, and see why packets need numbers."},
	{"Go-back-N", "protocol=go-back-n&drop=data:3",
		"Several packets are under way, but the receiver throws away what comes too early. After " +
			"the timeout all of them come again."},
	{"Selective repeat", "protocol=selective-repeat&drop=data:3",
		"The receiver keeps what comes too early, and only the lost packet comes again. It still " +
			"takes a timeout to notice."},
	{"The last word is lost", "drop=data:8",
		"Only the FIN comes behind the last word: one acknowledgement repeats, and the client " +
			"needs three. So only the timer notices, which is the slowest way."},
	{"The tail is probed", "rack=true&drop=up:11,data:8",
		"The last word is lost, and the FIN behind it: no acknowledgement repeats at all. With " +
			"RACK-TLP the client does not wait for its timer. It asks after two round trips of " +
			"silence."},
	{"Three repeats, and why three", "every=2ms&reorder=0.3&seed=7",
		"Nothing is lost here: packets only overtake each other. Some acknowledgements repeat " +
			"all the same. With one or two instead of three there would be more false alarms."},
	{"A slow reader", "bytes=9000&receive-buffer=3000&read-rate=20000",
		"The server's application reads slowly. The window in its acknowledgements shrinks until " +
			"the client must stop, and opens again."},
	{"A queue in front of a slow link", "bytes=60000&rate=1Mbit&queue=5",
		"Too much at once, and the queue drops packets. The client takes that as a sign and " +
			"halves its congestion window: the saw below the picture."},
}

// PresetOf is the preset with an address, or nil.
func PresetOf(address string) *Preset {
	for i := range Presets {
		if Presets[i].Address == address {
			return &Presets[i]
		}
	}
	return nil
}
