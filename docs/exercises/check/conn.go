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

// Limit ends what waits on a connection when d has passed, as After counts it.
func Limit(conn net.Conn, d time.Duration) {
	passed := After(d)
	go func() {
		<-passed
		conn.SetDeadline(time.Unix(1, 0))
	}()
}
