// Package network is a bad network. It decides what becomes of each packet
// and nothing else: lost, duplicated, damaged, delayed, overtaken, queued.
// It carries no bytes and knows no clock; the time is passed in.
//
// The same conditions and the same packets have the same fates on every
// computer: all decisions are made with whole numbers.
package network

import (
	"math/bits"
	"math/rand/v2"
	"sort"
	"time"
)

// Direction is one of the two ways through the network.
type Direction int

const (
	Up   Direction = iota // from the client to the server
	Down                  // and back
)

func (d Direction) String() string { return [...]string{"up", "down"}[d] }

// Loss says how a packet was lost.
type Loss int

const (
	NotLost    Loss = iota
	LostRandom      // by chance: -loss, -burst; -spare spares it
	LostScript      // by name: -drop
	LostQueue       // because the link's queue was full: -rate, -queue
)

// A Fate is what becomes of a packet.
type Fate struct {
	Number int     // of the packet in its direction: 1, 2, 3 …
	Lost   Loss    // if it is, N is 0
	N      int     // copies that arrive: 0, 1 or 2
	Copies [2]Copy // the first N of them count
}

// A Copy is one arrival of a packet.
type Copy struct {
	At      time.Duration
	FlipBit int // the damaged bit, 0 the first byte's highest; or -1
}

// Damage flips the bit of b that is to be damaged, and says whether there is
// one. A single bit is the most likely damage and the hardest to notice.
func (c Copy) Damage(b []byte) bool {
	if c.FlipBit < 0 || c.FlipBit >= 8*len(b) {
		return false
	}
	b[c.FlipBit/8] ^= 0x80 >> (c.FlipBit % 8)
	return true
}

// A Network decides fates. Its methods are for one goroutine at a time.
type Network struct {
	c    Conditions
	ways [2]way
}

// A way is one direction of the network.
type way struct {
	number int

	// Each kind of fault has random numbers of its own, and takes the same
	// number of them for every packet, whatever becomes of it. So a changed
	// setting of one fault leaves the decisions of the others as they were.
	loss, duplicate, reorder, corrupt, jitter rand.PCG
	bad                                       bool // in a burst of losses
	toBad, toGood                             Probability

	free    time.Duration   // when the link has sent all that it was given
	waiting []time.Duration // a ring: when each packet leaves the queue
	head, n int
	last    time.Duration // arrival of the latest packet not held back
}

// New makes a network. Conditions that do not pass Validate make it panic.
func New(c Conditions) *Network {
	n := &Network{}
	for d := range n.ways {
		w := &n.ways[d]
		for i, stream := range []*rand.PCG{&w.loss, &w.duplicate, &w.reorder, &w.corrupt,
			&w.jitter} {
			stream.Seed(uint64(c.Seed), uint64(10*d+i))
		}
	}
	n.Set(c)
	for d := range n.ways {
		// A run of losses may be under way when the first packet comes.
		w := &n.ways[d]
		w.bad = c.Burst > 0 && c.Loss.occurs(&w.loss)
	}
	return n
}

// Set changes the conditions for the packets to come. The seed stays.
func (n *Network) Set(c Conditions) {
	if err := c.Validate(); err != nil {
		panic("network: " + err.Error())
	}
	for d := range n.ways {
		w := &n.ways[d]
		w.toBad, w.toGood = c.transitions()
		w.resize(c.Queue)
	}
	n.c = c
}

// resize makes room for a queue of this many packets. Those that wait go on
// waiting, even where they are more.
func (w *way) resize(queue int) {
	if size := max(queue, w.n); size != len(w.waiting) {
		waiting := make([]time.Duration, size)
		for i := range w.n {
			waiting[i] = w.waiting[(w.head+i)%len(w.waiting)]
		}
		w.waiting, w.head = waiting, 0
	}
}

// Conditions returns those that hold now.
func (n *Network) Conditions() Conditions { return n.c }

// Free says when the link has sent all packets that it was given.
func (n *Network) Free(d Direction) time.Duration { return n.ways[d].free }

