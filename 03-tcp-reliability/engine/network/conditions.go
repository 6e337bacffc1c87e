package network

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/flags"
)

// Conditions are what is wrong with a network. The zero value is a perfect
// one, without any delay.
type Conditions struct {
	Loss  Probability // of each packet
	Burst Mean        // mean length of a run of losses; 0: no runs, each by itself
	Drop  Script      // exactly these packets
	Spare Script      // these are not lost by chance

	Duplicate Probability // a packet arrives twice
	Reorder   Probability // a packet is held back, and others overtake it
	Corrupt   Probability // one bit of a packet is flipped

	Delay  time.Duration // one way
	Jitter time.Duration // the delay varies by this much, up and down
	Rate   Rate          // of the link, 0: it takes no time
	Queue  int           // this many packets may wait for the link; one more is lost
	Only   Only          // the direction that loss, duplicate, reorder and corrupt hit
	Seed   int64
}

// Default is the network of every program, before its flags change it.
func Default() Conditions {
	return Conditions{Delay: 10 * time.Millisecond, Queue: 20, Seed: 1}
}

// The bounds of the settings.
const (
	MaxDelay = time.Hour
	MaxQueue = 1_000_000 // packets
)

// Flags defines a flag for each condition. What c holds is the default.
func (c *Conditions) Flags(fs *flag.FlagSet) {
	fs.Var(&c.Loss, "loss", "each packet is lost with this `probability`, such as 0.2")
	fs.Var(&c.Burst, "burst",
		"with -loss: losses come in runs of this mean `length` in packets, at the same mean rate")
	fs.Var(&c.Drop, "drop", "exactly these `packets` are lost, such as up:3,down:5-6 or data:3")
	fs.Var(&c.Spare, "spare", "with -loss: these `packets` are not lost by chance, such as up:7")
	fs.Var(&c.Duplicate, "duplicate", "a packet arrives twice with this `probability`")
	fs.Var(&c.Reorder, "reorder", "a packet is held back and overtaken with this `probability`")
	fs.Var(&c.Corrupt, "corrupt", "one bit of a packet is flipped with this `probability`")
	flags.Duration(fs, &c.Delay, "delay", "one-way `delay`")
	flags.Duration(fs, &c.Jitter, "jitter",
		"the delay varies by up to this `duration`, up and down")
	fs.Var(&c.Rate, "rate",
		"`speed` of the link, such as 1Mbit (a second); 0: packets take no time to send")
	flags.Int(fs, &c.Queue, "queue",
		"with -rate: this many `packets` may wait for the link; one more is lost")
	fs.Var(&c.Only, "only", "the random faults hit one `direction` alone: up or down")
	fs.Int64Var(&c.Seed, "seed", c.Seed, "the `number` that all random decisions grow from")
}

// FaultFlags are the flags that make the network a bad one.
var FaultFlags = []string{"loss", "burst", "drop", "duplicate", "reorder", "corrupt",
	"jitter", "rate"}

// Faulty says whether chance may do anything to a packet.
func (c *Conditions) Faulty() bool {
	return c.Loss > 0 || c.Duplicate > 0 || c.Reorder > 0 || c.Corrupt > 0
}

// Validate objects to conditions that make no sense.
func (c Conditions) Validate() error {
	switch {
	case c.Delay < 0 || c.Delay > MaxDelay:
		return flags.Invalid("delay", c.Delay, "must be from 0 to %v", MaxDelay)
	case c.Jitter < 0 || c.Jitter > MaxDelay:
		return flags.Invalid("jitter", c.Jitter, "must be from 0 to %v", MaxDelay)
	case c.Queue < 0 || c.Queue > MaxQueue:
		return flags.Invalid("queue", c.Queue, "must be from 0 to %d packets", MaxQueue)
	}
	if c.Burst > 0 {
		// The runs of losses have a mean length of b. To lose the share p,
		// those between them have one of b(1-p)/p, which must be 1 or more.
		if toBad, _ := c.transitions(); toBad > Certain {
			return flags.Invalid("loss", c.Loss, "must be at most %.2f with -burst %v",
				float64(c.Burst)/float64(c.Burst+one), c.Burst)
		}
	}
	return nil
}

// Missing says what a flag needs in order to mean something, or "".
func (c *Conditions) Missing(name string) string {
	switch {
	case name == "burst" && c.Loss == 0:
		return "-loss, such as -loss 0.1: how many packets are lost"
	case name == "spare" && c.Loss == 0:
		return "-loss, such as -loss 0.1: it spares what chance takes"
	case name == "queue" && c.Rate == 0:
		return "-rate, such as -rate 1Mbit: the speed of the link"
	case name == "only" && !c.Faulty():
		return "a fault that it limits, such as -loss 0.1"
	}
	return ""
}

// Check objects to conditions that make no sense, and to flags that were given
// and mean nothing without another.
func (c *Conditions) Check(given map[string]bool) error {
	if err := c.Validate(); err != nil {
		return err
	}
	for _, name := range []string{"burst", "spare", "queue", "only"} {
		if missing := c.Missing(name); given[name] && missing != "" {
			return &flags.Error{Flag: name, Text: "flag -" + name + " needs " + missing}
		}
	}
	return nil
}

