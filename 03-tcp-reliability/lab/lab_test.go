package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"example.com/sockets/03-tcp-reliability/engine/document"
	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/loopback"
	"example.com/sockets/03-tcp-reliability/engine/run"
)

func get(t *testing.T, h http.Handler, path string, set func(*http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	r.Host = "127.0.0.1:8476"
	if set != nil {
		set(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Without scripts the page is whole: the story, the picture, and each packet a
// link to the run in which it meets the other fate.
func TestPageWithoutScripts(t *testing.T) {
	h := handler()
	page := body(t, get(t, h, "/", nil))
	for _, want := range []string{"1 packet was lost", `<a href="?drop=data:2-3" id="up-4"`,
		"Whole and in order"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(page, "ZgotmplZ") || !strings.Contains(page,
		`href="?protocol=udp&amp;drop=data:3"`) ||
		!strings.Contains(page, `href="trace.json?drop=data:3"`) {
		t.Error("the links to the examples and the files are not their addresses")
	}
	lost := body(t, get(t, h, "/?drop=data:2-3", nil))
	if !strings.Contains(lost, "2 packets were lost") ||
		!strings.Contains(lost, `<a href="?drop=data:3" id="up-4"`) {
		t.Error("a click loses the packet, and a second one spares it: it does not")
	}
	form := url.Values{}
	standard := run.Default()
	standard.FlagSet().VisitAll(func(f *flag.Flag) { form.Set(f.Name, f.Value.String()) })
	form.Set("protocol", "go-back-n")
	sent := body(t, get(t, h, "/?"+form.Encode(), nil))
	if !strings.Contains(sent, `<div id="problems" role="status"></div>`) ||
		!strings.Contains(sent, "go-back-n over") || !strings.Contains(sent, "Nothing was lost") {
		t.Error("the form sends what the page complains of")
	}
	if hostile := body(t, get(t, h, "/?message=%3Cscript%3Ealert(1)%3C/script%3E",
		nil)); strings.Contains(hostile, "<script>alert") {
		t.Error("the text of a message becomes a script")
	}
}

// What the page asks for comes as the document says it, packed or not.
func TestDocuments(t *testing.T) {
	h := handler()
	for _, question := range []string{"/run?drop=data:3", "/harm?loss=0", "/compare?drop=data:3",
		"/run?nonsense=1"} {
		what, query, _ := strings.Cut(question[1:], "?")
		want, err := document.Answer(what, query)
		if err != nil {
			t.Fatal(err)
		}
		if got := body(t, get(t, h, question, nil)); got != string(want) {
			t.Errorf("%s: %d bytes, not %d", question, len(got), len(want))
		}
	}
	if r := get(t, h, "/run?width=x", nil); r.StatusCode != http.StatusBadRequest {
		t.Errorf("a wrong width: status %d", r.StatusCode)
	}
	for name := range document.Files {
		if got := body(t, get(t, h, "/"+name+"?drop=data:3", nil)); len(got) < 500 {
			t.Errorf("%s has %d bytes", name, len(got))
		}
	}
}

// Pages of other sites get nothing, and our own may do no more than it must.
func TestGuard(t *testing.T) {
	h := loopback.Guard("127.0.0.1:8476", handler())
	for name, set := range map[string]func(*http.Request){
		"a foreign host":   func(r *http.Request) { r.Host = "example.com" },
		"a foreign origin": func(r *http.Request) { r.Header.Set("Origin", "http://example.com") },
		"another site":     func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
	} {
		if r := get(t, h, "/run?drop=data:3", set); r.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", name, r.StatusCode)
		}
	}
	r := get(t, h, "/", nil)
	if p := r.Header.Get("Content-Security-Policy"); r.StatusCode != http.StatusOK ||
		!strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe-inline") {
		t.Errorf("status %d, policy %q", r.StatusCode, p)
	}
}

// The page's scripts know no protocol, make no HTML of texts, and ask nobody
// else.
func TestScripts(t *testing.T) {
	static, _ := fs.Sub(files, "page")
	names, _ := fs.Glob(static, "*")
	forbidden := regexp.MustCompile(`(?i)innerHTML|https?://|\beval\(|` + strings.Join(hosts.Names,
		"|"))
	for _, name := range names {
		text, err := fs.ReadFile(static, name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, ".js") {
			continue
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			if what := forbidden.Find(line); what != nil {
				t.Errorf("page/%s:%d has %q", name, i+1, what)
			}
		}
	}
}

// It serves until Ctrl-C, and only on this computer.
func TestServe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, l) }()
	r, err := http.Get("http://" + l.Addr().String() + "/run?protocol=udp&drop=data:3")
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, r); !strings.Contains(got, `"protocol":"udp"`) {
		t.Errorf("%.200s", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	for _, args := range [][]string{{"-addr", "0.0.0.0:8476"}, {"-addr", ":8476"},
		{"-addr", "192.0.2.1:1"}, {"-open", "-export", "x"}, {"x"}} {
		var out strings.Builder
		if _, err := parse(args, &out); err == nil ||
			!strings.HasSuffix(out.String(), "-h shows the flags\n") {
			t.Errorf("%v: %v, %q", args, err, out.String())
		}
	}
}
