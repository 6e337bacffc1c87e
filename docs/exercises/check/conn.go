package check

import (
	"net"
	"time"
)

// Pair makes a TCP connection on the loopback interface and gives both ends.
// They are closed when the case has ended, and no Read or Write on them waits
// longer than Patience.
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
		conn.SetDeadline(time.Now().Add(2 * Patience))
		s.Cleanup(func() { conn.Close() })
	}
	return c.(*net.TCPConn), v.(*net.TCPConn)
}
