package tests

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// mayMakeNamespaces tells whether this process may make network namespaces.
func mayMakeNamespaces() bool {
	made := make(chan bool)
	go func() {
		runtime.LockOSThread() // for good: the thread ends here
		made <- syscall.Unshare(syscall.CLONE_NEWNET) == nil
	}()
	return <-made
}

// ownNamespaceNames gives this goroutine, and every process that it starts, a
// folder of its own for the names of network namespaces. So pages can name
// theirs as they like, and none outlives its story. The goroutine must end
// afterwards.
func ownNamespaceNames(t *testing.T) {
	const folder = "/run/netns" // of ip netns
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		t.Fatal("mount namespace: ", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		t.Fatal("private mounts: ", err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, ""); err != nil {
		t.Fatal("mount on ", folder, ": ", err)
	}
}
