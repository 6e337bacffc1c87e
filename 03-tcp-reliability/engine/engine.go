// Package engine holds the source of the protocols, so that a packet can be
// shown beside the line of code that sent it. What they do is in the packages
// below it.
package engine

import "embed"

// Source is the protocols' code, as it was built: the files that decide about
// what is sent. Each more would be a part of what a browser has to load.
//
//go:embed arq/gobackn.go arq/receiver.go arq/selectiverepeat.go
//go:embed arq/sender.go arq/stopandwait.go arq/udp.go
//go:embed tcp/arrive.go tcp/conn.go tcp/flight.go tcp/handshake.go tcp/output.go
//go:embed tcp/rack.go tcp/recovery.go
var Source embed.FS
