package views

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// CaptureFiles are the two files of a run's captures, NAME-client.pcapng and
// NAME-server.pcapng, one for each end. While they are written their names end
// in .part, so that no file of an earlier run is lost before these are whole.
type CaptureFiles struct {
	Parts [2]*os.File // the client's and the server's
	name  string
}

// captureHosts tell the names of a run's two captures apart.
var captureHosts = [2]string{"-client", "-server"}

const captureSuffix = ".pcapng"

// CaptureNames are the names of a run's two captures.
func CaptureNames(name string) (names [2]string) {
	for end, host := range captureHosts {
		names[end] = name + host + captureSuffix
	}
	return names
}

// CreateCaptures creates both files, or none.
func CreateCaptures(name string) (*CaptureFiles, error) {
	c := &CaptureFiles{name: name}
	for end, name := range CaptureNames(name) {
		info, err := os.Stat(name)
		if err == nil && info.IsDir() {
			err = fmt.Errorf("%s is a folder", name)
		} else { // if it exists another run writes it, or was killed
			c.Parts[end], err = os.OpenFile(name+".part", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		}
		if err != nil {
			return nil, c.Fail(err)
		}
	}
	return c, nil
}

// Keep ends both files and gives them their names, maybe those of an earlier
// run's captures, which they replace.
func (c *CaptureFiles) Keep() error {
	if err := errors.Join(c.Parts[0].Close(), c.Parts[1].Close()); err != nil {
		return c.Leave(err)
	}
	for end, name := range CaptureNames(c.name) {
		if err := os.Rename(c.Parts[end].Name(), name); err != nil {
			return c.Leave(err)
		}
	}
	return nil
}

// KeepBeside is as Keep, but captures of an earlier run are not replaced. They
// take the first number that is free for both: run-client.pcapng becomes
// run-client-1.pcapng.
func (c *CaptureFiles) KeepBeside() error {
	names := CaptureNames(c.name)
	for n := 1; exist(names); n++ {
		var earlier [2]string
		for end, host := range captureHosts {
			earlier[end] = fmt.Sprintf("%s%s-%d%s", c.name, host, n, captureSuffix)
		}
		if exist(earlier) {
			continue
		}
		for end, name := range names {
			if err := os.Rename(name, earlier[end]); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return c.Leave(err)
			}
		}
	}
	return c.Keep()
}

// exist says whether one of the files is there.
func exist(names [2]string) bool {
	for _, name := range names {
		if _, err := os.Lstat(name); err == nil {
			return true
		}
	}
	return false
}

// Discard removes what has no final name yet.
func (c *CaptureFiles) Discard() {
	for _, f := range c.Parts {
		if f != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}
}

// Fail discards the files because of err, and says what to try.
func (c *CaptureFiles) Fail(err error) error {
	c.Discard()
	advice := "is the folder of -pcap " + c.name + " there, and may it be written to?"
	var path *fs.PathError
	if errors.As(err, &path) {
		switch {
		case errors.Is(err, fs.ErrExist):
			advice = "another run writes " + path.Path + ", or was killed: remove it"
		case path.Op == "write":
			advice = "is the disk full?"
		}
	}
	return captureError(err, advice)
}

// Leave ends the files because of err, and says where they are: what has no
// final name yet stays in its .part.
func (c *CaptureFiles) Leave(err error) error {
	for _, f := range c.Parts {
		f.Close()
	}
	return captureError(err, "what was written is in "+c.name+"-….pcapng.part")
}

func captureError(err error, advice string) error {
	var path *fs.PathError
	var link *os.LinkError
	switch { // the advice names the files
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fmt.Errorf("cannot write the captures: %w\n%s", err, advice)
}
