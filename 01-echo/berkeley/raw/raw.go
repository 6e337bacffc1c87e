//go:build linux || darwin

// Package raw holds what the two programs written with system calls share:
// an address in the kernel's form, and reading and writing that cope with
// interrupted calls and short counts. The calls of the flow diagram are in
// the programs themselves.
package raw

import (
	"fmt"
	"net"
	"syscall"
)

// Resolve turns "host:port" into the form in which the kernel takes an
// address, and the address family that the socket must have. Looking up a
// name is the C library's job in C (getaddrinfo); the kernel knows numbers
// only.
func Resolve(addr string) (family int, sa syscall.Sockaddr, err error) {
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return 0, nil, err
	}
	if ip4 := tcp.IP.To4(); ip4 != nil {
		// Package syscall puts the port into network byte order (big-endian),
		// which a C program does itself with htons.
		return syscall.AF_INET,
			&syscall.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(ip4)}, nil
	}
	if tcp.IP == nil { // ":65432": every address of this machine
		return syscall.AF_INET6, &syscall.SockaddrInet6{Port: tcp.Port}, nil
	}
	if tcp.Zone != "" {
		return 0, nil, fmt.Errorf("addresses with a zone (%%%s) are left to package net", tcp.Zone)
	}
	return syscall.AF_INET6,
		&syscall.SockaddrInet6{Port: tcp.Port, Addr: [16]byte(tcp.IP.To16())}, nil
}

// String writes an address of the kernel as "host:port".
func String(sa syscall.Sockaddr) string {
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		return (&net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}).String()
	case *syscall.SockaddrInet6:
		return (&net.TCPAddr{IP: sa.Addr[:], Port: sa.Port}).String()
	}
	return "unknown address"
}

// Read fills buf with what has arrived, at least one byte, and returns how
// many; 0 means that the other side has sent its FIN. It is recv with no
// flags. The kernel takes the bytes out of the receive buffer, which opens
// the window: the next ACK tells the sender about the new room.
func Read(fd int, buf []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, buf)
		if err == syscall.EINTR {
			continue // a signal came before any data did: ask again
		}
		return max(n, 0), err
	}
}

// WriteAll gives all of buf to the kernel and returns how many bytes it took.
// It is send with no flags. The kernel copies the bytes into the send buffer
// and sends segments by itself, as fast as the other side's window allows;
// that write has returned does not mean that anything has arrived. Where the
// buffer is full, write waits, and may take only a part: then the rest
// follows in the next round.
func WriteAll(fd int, buf []byte) (int, error) {
	written := 0
	for written < len(buf) {
		n, err := syscall.Write(fd, buf[written:])
		if err == syscall.EINTR {
			continue // nothing was taken: try again
		}
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}
