package terminal

import (
	"os"
	"syscall"
)

// ansi asks a Windows console to understand colour codes
// (ENABLE_VIRTUAL_TERMINAL_PROCESSING, Windows 10 and later).
func ansi(f *os.File) bool {
	var mode uint32
	if syscall.GetConsoleMode(syscall.Handle(f.Fd()), &mode) != nil {
		return false
	}
	set := syscall.NewLazyDLL("kernel32.dll").NewProc("SetConsoleMode")
	ok, _, _ := set.Call(f.Fd(), uintptr(mode|4))
	return ok != 0
}
