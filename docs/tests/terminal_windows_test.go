package tests

import (
	"os/exec"
	"strconv"
	"syscall"
)

var generateConsoleCtrlEvent = syscall.NewLazyDLL("kernel32.dll").NewProc("GenerateConsoleCtrlEvent")

// setGroup makes cmd the head of a process group, so that what is pressed
// there does not reach the test.
func setGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// interruptGroup presses Ctrl-Break: Windows gives Ctrl-C to whole consoles
// only. Go programs get os.Interrupt for both.
func interruptGroup(cmd *exec.Cmd) error {
	ok, _, err := generateConsoleCtrlEvent.Call(syscall.CTRL_BREAK_EVENT, uintptr(cmd.Process.Pid))
	if ok == 0 {
		return err
	}
	return nil
}

func killGroup(cmd *exec.Cmd) {
	exec.Command("taskkill", "/t", "/f", "/pid", strconv.Itoa(cmd.Process.Pid)).Run()
}
