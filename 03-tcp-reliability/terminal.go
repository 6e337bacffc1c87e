package main

import "os"

// colored is a file that may be a terminal.
type colored struct{ *os.File }

// isTerminal says whether colours make sense: on a terminal, and unless
// NO_COLOR is set (https://no-color.org).
func (c *colored) isTerminal() bool {
	info, err := c.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 &&
		os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && ansi(c.File)
}
