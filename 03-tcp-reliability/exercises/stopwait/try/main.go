// Command try runs your sender and the reference over the same bad network,
// and shows where they first differ:
//
//	go run ./03-tcp-reliability/exercises/stopwait/try -drop up:3,down:5
//
// -h lists what can be wrong with the network.
package main

import (
	"time"

	"example.com/sockets/03-tcp-reliability/exercises/bench"
	"example.com/sockets/03-tcp-reliability/exercises/stopwait"
)

func main() {
	rto := 200 * time.Millisecond
	bench.Protocol{Name: "stop-and-wait", RTO: rto,
		Sender: func() bench.Sender { return stopwait.New(bench.Last, rto) }}.Main()
}
