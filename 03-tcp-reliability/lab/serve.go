package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/document"
	"example.com/sockets/03-tcp-reliability/engine/loopback"
	"example.com/sockets/03-tcp-reliability/engine/picture"
	"example.com/sockets/03-tcp-reliability/engine/run"
)

//go:embed page
var files embed.FS

var page = template.Must(template.ParseFS(files, "page/index.html"))

// policy allows the page what it needs, and nothing else.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action " +
	"'self'"

// atOnce is how many runs are made at the same time; others wait.
const atOnce = 2

// serve answers until ctx is cancelled.
func serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           loopback.Guard(l.Addr().String(), handler()),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		MaxHeaderBytes:    1 << 16,
	}
	stopped := make(chan error, 1)
	defer context.AfterFunc(ctx, func() {
		patience, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		stopped <- server.Shutdown(patience)
	})()
	err := server.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return <-stopped
	}
	return err
}

func handler() http.Handler {
	places := make(chan struct{}, atOnce)
	limited := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			select {
			case places <- struct{}{}:
				defer func() { <-places }()
				next(w, r)
			case <-r.Context().Done():
			}
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", limited(showPage))
	for _, what := range []string{"run", "picture", "harm", "compare", "curves"} {
		mux.HandleFunc("GET /"+what, limited(func(w http.ResponseWriter, r *http.Request) {
			text, err := document.Answer(what, r.URL.RawQuery)
			reply(w, "application/json", text, err)
		}))
	}
	for name, file := range document.Files {
		mux.HandleFunc("GET /"+name, limited(func(w http.ResponseWriter, r *http.Request) {
			text, err := document.File(name, r.URL.RawQuery)
			if strings.HasSuffix(name, ".pcapng") {
				w.Header().Set("Content-Disposition", "attachment; filename="+name)
			}
			reply(w, file, text, err)
		}))
	}
	mux.HandleFunc("GET /picture.css", func(w http.ResponseWriter, r *http.Request) {
		reply(w, "text/css; charset=utf-8", []byte(picture.Style("")), nil)
	})
	static, _ := fs.Sub(files, "page")
	mux.Handle("GET /", http.FileServerFS(static))
	return headers(mux)
}

// headers keep a browser from doing more with the page than it is for.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy+"; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

// reply writes an answer. It is not packed: on one machine that costs more than
// it saves.
func reply(w http.ResponseWriter, kind string, text []byte, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Write(text)
}

// A view is what the page's template is filled in with.
type view struct {
	Engine  string // "http" or "worker"
	Policy  string // "" where a header has it
	Doc     *document.Document
	Cover   string // the end that is covered
	Preset  *document.Preset
	Presets []document.Preset
	Widths  string // of pictures
	Picture template.HTML
}

// Link is the address of a preset on a page without scripts. An address of
// settings needs no more escaping.
func (v view) Link(address string) template.URL {
	if v.Engine == "http" {
		return template.URL("?" + address)
	}
	return template.URL("#" + address)
}

// Query is the address of the run, behind a "?".
func (v view) Query() template.URL { return template.URL(v.Doc.Address) }

// render writes the page of an address. Over HTTP it works without scripts: the
// packets of the picture are links.
func render(query, engine, policy string) ([]byte, error) {
	address, how, err := document.Split(query)
	if err != nil {
		return nil, err
	}
	how.Still = engine != "http"
	d, err := document.Of(address, how)
	if err != nil {
		return nil, err
	}
	if how.Still {
		for i := range d.Settings {
			d.Settings[i].Usage = "" // the scripts fill it in
		}
	}
	v := view{Engine: engine, Policy: policy, Doc: d, Cover: how.Cover, Presets: document.Presets,
		Widths: strings.Trim(fmt.Sprint(widths), "[]"),
		Preset: document.PresetOf(d.Address),
		// Package picture escapes every text that it draws.
		Picture: template.HTML(d.Picture)}
	if how.Still {
		v.Picture = template.HTML(titles.ReplaceAllString(d.Picture, "")) // the scripts draw it anew
	}
	var out bytes.Buffer
	err = page.Execute(&out, v)
	return out.Bytes(), err
}

var titles = regexp.MustCompile(`<title>[^<]*</title>`)

func showPage(w http.ResponseWriter, r *http.Request) {
	text, err := render(brief(r.URL.RawQuery), "http", "")
	reply(w, "text/html; charset=utf-8", text, err)
}

// brief leaves out of a query what is the default anyhow: a form without
// scripts sends all of its fields, and many mean nothing to a protocol. That
// nothing is lost by chance stays: it may be that nothing is lost at all.
func brief(query string) string {
	standard := run.Default()
	flags := standard.FlagSet()
	return strings.Join(slices.DeleteFunc(strings.Split(query, "&"), func(part string) bool {
		name, value, _ := strings.Cut(part, "=")
		value, err := url.QueryUnescape(value)
		f := flags.Lookup(name)
		return err == nil && f != nil && name != "loss" && value == f.Value.String()
	}), "&")
}
