package main

import (
	"errors"
	"fmt"
	"os"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// ends are what the names of the two captures end with, one for each host.
var ends = [2]string{"-client.pcapng", "-server.pcapng"}

// capture writes the two files of -pcap, or none: each takes its name, maybe
// that of an earlier run's capture, when both are whole.
func capture(name string, t *trace.Trace) (err error) {
	var written []string
	defer func() {
		for _, name := range written {
			os.Remove(name) // those without their final name
		}
		if err != nil {
			err = fmt.Errorf("cannot write the captures: %w\n"+
				"give -pcap a name in a folder that exists and may be written to", err)
		}
	}()
	for end, suffix := range ends {
		if info, err := os.Stat(name + suffix); err == nil && info.IsDir() {
			return fmt.Errorf("%s is a folder", name+suffix)
		}
		f, err := os.Create(name + suffix + ".part")
		if err != nil {
			return err
		}
		written = append(written, f.Name())
		err = views.WritePcapng(f, t, network.Direction(end))
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	for end, suffix := range ends {
		if err := os.Rename(written[end], name+suffix); err != nil {
			return err
		}
	}
	return nil
}
