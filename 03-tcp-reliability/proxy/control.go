package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"sync"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// serveControl serves the conditions on addr, until the function that it
// returns is called:
//
//	GET   /conditions  the conditions, as JSON
//	PUT   /conditions  replaces them all; what is not named is off
//	PATCH /conditions  changes those that are named
//
// A page in the user's browser must not be able to change them. So requests
// that name a foreign host, come from a foreign origin or are no JSON are
// refused.
func serveControl(addr string, shared *sharedNetwork, out io.Writer) (stop func(), err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s for -control: %w\n%s",
			addr, cause(err), advice(err))
	}
	server := &http.Server{
		Handler:           guard(listener.Addr().String(), controlHandler(shared)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
	}
	fmt.Fprintf(out, "Conditions at http://%s/conditions\n", listener.Addr())
	done := make(chan struct{})
	go func() {
		server.Serve(listener)
		close(done)
	}()
	return func() { server.Close(); <-done }, nil
}

// guard refuses what does not come from a person at this computer.
func guard(addr string, next http.Handler) http.Handler {
	_, port, _ := net.SplitHostPort(addr)
	allowed := map[string]bool{addr: true}
	for _, host := range []string{"localhost", "127.0.0.1", "::1"} {
		allowed[net.JoinHostPort(host, port)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if !allowed[r.Host] || origin != "" && origin != "http://"+r.Host {
			http.Error(w, "this address is for programs on this computer alone",
				http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func controlHandler(shared *sharedNetwork) http.Handler {
	mux := http.NewServeMux()
	show := func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(toJSON(shared.conditions()))
	}
	mux.HandleFunc("GET /conditions", func(w http.ResponseWriter, r *http.Request) { show(w) })
	var one sync.Mutex // change at a time, or another's could get lost
	change := func(w http.ResponseWriter, r *http.Request) {
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if kind != "application/json" {
			http.Error(w, "the body must be JSON, with the header Content-Type: application/json",
				http.StatusUnsupportedMediaType)
			return
		}
		named, err := readObject(http.MaxBytesReader(w, r.Body, 1<<16))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		one.Lock()
		defer one.Unlock()
		now := shared.conditions()
		c := network.Conditions{Queue: now.Queue, Seed: now.Seed}
		if r.Method == http.MethodPatch {
			c = now
		}
		if err := setConditions(&c, named); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if c.Seed != now.Seed {
			http.Error(w, "the seed can't be changed: the random streams go on",
				http.StatusBadRequest)
			return
		}
		shared.set(c)
		show(w)
	}
	mux.HandleFunc("PUT /conditions", change)
	mux.HandleFunc("PATCH /conditions", change)
	return mux
}

// conditionFlags are the conditions as flags: the same names and the same texts.
func conditionFlags(c *network.Conditions) *flag.FlagSet {
	fs := flag.NewFlagSet("conditions", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	c.Flags(fs)
	return fs
}

func toJSON(c network.Conditions) map[string]any {
	all := map[string]any{}
	conditionFlags(&c).VisitAll(func(f *flag.Flag) {
		text := f.Value.String()
		var number json.Number
		if json.Unmarshal([]byte(text), &number) == nil {
			all[f.Name] = number
		} else {
			all[f.Name] = text
		}
	})
	return all
}

// readObject reads one JSON object, and nothing after it.
func readObject(r io.Reader) (map[string]json.RawMessage, error) {
	var object map[string]json.RawMessage
	body := json.NewDecoder(r)
	err := body.Decode(&object)
	if err == nil && object == nil {
		err = errors.New("null")
	}
	if err == nil && !errors.Is(body.Decode(new(any)), io.EOF) {
		err = errors.New("more follows it")
	}
	if err != nil {
		return nil, fmt.Errorf("the body is no JSON object: %w", err)
	}
	return object, nil
}

// setConditions sets in c what an object names.
func setConditions(c *network.Conditions, object map[string]json.RawMessage) error {
	fs := conditionFlags(c)
	for name, value := range object {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value) // a number
		}
		if fs.Lookup(name) == nil {
			return fmt.Errorf("unknown condition %q", name)
		}
		if err := fs.Set(name, text); err != nil {
			return fmt.Errorf("invalid value %q for %s: %w", text, name, err)
		}
	}
	return c.Validate()
}
