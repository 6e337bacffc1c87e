// Command mistake shows what happens to a program that takes one Read for one
// message. It connects to itself over TCP, writes, and prints what it reads.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"

	"example.com/sockets/02-multiconn/internal/cli"
	"example.com/sockets/02-multiconn/internal/neterror"
)

func main() {
	fromFlags()
	if err := run(cli.Stdout); err != nil {
		cli.Exit(fmt.Errorf("cannot talk to itself over loopback: %w\n"+
			"does a firewall forbid connections to 127.0.0.1?", neterror.Cause(err)))
	}
	cli.Exit(nil)
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

	for _, writes := range [][]string{
		{"pay Ann 10", "pay Bob 20"}, // two messages
		{"pay Eve 10"},               // half of "pay Eve 1000"
		{"00"},                       // the other half
	} {
		for _, text := range writes {
			fmt.Fprintf(out, "Write %q\n", text)
			if _, err := io.WriteString(sender, text); err != nil {
				return err
			}
		}
		// Peek waits until everything has arrived, and takes none of it. The
		// Read would not wait: what it gives depends on what is there by then.
		receiver.Peek(len(strings.Join(writes, "")))
		buf := make([]byte, 1024)
		n, err := receiver.Read(buf)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "    Read %q\n", buf[:n])
	}
	return nil
}
