package neterror

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// Failures counts what went wrong on many connections. Where a thousand fail,
// they mostly fail for one reason: errors that call for the same advice are
// explained once. Many goroutines may use it at the same time.
type Failures struct {
	Server string // what Advice tells to start

	mu    sync.Mutex // guards what follows
	kinds []*kind    // in the order of their first error
	count int
}

type kind struct {
	advice string
	count  int
	first  int // the connection on which it happened first
	err    error
}

// Add counts the error of connection number id.
func (f *Failures) Add(id int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count++
	advice := Advice(err, f.Server)
	for _, k := range f.kinds {
		if k.advice == advice {
			k.count++
			return
		}
	}
	f.kinds = append(f.kinds, &kind{advice, 1, id, err})
}

// Count returns how many errors were added.
func (f *Failures) Count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.count
}

// Explain returns the first error of each kind with what to try, in two lines;
// or nil where there is none.
func (f *Failures) Explain(addr string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, k := range f.kinds {
		which := fmt.Sprintf("connection %d", k.first)
		if k.count > 1 {
			which = fmt.Sprintf("%d connections", k.count)
		}
		lines = append(lines, fmt.Sprintf("%s to %s: %v\n%s", which, addr, Cause(k.err), k.advice))
	}
	if lines == nil {
		return nil
	}
	return errors.New(strings.Join(lines, "\n"))
}