// Waiting says how many packets wait in the link's queue: those that the link
// will begin to send later than now. The one that it is sending does not wait.
func (n *Network) Waiting(now time.Duration, d Direction) int {
	w := &n.ways[d]
	begun := sort.Search(w.n,
		func(i int) bool { return w.waiting[(w.head+i)%len(w.waiting)] > now })
	return w.n - begun
}

// Send decides the fate of the next packet in a direction, size bytes long
// with all headers. data is k for the first transmission of the k-th packet
// with payload that goes up, else 0. Time never goes back.
func (n *Network) Send(now time.Duration, d Direction, size, data int) Fate {
	c, w := &n.c, &n.ways[d]
	w.number++
	f := Fate{Number: w.number}

	// All random decisions first, so that each stream moves on alike.
	faulty := c.Only == Both || c.Only == only(d)
	lost := w.loses(c)
	twice := c.Duplicate.occurs(&w.duplicate)
	twiceAfter := below(&w.duplicate, uint64(c.pause()))
	late := c.Reorder.occurs(&w.reorder)
	lateBy := below(&w.reorder, 2*uint64(c.pause()))
	damaged := c.Corrupt.occurs(&w.corrupt)
	bit := below(&w.corrupt, 8*uint64(max(size, 1)))
	vary := time.Duration(below(&w.jitter, 2*uint64(c.Jitter)+1)) - c.Jitter

	leaves, ok := w.link(c, now, size)
	switch {
	case !ok:
		f.Lost = LostQueue
	case c.Drop.Names(d, f.Number, data):
		f.Lost = LostScript
	case lost && faulty && !c.Spare.Names(d, f.Number, data):
		f.Lost = LostRandom
	}
	if f.Lost != NotLost {
		return f
	}

	f.N = 1
	at := leaves + max(c.Delay+vary, 0)
	if late && faulty {
		// Held back, so that packets sent later overtake this one.
		at += c.pause() + time.Duration(lateBy)
	} else {
		// Jitter alone changes no order, as in a queue of changing length.
		at = max(at, w.last)
		w.last = at
	}
	f.Copies[0] = Copy{at, -1}
	if damaged && faulty {
		f.Copies[0].FlipBit = int(bit)
	}
	if twice && faulty {
		f.N = 2
		f.Copies[1] = Copy{at + 1 + time.Duration(twiceAfter), -1}
	}
	return f
}

// loses decides whether chance takes the next packet.
//
// Without bursts each packet is lost with the same probability, whatever
// became of the one before. With bursts the way has two states, and every
// packet is lost in the bad one: Gilbert's model (Gilbert 1960, "Capacity of
// a burst-noise channel"), here with no losses in the good state and nothing
// but losses in the bad one. See docs/network-model.md.
func (w *way) loses(c *Conditions) bool {
	if c.Burst == 0 {
		return c.Loss.occurs(&w.loss)
	}
	lost := w.bad
	if w.bad {
		w.bad = !w.toGood.occurs(&w.loss)
	} else {
		w.bad = w.toBad.occurs(&w.loss)
	}
	return lost
}

// link sends size bytes through the link and says when the last of them has
// left it. It is not ok when the queue before it is full.
func (w *way) link(c *Conditions, now time.Duration, size int) (leaves time.Duration, ok bool) {
	if c.Rate == 0 {
		return now, true
	}
	for w.n > 0 && w.waiting[w.head] <= now {
		w.head = (w.head + 1) % len(w.waiting)
		w.n--
	}
	begins := max(now, w.free)
	if begins > now {
		if w.n >= c.Queue {
			return 0, false
		}
		w.waiting[(w.head+w.n)%len(w.waiting)] = begins
		w.n++
	}
	w.free = begins + c.Rate.time(size)
	return w.free, true
}

// below returns a random whole number from 0 to n-1, or 0 for n = 0. It takes
// exactly one number from the stream. (The high half of a product is not
// perfectly even: some values are more likely by 1 in 2^64/n.)
func below(stream *rand.PCG, n uint64) uint64 {
	high, _ := bits.Mul64(stream.Uint64(), n)
	return high
}
