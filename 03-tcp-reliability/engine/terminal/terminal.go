// Package terminal tells whether colours make sense, and how wide a terminal is.
package terminal

import "os"

// Color says whether f is a terminal that shows colours, and NO_COLOR is not
// set (https://no-color.org).
func Color(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 &&
		os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && ansi(f)
}

// Width is how many columns the terminal f has, or 0 if f is none or its width
// is not known.
func Width(f *os.File) int { return width(f) }
