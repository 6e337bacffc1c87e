package tests

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// onAHostOfItsOwn runs dial in a fresh network namespace: on a host that has
// no neighbours, no addresses and no routes.
func onAHostOfItsOwn(t *testing.T, dial func() error) error {
	t.Helper()
	skipIfLacking(t, "netns")
	result := make(chan error)
	go func() {
		// The thread belongs to the namespace from here on. It is never
		// unlocked, so that it ends with this goroutine.
		runtime.LockOSThread()
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		if err == nil {
			err = dial()
		}
		result <- err
	}()
	return <-result
}

// networkIsUnreachable connects where no route leads anywhere.
func networkIsUnreachable(t *testing.T) error {
	return onAHostOfItsOwn(t, func() error {
		_, err := net.Dial("tcp", "192.0.2.1:65432")
		return err
	})
}

// noRouteToHost connects to a neighbour that does not exist: the host asks on
// the cable who has the address, and nobody answers.
func noRouteToHost(t *testing.T) error {
	skipIfLacking(t, "ip")
	return onAHostOfItsOwn(t, func() error {
		for _, args := range [][]string{
			{"link", "set", "lo", "up"}, // by which the kernel tells itself
			{"link", "add", "eth0", "type", "veth", "peer", "name", "eth1"},
			{"address", "add", "192.0.2.1/24", "dev", "eth0"},
			{"link", "set", "eth0", "up"},
			{"link", "set", "eth1", "up"},
		} {
			if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
				t.Errorf("ip %q: %v\n%s", args, err, out)
			}
		}
		_, err := net.Dial("tcp", "192.0.2.2:65432")
		return err
	})
}

// permissionDenied asks for a port of the system's, without the right to it. In a
// fresh network namespace the system's ports end at 1023, whatever they do here.
func permissionDenied(t *testing.T) error {
	return onAHostOfItsOwn(t, func() error {
		header := struct {
			version uint32
			thread  int32
		}{version: 0x20080522} // _LINUX_CAPABILITY_VERSION_3; thread 0 is this one
		var none [6]uint32
		_, _, errno := syscall.RawSyscall(syscall.SYS_CAPSET, uintptr(unsafe.Pointer(&header)),
			uintptr(unsafe.Pointer(&none)), 0)
		if errno != 0 {
			return errno
		}
		_, err := net.Listen("tcp", ":80")
		return err
	})
}

// invalidArgument connects to a link-local address, and does not say by which
// interface.
func invalidArgument(t *testing.T) error {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine lacks IPv6: ", err)
	}
	l.Close()
	_, err = net.Dial("tcp", "[fe80::1]:65432")
	return err
}

func noSpace(t *testing.T) error {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	_, err = full.WriteString("Hello")
	return err
}

// connectionTimedOut connects to a listener whose backlog is full: its kernel
// drops the SYN. Ours gives up after one repetition, and not after six.
func connectionTimedOut(t *testing.T) error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	listener := os.NewFile(uintptr(fd), "listener")
	defer listener.Close()
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil { // one connection may wait
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	waits, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer waits.Close()

	dialer := net.Dialer{Timeout: time.Minute, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) {
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_SYNCNT, 1)
		})
	}}
	_, err = dialer.Dial("tcp", addr.String())
	return err
}

// skipIfLacking skips a test that needs something which this machine does not
// have. Continuous integration has it.
func skipIfLacking(t *testing.T, need string) {
	t.Helper()
	why := machineLacks(need)
	switch {
	case why == "":
	case mayLack(need):
		t.Skipf("skipped: this machine lacks %s: %s", need, why)
	default:
		t.Fatalf("continuous integration must have %s: %s", need, why)
	}
}
