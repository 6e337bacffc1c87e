package main

import (
	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// capture writes the two files of -pcap, or none.
func capture(name string, t *trace.Trace) error {
	files, err := views.CreateCaptures(name)
	if err != nil {
		return err
	}
	for end, f := range files.Parts {
		if err := views.WritePcapng(f, t, network.Direction(end)); err != nil {
			return files.Fail(err)
		}
	}
	return files.Keep()
}
