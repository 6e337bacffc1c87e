// Command try serves clients with your answer, one after the other:
//
//	go run ./01-echo/exercises/shout/try
//	go run ./01-echo/client -addr 127.0.0.1:65432 -message "hello"
package main

import (
	"fmt"
	"net"
	"os"

	"example.com/sockets/01-echo/exercises/shout"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:65432")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("Listening on", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("Serve returned", shout.Serve(conn))
		conn.Close()
	}
}
