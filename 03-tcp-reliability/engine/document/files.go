package document

import (
	"bytes"
	"fmt"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// Files are what can be taken away of a run, with their types.
var Files = map[string]string{
	"picture.svg":   "image/svg+xml",
	"trace.json":    "application/x-ndjson",
	"client.pcapng": "application/octet-stream",
	"server.pcapng": "application/octet-stream",
}

// File makes one of Files from the run of an address.
func File(name, query string) ([]byte, error) {
	address, v, err := Split(query)
	if err != nil {
		return nil, err
	}
	if name == "picture.svg" {
		return DrawBare(address, v.Width)
	}
	s, _ := settings(address)
	var t trace.Trace // without states: the same as -view json
	if _, err := s.Run(&t); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	switch name {
	case "trace.json":
		err = views.WriteJSON(&out, &t)
	case "client.pcapng":
		err = views.WritePcapng(&out, &t, network.Up)
	case "server.pcapng":
		err = views.WritePcapng(&out, &t, network.Down)
	default:
		err = fmt.Errorf("there is no file %.20q", name)
	}
	return out.Bytes(), err
}
