//go:build !windows

package tests

import (
	"os/exec"
	"syscall"
)

// setGroup makes cmd the head of a process group, as a shell does, so that
// Ctrl-C reaches both "go run" and the program that it runs.
func setGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

func interruptGroup(cmd *exec.Cmd) error {
	return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
}

func killGroup(cmd *exec.Cmd) {
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
