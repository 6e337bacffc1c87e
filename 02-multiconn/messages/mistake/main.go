// Command mistake shows what happens to a program that takes one Read for one
// message. It connects to itself over TCP, writes, and prints what it reads.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "the demonstration over the loopback interface failed: %s; "+
			"does a firewall forbid connections to 127.0.0.1?\n", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listener.Close()
	sender, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		return err
	}
	defer sender.Close()
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	receiver := bufio.NewReader(conn)

	// Each round writes, waits until everything has arrived, and then asks
	// for as much as one Read will give.
	for _, writes := range [][]string{
		{"pay Ann 10", "pay Bob 20"}, // two messages
		{"pay Eve 10"},               // the first half of "pay Eve 1000"
		{"00"},                       // the second half
	} {
		arrived := 0
		for _, text := range writes {
			fmt.Fprintf(out, "Write %q\n", text)
			n, err := io.WriteString(sender, text)
			if err != nil {
				return err
			}
			arrived += n
		}
		// Peek waits for that many bytes and takes none. Without it the Read
		// would give what is there by then: another story on each run.
		if _, err := receiver.Peek(arrived); err != nil {
			return err
		}
		buf := make([]byte, 1024)
		n, err := receiver.Read(buf)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "    One Read: %q\n", buf[:n])
	}
	return nil
}
