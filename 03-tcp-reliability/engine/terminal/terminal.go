// Package terminal tells whether colours make sense.
package terminal

import "os"

// Color says whether f is a terminal that shows colours, and NO_COLOR is not
// set (https://no-color.org).
func Color(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 &&
		os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && ansi(f)
}
