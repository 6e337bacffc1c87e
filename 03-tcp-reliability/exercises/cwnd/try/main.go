// Command try runs a sender with your window, and one with that of the
// reference, over the same bad network, and shows where they first differ:
//
//	go run ./03-tcp-reliability/exercises/cwnd/try -drop data:12
//
// -h lists what can be wrong with the network.
package main

import (
	"time"

	"example.com/sockets/03-tcp-reliability/exercises/bench"
	"example.com/sockets/03-tcp-reliability/exercises/cwnd"
)

func main() {
	bench.Protocol{Name: "congestion-window", Last: 40, Window: 2, Threshold: 8,
		RTO:        200 * time.Millisecond,
		Congestion: func() bench.Congestion { return cwnd.New(2, 8) }}.Main()
}
