package terminal

import (
	"os"
	"syscall"
	"unsafe"
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

// width asks the console for the part of its buffer that it shows.
func width(f *os.File) int {
	var info struct {
		size, cursor             [2]int16
		attributes               uint16
		left, top, right, bottom int16
		maximum                  [2]int16
	}
	get := syscall.NewLazyDLL("kernel32.dll").NewProc("GetConsoleScreenBufferInfo")
	if ok, _, _ := get.Call(f.Fd(), uintptr(unsafe.Pointer(&info))); ok == 0 {
		return 0
	}
	return int(info.right-info.left) + 1
}
