//go:build !windows

package echo

import (
	"os"
	"runtime"
	"syscall"
)

// maxMemory returns the most memory that a process held, in bytes.
func maxMemory(state *os.ProcessState) int64 {
	usage := state.SysUsage().(*syscall.Rusage)
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss) // bytes there, kilobytes elsewhere
	}
	return int64(usage.Maxrss) << 10
}
