package views_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sockets/03-tcp-reliability/engine/network"
	"example.com/sockets/03-tcp-reliability/engine/trace"
	"example.com/sockets/03-tcp-reliability/engine/views"
)

// Captures that are whole and can't get their names are not lost.
func TestCapturesWithoutNames(t *testing.T) {
	name := filepath.Join(t.TempDir(), "run")
	files, err := views.CreateCaptures(name)
	if err != nil {
		t.Fatal(err)
	}
	for end, f := range files.Parts {
		if err := views.WritePcapng(f, &trace.Trace{}, network.Direction(end)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(name+"-server.pcapng", 0o755); err != nil { // it came meanwhile
		t.Fatal(err)
	}
	err = files.Keep()
	if err == nil || !strings.HasSuffix(err.Error(),
		"\nwhat was written is in "+name+"-….pcapng.part") {
		t.Errorf("the error is %v", err)
	}
	for _, kept := range []string{"-client.pcapng", "-server.pcapng.part"} {
		if info, err := os.Stat(name + kept); err != nil || info.Size() == 0 {
			t.Errorf("%s is not kept: %v", kept, err)
		}
	}
}

// Captures that could not be written leave nothing behind.
func TestCapturesFail(t *testing.T) {
	dir := t.TempDir()
	files, err := views.CreateCaptures(filepath.Join(dir, "run"))
	if err != nil {
		t.Fatal(err)
	}
	files.Parts[0].Close()
	err = files.Fail(views.WritePcapng(files.Parts[0], &trace.Trace{}, network.Up))
	const want = "cannot write the captures: file already closed\nis the disk full?"
	if err.Error() != want {
		t.Errorf("the error is\n%v\nand not\n%s", err, want)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
