// Package network stands in for the real one.
package network

import "time"

type Direction int

const (
	Up Direction = iota
	Down
)

func (d Direction) String() string { return [2]string{"up", "down"}[d] }

type Loss int

const (
	NotLost Loss = iota
	LostRandom
	LostScript
	LostQueue
)

type Conditions struct {
	Delay time.Duration
	Drop  func(Direction, int) bool
}

type Copy struct {
	At      time.Duration
	FlipBit int
}

type Fate struct {
	Number int
	Lost   Loss
	Copies [2]Copy
	N      int
}

type Network struct {
	c Conditions
	n [2]int
}

func New(c Conditions) *Network { return &Network{c: c} }

func (n *Network) Send(now time.Duration, d Direction, size, data int) Fate {
	n.n[d]++
	f := Fate{Number: n.n[d]}
	if n.c.Drop != nil && n.c.Drop(d, f.Number) {
		f.Lost = LostScript
		return f
	}
	f.N = 1
	f.Copies[0] = Copy{now + n.c.Delay, -1}
	return f
}
