package tests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestStories(t *testing.T) {
	if testing.Short() {
		t.Skip("the console blocks of the pages are not run with -short")
	}
	t.Parallel() // most of a story is waiting
	// A story that is stopped, by Ctrl-C or because the time for all tests is
	// nearly over, still ends the programs that it has started.
	ctx, cancel := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	t.Cleanup(cancel)
	if deadline, ok := t.Deadline(); ok {
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-5*time.Second))
		t.Cleanup(cancel)
	}
	for _, p := range pagesOrFail(t) {
		s, problems := parseStory(p, machineLacks)
		for _, problem := range problems {
			t.Error(problem)
		}
		if len(problems) > 0 || len(s.turns) == 0 {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			// Stories share ports, unless each has a network of its own.
			if machineLacks("netns") == "" {
				t.Parallel()
				if err := inOwnNetwork(); err != nil {
					t.Fatal(err)
				}
			}
			tellStory(ctx, t, s)
		})
	}
}

// tellStory runs the story of a page.
func tellStory(ctx context.Context, t *testing.T, s story) {
	for port := range s.fixed {
		if port == "65432" || bytes.Contains(s.page.source, []byte(":"+port)) {
			if problem := portProblem("127.0.0.1:" + port); problem != "" {
				t.Fatal(problem)
			}
		}
	}
	for _, turn := range s.turns {
		if turn.lack.need == "" {
			continue
		}
		t.Run(fmt.Sprint("line ", turn.line), func(t *testing.T) {
			skip := s.page.problem(turn.line, "skipped: this machine lacks %s: %s",
				turn.lack.need, turn.lack.why)
			if !mayLack(turn.lack.need) {
				t.Fatal(skip)
			}
			t.Skip(skip)
		})
	}
	scratch := ""
	for _, turn := range s.turns {
		if turn.scratch && turn.lack.need == "" {
			if scratch == "" {
				scratch = copyTree(t, root)
			}
			turn.dir = scratch
		}
	}
	problem, wide := runStory(ctx, s, root, time.Minute, t.Logf)
	if problem != "" {
		t.Error(problem)
	}
	expectRule(t, s.page, wide)
}

// portProblem objects to an address that another program has.
func portProblem(addr string) string {
	l, err := net.Listen("tcp", addr)
	if errors.Is(err, os.ErrPermission) {
		return "" // a port below 1024: the page shows what happens
	}
	if err != nil {
		return fmt.Sprintf("the pages need the address %s (%v): if a server of the tutorial runs "+
			"in another terminal, stop it with Ctrl-C and run the tests again", addr, err)
	}
	l.Close()
	return ""
}

// copyTree copies the repository below dir into a new folder.
func copyTree(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	err := walk(dir, func(name string) error {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		path := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, bytes.Clone(content), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
