package tcp_test

import (
	"io"
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
)

// BenchmarkTransfer counts packets a second, in the simulation: one message of
// 64 bytes after the other, and in bulk; with the description of each packet
// and without. 03-tcp-reliability/interop measures gVisor's TCP beside it.
func BenchmarkTransfer(b *testing.B) {
	own := func(trace bool) func() (simulation.Host, simulation.Host, func()) {
		return func() (simulation.Host, simulation.Host, func()) {
			client, server := ends(tcp.Options{Congestion: "reno", Trace: trace})
			return client, server, func() {}
		}
	}
	for _, load := range []struct {
		name         string
		size, pieces int
		every        time.Duration
	}{{"messages", 64, 2000, time.Millisecond}, {"bulk", 10_000, 500, 0}} {
		for _, host := range []struct {
			name string
			make func() (simulation.Host, simulation.Host, func())
		}{{"own", own(false)}, {"own-trace", own(true)}} {
			b.Run(load.name+"/"+host.name, func(b *testing.B) {
				b.ReportAllocs()
				packets := 0
				writes := make([][]byte, load.pieces)
				for i := range writes {
					writes[i] = make([]byte, load.size)
				}
				for b.Loop() {
					client, server, free := host.make()
					run := simulation.Config{Client: client, Server: server, Output: io.Discard,
						Network: network.New(network.Conditions{Delay: 10 * time.Millisecond}),
						Writes:  writes, Every: load.every}
					result := simulation.Run(run)
					free()
					if result.Err != nil || result.Read != load.size*load.pieces {
						b.Fatal(result.Err)
					}
					packets += result.Sent[0] + result.Sent[1]
				}
				b.ReportMetric(float64(packets)/b.Elapsed().Seconds(), "packets/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
