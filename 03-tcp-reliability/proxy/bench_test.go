package main

import (
	"io"
	"sync"
	"testing"
)

// BenchmarkMessages counts messages of 64 bytes there and back, over 20
// connections.
func BenchmarkMessages(b *testing.B) {
	p := startProxy(b, echoServer(b), func(o *options) { o.Delay, o.view = 0, "none" })
	var all sync.WaitGroup
	b.ResetTimer()
	for range 20 {
		c := dial(b, p.addr)
		all.Go(func() {
			message := make([]byte, 64)
			for range b.N/20 + 1 {
				c.Write(message)
				if _, err := io.ReadFull(c, message); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
