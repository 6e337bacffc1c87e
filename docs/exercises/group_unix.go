//go:build unix

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// contain gives a command, which is not started yet, a process group of its
// own, which is killed with it. Ctrl-C in the terminal then reaches us alone.
func contain(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// contained does for a command that has been started what contain can't do.
// The function that it returns ends what the command has left behind. Who made
// a process group of its own is found by its working directory or environment,
// where the system tells these (Linux).
func contained(cmd *exec.Cmd) (end func()) {
	return func() {
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		for range 5 { // each pass may find what was started during the last
			if !killIn(cmd.Dir) {
				return
			}
		}
	}
}

func killIn(dir string) (found bool) {
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		pid, err := strconv.Atoi(filepath.Base(p))
		if err != nil || pid == os.Getpid() {
			continue
		}
		at, _ := os.Readlink(filepath.Join(p, "cwd"))
		env, _ := os.ReadFile(filepath.Join(p, "environ"))
		if at == dir || strings.HasPrefix(at, dir+"/") ||
			bytes.Contains(env, []byte("PWD="+dir+"\x00")) {
			found = syscall.Kill(pid, syscall.SIGKILL) == nil || found
		}
	}
	return found
}
