// Command try runs your sender and the reference over the same bad network,
// and shows where they first differ:
//
//	go run ./03-tcp-reliability/exercises/fastretransmit/try -drop data:3
//
// -h lists what can be wrong with the network.
package main

import (
	"time"

	"example.com/sockets/03-tcp-reliability/exercises/bench"
	"example.com/sockets/03-tcp-reliability/exercises/fastretransmit"
)

func main() {
	window, rto := 8, 200*time.Millisecond
	bench.Protocol{Name: "fast-retransmit", Window: window, RTO: rto,
		Sender: func() bench.Sender { return fastretransmit.New(bench.Last, window, rto) }}.Main()
}
