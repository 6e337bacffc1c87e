package document

import (
	"fmt"
	"testing"
)

// From a question to the text of its answer: with the browser's part it has to
// take less than 100 ms for 200 packets, and less than 150 ms for 1,000.
func BenchmarkAnswer(b *testing.B) {
	for _, address := range []string{
		"drop=data:3",
		"bytes=120000&loss=0.02",
		"bytes=500000&loss=0.002",
		"protocol=selective-repeat&bytes=480000&loss=0.02",
	} {
		d := of(b, address, View{})
		for _, what := range []string{"picture", "run"} {
			b.Run(fmt.Sprintf("%s/%d-packets/%s", d.Protocol, len(d.Packets), what), func(b *testing.B) {
				b.ReportAllocs()
				size := 0
				for b.Loop() {
					text, err := Answer(what, address)
					if err != nil {
						b.Fatal(err)
					}
					size = len(text)
				}
				b.ReportMetric(float64(size), "B/answer")
			})
		}
	}
}

// A run for each of 200 packets.
func BenchmarkHarm(b *testing.B) {
	for b.Loop() {
		if _, err := HarmOf("bytes=125000&loss=0", View{}); err != nil {
			b.Fatal(err)
		}
	}
}
