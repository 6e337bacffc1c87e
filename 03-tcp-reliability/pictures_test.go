package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A page says in a comment by which command each of its pictures is made.
var madeBy = regexp.MustCompile(`(?m)^<!-- (docs/diagrams/\S+\.svg): go run \./03-tcp-reliability (.*) -->$`)

// The pictures of the pages are what the commands print that the pages name.
// With -update they are made anew.
func TestPictures(t *testing.T) {
	made := map[string]bool{}
	var pages []string
	for _, pattern := range []string{"../*.md", "*.md", "../docs/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range madeBy.FindAllSubmatch(bytes.ReplaceAll(text, []byte("\r"), nil), -1) {
			name, got := string(m[1]), output(t, string(m[2]))
			made[name] = true
			file := filepath.Join("..", filepath.FromSlash(name))
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(bytes.ReplaceAll(want, []byte("\r"), nil), got) {
				t.Errorf("%s is not what %s prints: go test ./03-tcp-reliability -run "+
					"TestPictures -update",
					name, m[2])
			}
			if !bytes.Contains(text, []byte("diagrams/"+filepath.Base(file)+`"`)) {
				t.Errorf("%s names %s and does not show it", page, name)
			}
		}
	}
	all, err := filepath.Glob("../docs/diagrams/*.svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if name := "docs/diagrams/" + filepath.Base(file); bytes.Contains(text,
			[]byte(`class="lad"`)) && !made[name] {
			t.Errorf("no page says by which command %s is made", name)
		}
	}
	if len(made) < 10 {
		t.Errorf("the pages have %d pictures", len(made))
	}
}
