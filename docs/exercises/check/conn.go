package check

import (
	"net"
	"time"
)

// Pair makes a TCP connection on the loopback interface and gives both ends.
// They are closed when the case has ended. No Read or Write on them waits for
// longer than a case may last on a busy machine.
func (s *Story) Pair() (client, server *net.TCPConn) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer listener.Close()
	c, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	v, err := listener.Accept()
	if err != nil {
		panic(err)
	}
	for _, conn := range []net.Conn{c, v} {
		conn.SetDeadline(time.Now().Add(6 * Patience))
		s.Cleanup(func() { conn.Close() })
	}
	return c.(*net.TCPConn), v.(*net.TCPConn)
}

// After gives a channel that is closed when d has passed. On a busy machine it
// waits for longer, as the bound of a case does (counts): a right answer gets the
// processor late there. It is for real time, and not for a Bubble.
func After(d time.Duration) <-chan struct{} {
	passed := make(chan struct{})
	go func() {
		defer close(passed)
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		last, used := time.Now(), processorTime()
		for d > 0 {
			<-tick.C
			now, usedNow := time.Now(), processorTime()
			d -= counts(now.Sub(last), usedNow-used)
			last, used = now, usedNow
		}
	}()
	return passed
}

// Soon asks again and again whether something that sends no word has happened,
// until it has or d has passed, as After counts it.
func Soon(d time.Duration, happened func() bool) bool {
	late := After(d)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-tick.C:
		case <-late:
			return false
		}
	}
	return true
}

// Limit ends what waits on a connection when d has passed, as After counts it.
func Limit(conn net.Conn, d time.Duration) {
	passed := After(d)
	go func() {
		<-passed
		conn.SetDeadline(time.Unix(1, 0))
	}()
}
