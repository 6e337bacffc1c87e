package tests

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"
)

// inOwnNetwork turns this goroutine, and every process that it starts, into a
// host of its own: with loopback alone, and with a folder of its own for the
// names of network namespaces. So stories have each port for themselves, and
// pages name their namespaces as they like. The goroutine keeps its thread,
// which ends with it.
func inOwnNetwork() error {
	const folder = "/run/netns" // of ip netns
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNET | syscall.CLONE_NEWNS); err != nil {
		return fmt.Errorf("making namespaces: %w", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("mounting %s: %w", folder, err)
	}
	return loopbackUp()
}

// loopbackUp switches the interface lo on.
func loopbackUp() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var request struct { // struct ifreq, netdevice(7)
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS,
		uintptr(unsafe.Pointer(&request)))
	if errno != 0 {
		return fmt.Errorf("switching lo on: %w", errno)
	}
	return nil
}

// mayMakeNamespaces tells why this process may not make network namespaces, or
// "": both by itself, as the tests do, and with ip, if that is there.
func mayMakeNamespaces() string {
	answer := make(chan string)
	go func() {
		if err := inOwnNetwork(); err != nil {
			answer <- err.Error()
			return
		}
		if _, err := exec.LookPath("ip"); err == nil {
			for _, command := range [][]string{
				{"ip", "netns", "add", "probe"},
				{"ip", "netns", "exec", "probe", "true"},
				{"ip", "-n", "probe", "link", "add", "eth0", "type", "veth", "peer", "name",
					"eth1"},
			} {
				if why := try(command...); why != "" {
					answer <- why
					return
				}
			}
		}
		answer <- ""
	}()
	return <-answer
}
