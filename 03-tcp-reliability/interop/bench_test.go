package interop

import (
	"testing"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/simulation"
	"example.com/sockets/03-tcp-reliability/engine/tcp"
	"example.com/sockets/03-tcp-reliability/interop/gvisor"
)

// BenchmarkTransfer counts packets a second, in the simulation: one message of 64 bytes after the
// other, and in bulk; our TCP with the description of each packet and without, and gVisor's, which
// describes none.
func BenchmarkTransfer(b *testing.B) {
	own := func(trace bool) func() (simulation.Host, simulation.Host, func()) {
		return func() (simulation.Host, simulation.Host, func()) {
			o := tcp.Options{Local: clientAddr, Remote: serverAddr, ISS: 1, Congestion: "reno",
				Trace: trace}
			client := tcp.Dial(o)
			o.Local, o.Remote = serverAddr, clientAddr
			return client, tcp.Accept(o), func() {}
		}
	}
	theirs := func() (simulation.Host, simulation.Host, func()) {
		o := gvisor.Options{Local: clientAddr, Remote: serverAddr, Seed: 1, Congestion: "reno"}
		client, err := gvisor.Dial(o)
		if err != nil {
			b.Fatal(err)
		}
		o.Local, o.Remote, o.Seed = serverAddr, clientAddr, 2
		server, err := gvisor.Accept(o)
		if err != nil {
			b.Fatal(err)
		}
		return client, server, func() { client.Destroy(); server.Destroy() }
	}
	for _, load := range []struct {
		name         string
		size, pieces int
		every        time.Duration
	}{{"messages", 64, 2000, time.Millisecond}, {"bulk", 10_000, 500, 0}} {
		for _, host := range []struct {
			name string
			make func() (simulation.Host, simulation.Host, func())
		}{{"own", own(false)}, {"own-trace", own(true)}, {"gvisor", theirs}} {
			b.Run(load.name+"/"+host.name, func(b *testing.B) {
				b.ReportAllocs()
				packets := 0
				writes := make([][]byte, load.pieces)
				for i := range writes {
					writes[i] = make([]byte, load.size)
				}
				for b.Loop() {
					client, server, free := host.make()
					result := simulation.Run(simulation.Config{Client: client, Server: server,
						Network: network.New(network.Conditions{Delay: 10 * time.Millisecond}),
						Writes:  writes, Every: load.every})
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
