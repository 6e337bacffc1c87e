package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"example.com/sockets/03-tcp-reliability/engine/document"
	"example.com/sockets/03-tcp-reliability/engine/picture"
)

// widths are those of the pictures on the page, in points: of a phone, a laptop
// and a projector. For them the first ones are made beforehand.
var widths = []int{390, 720, 900}

// export writes the page, the engine and the first documents to a folder. Any
// web server can serve it, at any path.
func export(ctx context.Context, dir string, out io.Writer) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, "engine.wasm.gz")); err != nil {
			return fmt.Errorf("%s is not empty\ngive -export a new folder, or one that it has "+
				"written before", dir)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "runs"), 0o755); err != nil {
		return fmt.Errorf("cannot write the page: %w", err)
	}
	write := func(name string, text []byte) error {
		return os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), text, 0o644)
	}
	err := errors.Join(
		writePage(write),
		writePresets(write),
		writeEngine(ctx, write, out),
	)
	if err != nil {
		return fmt.Errorf("cannot write the page: %w", err)
	}
	fmt.Fprintf(out,
		"Wrote %s: serve this folder, or try it with\npython3 -m http.server --bind 127.0.0.1 "+
			"--directory %s\n", dir, dir)
	return nil
}

func writePage(write func(string, []byte) error) error {
	html, err := render("", "worker", policy)
	if err != nil {
		return err
	}
	errs := []error{write("index.html", html), write("picture.css", []byte(picture.Style("")))}
	static, _ := fs.Sub(files, "page")
	names, _ := fs.Glob(static, "*")
	for _, name := range names {
		if name == "index.html" {
			continue
		}
		text, err := fs.ReadFile(static, name)
		errs = append(errs, err, write(name, text))
	}
	return errors.Join(errs...)
}

// writePresets makes the documents that the page shows first, so that the
// first picture needs no engine.
func writePresets(write func(string, []byte) error) error {
	index := map[string]string{}
	add := func(query, file string) error {
		text, err := document.Answer("run", query)
		if err != nil {
			return err
		}
		index[query] = file
		return write(file, text)
	}
	for i, p := range document.Presets {
		d, err := document.Of(p.Address, document.View{})
		if err != nil {
			return err
		}
		for _, width := range widths {
			query := fmt.Sprintf("%s&width=%d", d.Address, width)
			if err := add(query, fmt.Sprintf("runs/%d-%d.json", i+1, width)); err != nil {
				return err
			}
		}
	}
	text, err := json.Marshal(index)
	return errors.Join(err, write("presets.json", text))
}

// writeEngine writes the engine packed, with its wasm_exec.js.
func writeEngine(ctx context.Context, write func(string, []byte) error, out io.Writer) error {
	shim, plain, err := build(ctx, out)
	if err != nil {
		return err
	}
	return errors.Join(write("wasm_exec.js", shim), write("engine.wasm.gz", packed(plain)))
}

func packed(plain []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	z.Write(plain)
	z.Close()
	return out.Bytes()
}

// build makes the engine with the reader's own Go, whose wasm_exec.js belongs
// to it.
func build(ctx context.Context, out io.Writer) (shim, wasm []byte, err error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, nil, fmt.Errorf("go env GOROOT: %w", err)
	}
	shim, err = os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm",
		"wasm_exec.js"))
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(out, "Building the engine, which may take a minute …")
	dir, err := os.MkdirTemp("", "lab")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "engine.wasm")
	// Without inlining it is a twentieth smaller, and that counts for more than speed.
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-gcflags",
		"all=-l", "-o", file,
		"example.com/sockets/03-tcp-reliability/lab/engine")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, nil, fmt.Errorf("go build: %w\n%s", err, text)
	}
	wasm, err = os.ReadFile(file)
	return shim, wasm, err
}
