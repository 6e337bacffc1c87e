// Command gnet is an echo server on gnet, a library of event loops for Go
// (github.com/panjf2000/gnet). Chapter 2's servers are measured against it.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/panjf2000/gnet/v2"
)

// An echo holds what gnet calls when something happens.
type echo struct {
	gnet.BuiltinEventEngine
	ctx context.Context // cancelled by Ctrl-C
}

func main() {
	addr := flag.String("addr", "127.0.0.1:65432",
		"listen on `host:port`; port 0 picks a free one")
	multicore := flag.Bool("multicore", false,
		"run an event loop for each processor, and not one alone")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(),
		os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := gnet.Run(&echo{ctx: ctx}, "tcp://"+*addr, gnet.WithMulticore(*multicore))
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot serve on %s: %v\n", *addr, err)
		os.Exit(1)
	}
}

// OnBoot is called when the engine listens.
func (e *echo) OnBoot(engine gnet.Engine) gnet.Action {
	addr, err := address(engine)
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot tell the address:", err)
		return gnet.Shutdown
	}
	fmt.Println("Listening on", addr)
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

// address asks the listening socket for its address, which has the real port.
func address(engine gnet.Engine) (net.Addr, error) {
	fd, err := engine.Dup()
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "listener")
	defer file.Close()
	l, err := net.FileListener(file)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.Addr(), nil
}
