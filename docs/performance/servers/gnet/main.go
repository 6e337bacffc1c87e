// Command gnet is an echo server on gnet, a library of event loops for Go
// (github.com/panjf2000/gnet). Chapter 2's servers are measured against it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/panjf2000/gnet/v2"
)

// An echo holds what gnet calls when something happens.
type echo struct {
	gnet.BuiltinEventEngine
	ctx  context.Context // cancelled by Ctrl-C
	addr string
}

func main() {
	addr := flag.String("addr", "127.0.0.1:65432",
		"listen on `host:port`")
	multicore := flag.Bool("multicore", false,
		"run an event loop for each processor, and not one alone")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := gnet.Run(&echo{ctx: ctx, addr: *addr}, "tcp://"+*addr, gnet.WithMulticore(*multicore))
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot serve on %s: %v\n", *addr, err)
		os.Exit(1)
	}
}

// OnBoot is called when the engine listens.
func (e *echo) OnBoot(engine gnet.Engine) gnet.Action {
	fmt.Println("Listening on", e.addr)
	context.AfterFunc(e.ctx, func() { engine.Stop(context.Background()) })
	return gnet.None
}

// OnTraffic is called when a client has sent something.
func (e *echo) OnTraffic(c gnet.Conn) gnet.Action {
	received, err := c.Next(-1) // all there is
	if err == nil {
		_, err = c.Write(received)
	}
	if err != nil {
		return gnet.Close
	}
	return gnet.None
}
