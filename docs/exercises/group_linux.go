package main

import (
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// wall puts a command into a process namespace of its own, where the kernel
// lets us make one: it sees no process but those that it starts, can signal no
// other, and all of them end with it.
func wall(cmd *exec.Cmd) {
	if canWall() {
		setNamespace(cmd)
	}
}

// canWall tries it: containers and some distributions forbid it.
var canWall = sync.OnceValue(func() bool {
	cmd := exec.Command("go", "version")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	setNamespace(cmd)
	return cmd.Run() == nil
})

// setNamespace has the kernel make a user namespace as well, without which
// nobody but root may have the other.
func setNamespace(cmd *exec.Cmd) {
	a := cmd.SysProcAttr
	a.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWPID
	a.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getuid(), HostID: os.Getuid(), Size: 1}}
	a.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getgid(), HostID: os.Getgid(), Size: 1}}
}
