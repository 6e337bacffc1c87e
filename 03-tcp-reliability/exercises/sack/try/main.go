// Command try runs your sender and the reference over the same bad network,
// and shows where they first differ:
//
//	go run ./03-tcp-reliability/exercises/sack/try -drop data:2,data:4
//
// -h lists what can be wrong with the network.
package main

import (
	"time"

	"example.com/sockets/03-tcp-reliability/exercises/bench"
	"example.com/sockets/03-tcp-reliability/exercises/sack"
)

func main() {
	last, window, rto := 20, 10, 200*time.Millisecond
	bench.Protocol{Name: "selective-acks", Last: last, Window: window, RTO: rto,
		Sack: func() bench.SackSender { return sack.New(last, window, rto) }}.Main()
}
