package main

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// What a reader has to load, packed with gzip: the page, the engine behind it,
// and all of the site. The engine is built where CI asks for it alone.
func TestSize(t *testing.T) {
	t.Parallel()
	dir, whole := t.TempDir(), os.Getenv("CI") != "" || os.Getenv("ALL") != ""
	write := func(name string, text []byte) error {
		if err := os.MkdirAll(path.Dir(dir+"/"+name), 0o755); err != nil {
			return err
		}
		return os.WriteFile(dir+"/"+name, text, 0o644)
	}
	var err error
	if whole {
		err = export(t.Context(), dir, t.Output())
	} else if err = writePage(write); err == nil {
		err = writePresets(write)
	}
	if err != nil {
		t.Fatal(err)
	}
	engine, shim, presets, rest := 0, 0, 0, 0 // shim is Go's own
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path.Join(dir, name))
		switch size := len(packed(text)); {
		case name == "engine.wasm.gz":
			engine += len(text)
		case name == "wasm_exec.js":
			shim += size
		case strings.HasPrefix(name, "runs/") || name == "presets.json":
			presets += size
		default:
			rest += size
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("page %d bytes, presets %d, engine %d", rest, presets, engine)
	if rest >= 25_000 || engine > 1_300_000 || rest+presets+engine+shim >= 2_000_000 {
		t.Errorf("packed, the page has %d bytes, the presets %d, the engine %d: at most 25,000 "+
			"for the page, "+
			"1,300,000 for the engine and 2,000,000 for all", rest, presets, engine)
	}
	if rest == 0 || presets == 0 || whole && engine == 0 {
		t.Error("something is missing")
	}
}
