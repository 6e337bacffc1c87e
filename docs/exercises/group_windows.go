package main

import (
	"os/exec"
	"syscall"
)

var (
	kernel32           = syscall.NewLazyDLL("kernel32.dll")
	createJobObject    = kernel32.NewProc("CreateJobObjectW")
	assignProcess      = kernel32.NewProc("AssignProcessToJobObject")
	terminateJobObject = kernel32.NewProc("TerminateJobObject")
)

func contain(*exec.Cmd) {}

// contained puts a command that has been started into a job object. The
// function that it returns ends all processes of the job: the command, and
// what it has started since.
func contained(cmd *exec.Cmd) (end func()) {
	const setQuota, terminate = 0x0100, 0x0001 // rights that the assignment needs
	process, err := syscall.OpenProcess(setQuota|terminate, false, uint32(cmd.Process.Pid))
	if err != nil {
		return func() {}
	}
	defer syscall.CloseHandle(process)
	job, _, _ := createJobObject.Call(0, 0)
	if job == 0 {
		return func() {}
	}
	assignProcess.Call(job, uintptr(process))
	return func() {
		terminateJobObject.Call(job, 1)
		syscall.CloseHandle(syscall.Handle(job))
	}
}
