// Command try runs your sender and the reference over the same bad network,
// and shows where they first differ:
//
//	go run ./03-tcp-reliability/exercises/stopwait/try -drop up:3,down:5
//
// -h lists what can be wrong with the network.
package main

import (
	"time"

	"example.com/sockets/03-tcp-reliability/exercises/stopwait"
	"example.com/sockets/03-tcp-reliability/lab"
)

func main() {
	rto := 200 * time.Millisecond
	lab.Protocol{Name: "stop-and-wait", RTO: rto,
		Sender: func() lab.Sender { return stopwait.New(lab.Last, rto) }}.Main()
}
