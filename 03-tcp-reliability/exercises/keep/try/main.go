// Command try runs your receiver and the reference over the same bad network,
// and shows where they first differ:
//
//	go run ./03-tcp-reliability/exercises/keep/try -drop data:2-3
//
// -h lists what can be wrong with the network.
package main

import (
	"time"

	"example.com/sockets/03-tcp-reliability/exercises/bench"
	"example.com/sockets/03-tcp-reliability/exercises/keep"
)

func main() {
	bench.Protocol{Name: "selective-repeat", Window: 4, RTO: 200 * time.Millisecond,
		Receiver: func() bench.Receiver { return keep.New() }}.Main()
}
