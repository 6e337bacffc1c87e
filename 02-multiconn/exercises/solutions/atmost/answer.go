// Package atmost is a solution.
package atmost

import (
	"net"
	"sync"
)

// Serve accepts clients and calls handle for each, at most n at a time, each
// in a goroutine of its own. Further clients are not accepted before one has
// left: they wait in the backlog. Serve closes each connection when its handle
// is over. When Accept fails, Serve waits for the handlers that still run, and
// returns Accept's error.
func Serve(listener net.Listener, n int, handle func(net.Conn)) error {
	// A channel with room for n is a semaphore: who serves holds a place in it.
	places := make(chan struct{}, n)
	var running sync.WaitGroup
	defer running.Wait()
	for {
		// First the place, then the client. The other way round one client
		// more would be accepted, and wait with us instead of in the backlog.
		places <- struct{}{}
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		running.Go(func() {
			// Deferred, so that the place is free again however handle ends.
			defer func() { <-places }()
			defer conn.Close()
			handle(conn)
		})
	}
}