// Parse reads flags such as "-loss 0.2 -delay 5ms", to be used where a program
// sets the conditions by itself.
func Parse(text string) (Conditions, error) {
	c := Default()
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	c.Flags(fs)
	if err := fs.Parse(strings.Fields(text)); err != nil {
		return c, err
	}
	return c, c.Check(flags.Given(fs))
}

// transitions are the probabilities of Gilbert's model, after each packet:
// that a run of losses begins, and that it ends.
func (c *Conditions) transitions() (toBad, toGood Probability) {
	if c.Burst == 0 {
		return 0, 0
	}
	if c.Loss == Certain {
		return Certain + 1, 0
	}
	toGood = Probability(int64(Certain) * one / int64(c.Burst))
	return toGood * c.Loss / (Certain - c.Loss), toGood
}

// pause is the least delay that lets later packets overtake, even those that
// follow at once.
func (c *Conditions) pause() time.Duration { return max(c.Delay, time.Millisecond) }

// String gives the flags of all conditions that are not zero.
func (c Conditions) String() string {
	var s []string
	add := func(set bool, name string, value any) {
		if set {
			s = append(s, fmt.Sprintf("-%s %v", name, value))
		}
	}
	add(c.Loss > 0, "loss", c.Loss)
	add(c.Burst > 0, "burst", c.Burst)
	add(!c.Drop.empty(), "drop", c.Drop)
	add(!c.Spare.empty(), "spare", c.Spare)
	add(c.Duplicate > 0, "duplicate", c.Duplicate)
	add(c.Reorder > 0, "reorder", c.Reorder)
	add(c.Corrupt > 0, "corrupt", c.Corrupt)
	add(c.Delay > 0, "delay", c.Delay)
	add(c.Jitter > 0, "jitter", c.Jitter)
	add(c.Rate > 0, "rate", c.Rate)
	add(c.Rate > 0, "queue", c.Queue)
	add(c.Only != Both, "only", c.Only)
	add(true, "seed", c.Seed)
	return strings.Join(s, " ")
}

// A Probability is a whole number of billionths.
type Probability int64

// Certain is the probability 1.
const Certain Probability = 1_000_000_000

// occurs takes one number from the stream and decides.
func (p Probability) occurs(stream *rand.PCG) bool {
	return below(stream, uint64(Certain)) < uint64(p)
}

func (p Probability) String() string {
	return strconv.FormatFloat(float64(p)/float64(Certain), 'f', -1, 64)
}

// Set reads a number such as 0.2.
func (p *Probability) Set(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return errors.New("must be a number from 0 to 1, such as 0.2")
	}
	*p = Probability(math.Round(f * float64(Certain)))
	return nil
}

// A Mean is a whole number of thousandths.
type Mean int64

const (
	one     = 1000 // thousandths
	maxMean = 1_000_000
)

func (m Mean) String() string {
	return strconv.FormatFloat(float64(m)/one, 'f', -1, 64)
}

// Set reads a number such as 3 or 2.5.
func (m *Mean) Set(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != 0 && !(f >= 1 && f <= maxMean) {
		return fmt.Errorf("must be a mean from 1 to %d packets, such as 3", maxMean)
	}
	*m = Mean(math.Round(f * one))
	return nil
}

// A Rate is in bits a second.
type Rate int64

var units = []struct {
	name string
	bits Rate
}{{"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}}

const maxRate = 1000 * 1e9

// time is how long size bytes take, rounded up to a nanosecond.
func (r Rate) time(size int) time.Duration {
	ns := int64(size) * 8 * int64(time.Second)
	return time.Duration((ns + int64(r) - 1) / int64(r))
}

func (r Rate) String() string {
	for _, u := range units {
		if r >= u.bits && r%u.bits == 0 {
			return fmt.Sprintf("%d%s", r/u.bits, u.name)
		}
	}
	return "0"
}

// Set reads a number with a unit, such as 1Mbit or 1.5Mbit; 0 is no limit.
func (r *Rate) Set(s string) error {
	if s == "0" {
		*r = 0
		return nil
	}
	for _, u := range units {
		number, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(number, 64)
		if err != nil {
			break
		}
		bits := math.Round(f * float64(u.bits))
		if !(bits >= 1 && bits <= maxRate) {
			return errors.New("must be from 1bit to 1000Gbit (a second), or 0 for no limit")
		}
		*r = Rate(bits)
		return nil
	}
	return errors.New("must be a number with a unit (bit, kbit, Mbit, Gbit), such as 1Mbit")
}

// Only names the direction that the random faults hit.
type Only int

const (
	Both Only = iota
	onlyUp
	onlyDown
)

func only(d Direction) Only { return onlyUp + Only(d) }

func (o Only) String() string { return [...]string{"", "up", "down"}[o] }

// Set reads up, down, or nothing for both.
func (o *Only) Set(s string) error {
	switch s {
	case "":
		*o = Both
	case "up":
		*o = onlyUp
	case "down":
		*o = onlyDown
	default:
		return errors.New("must be up (from the client to the server) or down (back)")
	}
	return nil
}
