package tests

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The tests of this file feed a broken page, or a broken Go file, to each of
// the checks and expect its objections. A check that can't fail proves nothing.

func lines(lines ...string) string { return strings.Join(lines, "\n") + "\n" }

// writeFiles writes files, named with slashes, below dir.
func writeFiles(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// expectProblems fails the test unless exactly these problems were found.
func expectProblems(t *testing.T, found []string, expected ...string) {
	t.Helper()
	if diff := cmp.Diff(expected, found); diff != "" {
		t.Errorf("problems (- expected, + found):\n%s", diff)
	}
}

func TestBrokenBlocksAreFound(t *testing.T) {
	p := parsePage("p.md", lines(
		"# Blocks",
		"```console",
		"$ go version",
		"```",
		"```bash",
		"go version",
		"```",
		"```text",
		"a picture",
		"$ go version",
		"```",
		"- in a list",
		"",
		"  ```",
		"  no language",
		"  ```",
		"",
		"```go excerpt",
		"```",
		"",
		"A paragraph",
		"",
		"    an indented block",
	))
	_, problems := p.blocks()
	const languages = "blocks are console, go, python, text or mermaid"
	expectProblems(t, problems,
		"p.md:23: an indented block has no language: use a fence, such as ```text",
		`p.md:5: a block of language "bash": `+languages,
		`p.md:10: a command in a text block is never run: make it a console block`,
		`p.md:14: a block of language "": `+languages,
		`p.md:18: ["excerpt"] after go: only console blocks take attributes`,
	)
}

func TestDeadLinksAreFound(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"README.md": lines("# Top", "## Try this", "## Try this"),
		"01-echo/p.md": lines(
			"# One page: `Read` & half-close, 世界?",
			`<a id="by-hand"></a>`,
			"",
			"[good](#one-page-read--half-close-世界) [good](#by-hand) [good](../README.md#try-this-1)",
			"[good](..) [good](../#top) [good](main.go) [elsewhere](https://go.dev/x#y)",
			"[dead](gone.md)",
			"![dead](gone.svg)",
			"A paragraph of [good](../README.md) and",
			"[dead](#one-pages) links, and [by][reference].",
			"",
			"[reference]: ../README.md#try-this-2",
			"",
			"[line](main.go#L12)",
			"[outside](../../p.md)",
			"",
			"<p>",
			`<img src="gone.png">`,
			"</p>",
			"",
			"| a | b |",
			"|---|---|",
			"| c | [![](gone.svg)](main.go) |",
		),
		"01-echo/main.go":       "package main\n",
		"01-echo/testdata/p.md": "[broken on purpose](gone.md)\n",
		"vendor/p.md":           "[not ours](gone.md)\n",
	})
	pages, err := readPages(dir)
	if err != nil {
		t.Fatal(err)
	}
	expectProblems(t, checkLinks(dir, pages),
		`01-echo/p.md:6: the link "gone.md" leads nowhere: there is no 01-echo/gone.md`,
		`01-echo/p.md:7: the link "gone.svg" leads nowhere: there is no 01-echo/gone.svg`,
		`01-echo/p.md:9: the link "#one-pages" leads nowhere: 01-echo/p.md has no heading #one-pages`,
		`01-echo/p.md:9: the link "../README.md#try-this-2" leads nowhere: README.md has no heading #try-this-2`,
		`01-echo/p.md:13: the link "main.go#L12" points into a file that is no page: lines move, link the file`,
		`01-echo/p.md:14: the link "../../p.md" leads nowhere: there is no ../p.md`,
		`01-echo/p.md:17: the link "gone.png" leads nowhere: there is no 01-echo/gone.png`,
		`01-echo/p.md:22: the link "gone.svg" leads nowhere: there is no 01-echo/gone.svg`,
	)
}

func TestBrokenExcerptsAreFound(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"01-echo/main.go": lines(
			"package main",
			"",
			"func main() {",
			"\tlisten()",
			"",
			"\tfor {",
			"\t\taccept()",
			"\t}",
			"}",
		),
		"echo.py": lines("def main():", "    listen()", "    accept()"),
	})
	good := parsePage("01-echo/good.md", lines(
		"A loop, as in [another.md](gone.md), in [main.go](main.go):",
		"```go",
		"for {",
		"\taccept()",
		"}",
		"```",
		"The whole of [main.go](main.go):",
		"```go",
		"func main() {",
		"\t// …",
		"\tfor {",
		"// …",
		"}",
		"```",
		"- [echo.py](../echo.py)",
		"  ```python",
		"      listen()",
		"      # …",
		"  ```",
	))
	expectProblems(t, checkExcerpts(dir, good))

	broken := parsePage("01-echo/p.md", lines(
		"[main.go](main.go) has changed:",
		"```go",
		"\tlisten()",
		"",
		"\tfor ever {",
		"\t\taccept()",
		"```",
		"[main.go](main.go), a line left out:",
		"```go",
		"func main() {",
		"\tfor {",
		"```",
		"[main.go](main.go), in another order:",
		"```go",
		"for {",
		"// …",
		"listen()",
		"```",
		"[main.go](main.go), indented otherwise:",
		"```go",
		"for {",
		"accept()",
		"```",
		"No link here:",
		"```go",
		"listen()",
		"```",
		"[main.go](main.go)",
		"## A heading is no paragraph",
		"```go",
		"listen()",
		"```",
		"[gone.py](gone.py):",
		"```python",
		"accept()",
		"```",
		"[main.go](main.go):",
		"```go",
		"// …",
		"```",
	))
	const changed = ": has the program changed?"
	const noFile = "the excerpt names no file: link the file in the paragraph above it"
	expectProblems(t, checkExcerpts(dir, broken),
		`01-echo/p.md:5: 01-echo/main.go does not have "for ever {" here`+changed,
		`01-echo/p.md:11: 01-echo/main.go does not have "for {" here`+changed,
		`01-echo/p.md:17: 01-echo/main.go does not have "listen()" here`+changed,
		`01-echo/p.md:22: 01-echo/main.go does not have "accept()" here`+changed,
		`01-echo/p.md:25: `+noFile,
		`01-echo/p.md:30: `+noFile,
		`01-echo/p.md:34: the excerpt's file 01-echo/gone.py can't be read`,
		`01-echo/p.md:38: the excerpt shows nothing of 01-echo/main.go`,
	)
}

func TestUnnamedTerminalsAreFound(t *testing.T) {
	expectProblems(t, checkTerminals(parsePage("p.md", lines(
		"No word about it, but there is only one:",
		"```console terminal=a", "$ one", "```",
		"```console terminal=a", "$ two", "```",
	))))
	expectProblems(t, checkTerminals(parsePage("p.md", lines(
		"Terminal 1, the server:",
		"```console terminal=server", "$ one", "```",
		"In another terminal:",
		"```console terminal=client", "$ two", "```",
		"Still in the same:",
		"```console terminal=client", "$ three", "```",
		"The *server* shows in its terminal:",
		"```console terminal=server", "more", "```",
		"```console terminal=server", "still more", "```",
		"This goes from terminal 2 to terminal 1. In terminal 2:",
		"```console terminal=client", "$ four", "```",
		"The server's terminal is Terminal 1:",
		"```console terminal=server", "the end", "```",
		"- Terminal 3:",
		"  ```console",
		"  $ five",
		"  ```",
	))))
	const unnamed = "the paragraph above does not name the terminal: say \"Terminal N\" or "
	expectProblems(t, checkTerminals(parsePage("p.md", lines(
		"Start the server:",
		"```console terminal=server", "$ one", "```",
		"```console terminal=client", "$ two", "```",
		"In another terminal:",
		"```console terminal=server", "more", "```",
		"The client's terminal shows",
		"",
		"- this:",
		"",
		"```console terminal=client", "more", "```",
		"In terminal 1:",
		"```console terminal=server", "more", "```",
		"In terminal 1:",
		"```console terminal=client", "more", "```",
		"In terminal 2:",
		"```console terminal=server", "more", "```",
		"```console", "$ three", "```",
	))),
		"p.md:2: "+unnamed+`"the server's terminal"`,
		"p.md:5: "+unnamed+`"the client's terminal"`,
		"p.md:9: "+unnamed+`"the server's terminal"`,
		"p.md:16: "+unnamed+`"the client's terminal"`,
		`p.md:24: Terminal 1 for "client", but it was "server" before`,
		`p.md:28: Terminal 2 for "server", which was Terminal 1 before`,
		"p.md:31: "+unnamed+`"another terminal"`,
	)
}

func TestUnportableCommandsAreFound(t *testing.T) {
	for _, good := range []string{
		`go run ./01-echo/client -message "Grüße, 世界? (Yes; <&>|*#~)" -addr "[::1]:65432"`,
		"go run ./03-tcp-reliability -drop data:3 -loss 0.05 -rate 5Mbit -every 0",
		"go test ./... -run TestStories/docs",
		"git clone https://example.com/sockets/x.git",
	} {
		if problem := portable(good); problem != "" {
			t.Errorf("no shell reads anything into %q, but the check says %s", good, problem)
		}
	}
	for bad, sign := range map[string]string{
		`client -message "Me too!"`:         `"!"`,
		`client -message "for $5"`:          `"$"`,
		"client -message \"a `b`\"":         "\"`\"",
		`client -message "100 %"`:           `"%"`,
		`client -message "C:\x"`:            `"\\"`,
		`client -message 'Me too'`:          `"'"`,
		`client -message ""`:                `""`,
		`client -message "Me too`:           `a quote " without`,
		`client -addr [::1]:65432`:          `"["`,
		`client -message x?`:                `"?"`,
		`go vet ./*`:                        `"*"`,
		`go run . ~`:                        `"~"`,
		`go run . #1`:                       `"#"`,
		`go run . {a}`:                      `"{"`,
		`go run . | wc`:                     `"|"`,
		`go run . && go vet`:                `"&"`,
		`go run .; go vet`:                  `";"`,
		`go run . > file`:                   `">"`,
		`go run . < file`:                   `"<"`,
		`go run . ^2`:                       `"^"`,
		`go run . -drop data:3,data:4`:      `","`,
		`go run . @file`:                    `"@"`,
		`go run . -x.y 3`:                   `"-x."`,
		`GOOS=windows go vet`:               `"GOOS="`,
		`cd 01-echo`:                        `"cd"`,
		`go run . -message "a" -drop "b",c`: `","`,
	} {
		if problem := portable(bad); !strings.HasPrefix(problem, sign) {
			t.Errorf("for %s expected an objection to %s, but found %q", bad, sign, problem)
		}
	}
	expectProblems(t, checkCommands(parsePage("p.md", lines(
		"As in `go run ./x -message 'Hello'`, or `go run ./x …`, or `it's`, `go serve()`.",
		"```console", "$ go run ./x -message 'Hello'", "it's", "```",
		"```console needs=ipv6", "$ go run ./x | wc", "```",
		"```console needs=ipv6,curl", "$ curl | wc", "```",
		"```console needs=sh", "$ go run ./x | wc", "```",
		"```text", "go run ./x | wc", "```",
	))),
		`p.md:3: not the same in every shell: "'": cmd knows no single quotes`,
		`p.md:7: not the same in every shell: "|": some shell joins or redirects commands with it, or takes it away`,
		`p.md:1: not the same in every shell: "'": cmd knows no single quotes`,
	)
}

func TestOutputOfOneComputerIsFound(t *testing.T) {
	wide := strings.Repeat("x", maxColumns+1)
	expectProblems(t, checkOutput(parsePage("p.md", lines(
		"```console",
		"$ server -long "+wide,
		"…accept4(‹listener›, …) = ‹connection›",
		"socket(AF_INET, SOCK_STREAM|…) = …",
		"Listening on 127.0.0.1:65432, 12 bytes read(…) at 0x1f",
		"{"+wide,
		strings.Repeat("世", maxColumns/2),
		strings.Repeat("e\u0301", maxColumns),
		"```",
		"```text", "accept4(5, …) = 6", wide, "```",
	))))
	for line, thing := range map[string]string{
		"accept4(5, …) = …":                       `"accept4(5" shows a file descriptor`,
		"…accept4(…, …) = 6":                      `"accept4(…, …) = 6" shows a file descriptor`,
		"epoll_ctl(…, EPOLL_CTL_ADD, 6, {…}) = 0": `"EPOLL_CTL_ADD, 6" shows a file descriptor`,
		`users:(("server",pid=12,fd=…))`:          `"pid=1" shows a process number`,
		"[pid 11497] accept4(…":                   `"pid 1" shows a process number`,
		"openat(…/cgroup…":                        `"cgroup" shows a control group`,
		"with 2 processors":                       `"2 processors" shows a count of processors`,
		"open /tmp/x: no such file":               `" /tmp/" shows a folder of one computer`,
		`open C:\Users\x: no such file`:           `" C:\\" shows a folder of one computer`,
		"panic at 0xc000012345":                   `"0xc000012345" shows an address in memory`,
		"link/ether 02:42:ac:11:00:02":            `"02:42:ac:11:00:02" shows the address of a network card`,
		"2026/01/02 15:04:05 Listening":           `"2026/01/02" shows the date`,
		"go version go1.30.1 …":                   `"go1.30" shows a version`,
		wide:                                      "a line of 81 columns",
		strings.Repeat("世", maxColumns/2) + "x":   "a line of 81 columns",
	} {
		found := checkOutput(parsePage("p.md", lines("```console", "$ server", line, "```")))
		if len(found) != 1 || !strings.HasPrefix(found[0], "p.md:3: "+thing) {
			t.Errorf("for the line %q expected an objection that begins with %s, but found %q",
				line, thing, found)
		}
	}
}

func TestUnexplainedTermsAreFound(t *testing.T) {
	expectProblems(t, checkTerms(parsePage("p.md", lines(
		"# The kernel",
		"The **kernel** does it. The kernel can. ![a host](x.svg) `FIN`, `x SYN_SENT`",
		"",
		"- A [host](glossary.md#host) is a computer,",
		"- and *segments* go to hosts in a segment",
		"  with a SYN; **SYN** means start.",
		"",
		"```text", "RST", "```",
	))))
	expectProblems(t, checkTerms(parsePage("p.md", lines(
		"# Page",
		"A kernel, and the *end*.",
		"",
		"The **kernel** is explained too late. Resets are not at all,",
		"and `ctx` neither.",
		"",
		"| call | what |", "|---|---|", "| x | sends a FIN |",
	))),
		`p.md:9: "FIN" comes here first: link it, or explain it here in bold letters`,
		`p.md:4: "reset" comes here first: link it, or explain it here in bold letters`,
		`p.md:2: "kernel" comes here first: link it, or explain it here in bold letters`,
		`p.md:4: "ctx" comes here first: link it, or explain it here in bold letters`,
	)
}

func TestSecondNamesAreFound(t *testing.T) {
	expectProblems(t, checkNames([]page{
		parsePage("README.md", lines("# Top",
			"[Chapter 1](01-echo/README.md) [01-echo](01-echo) [chapter 1: one client](01-echo)",
			"[The network's model](docs/network-model.md) [network's model](docs/network-model.md)",
			"[any words](docs/network-model.md#loss) [elsewhere](https://go.dev/x.md) "+
				"[file](main.go)",
			"[Across hosts](docs/two-machines.md)",
			"[the first chapter](01-echo)")),
		parsePage("01-echo/README.md", "# Chapter 1: one client\n"),
		parsePage("docs/network-model.md", "# The network's model\n"),
		parsePage("docs/two-machines.md", "# Across hosts\n"),
	})["README.md"],
		`README.md:6: the link "the first chapter" leads to the page "Chapter 1: one client": call it so, or link a section of it`,
	)
	expectProblems(t, checkNames([]page{
		parsePage("docs/two-machines.md", "# Two hosts\n"),
	})["docs/two-machines.md"],
		`docs/two-machines.md:1: the title "Two hosts" does not have "machines" of the file's name`,
	)
}

func TestForbiddenImportsAreFound(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"01-echo/server/main.go": lines(
			"package main",
			`import "net"`,
			`import "example.com/sockets/01-echo/berkeley"`,
			`import "example.com/sockets/02-multiconn/messages"`,
			`import "github.com/google/go-cmp/cmp"`,
		),
		"01-echo/server/main_test.go": lines(
			"package main",
			`import "github.com/google/go-cmp/cmp"`,
			`import "github.com/yuin/goldmark"`,
			`import "example.com/sockets/03-tcp-reliability/engine/arq"`,
		),
		"01-echo/server/main_windows.go": lines(
			"//go:build windows",
			"package main",
			`import "golang.org/x/sys/windows"`,
			`import "example.com/sockets/docs"`,
		),
		"02-multiconn/broken.go": "Package main",
		"03-tcp-reliability/main.go": "package main\n" +
			`import "gvisor.dev/gvisor/pkg/tcpip"`,
		"03-tcp-reliability/interop/go.mod": "module example.com/sockets/03-tcp-reliability/interop",
		"03-tcp-reliability/interop/peer.go": "package interop\n" +
			`import "gvisor.dev/gvisor/pkg/tcpip"`,
		"docs/performance/go.mod": "module example.com/sockets/docs/performance",
		"docs/performance/servers/gnet/main.go": "package main\n" +
			`import "github.com/panjf2000/gnet/v2"`,
		"docs/docs_test.go": "package docs\n" +
			`import "example.com/sockets/01-echo/server"`,
	})
	problems, err := checkImports(dir)
	if err != nil {
		t.Fatal(err)
	}
	const alone = `; it uses the standard library alone (its tests may use go-cmp)`
	expectProblems(t, problems,
		`01-echo/server/main.go:4: this chapter imports "02-multiconn/messages" of another chapter; each chapter stands alone`,
		`01-echo/server/main.go:5: this chapter imports "github.com/google/go-cmp/cmp"`+alone,
		`01-echo/server/main_test.go:3: this chapter imports "github.com/yuin/goldmark"`+alone,
		`01-echo/server/main_test.go:4: this chapter imports "03-tcp-reliability/engine/arq" of another chapter; each chapter stands alone`,
		`01-echo/server/main_windows.go:3: this chapter imports "golang.org/x/sys/windows"`+alone,
		`01-echo/server/main_windows.go:4: this chapter imports "example.com/sockets/docs"`+alone,
		`02-multiconn/broken.go:1:1: expected 'package', found Package`,
		`03-tcp-reliability/main.go:2: this chapter imports "gvisor.dev/gvisor/pkg/tcpip"`+alone,
	)
}

func TestProgramThatNeedsTheNetworkIsFound(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		writeFiles(t, dir, map[string]string{name: string(content)})
	}
	writeFiles(t, dir, map[string]string{
		"01-echo/server/main.go": "package main\n" + `import _ "github.com/google/go-cmp/cmp"` +
			"\nfunc main() {}\n",
		"01-echo/client/main.go": "package main\nfunc main() {}\n",
	})
	problems := checkBuildsAlone(t, dir)
	const expected = "01-echo/server: with no network and an empty module cache, go build says: "
	if len(problems) != 1 || !strings.HasPrefix(problems[0], expected) ||
		!strings.Contains(problems[0], "go-cmp") {
		t.Errorf("expected one problem, about go-cmp, that begins with\n%s\nbut found\n%q",
			expected, problems)
	}
}

// nothing is what a machine lacks that has everything.
func nothing(string) string { return "" }

func TestBrokenStoriesAreFoundBeforeTheyRun(t *testing.T) {
	tests := []struct {
		name     string
		page     []string
		expected string
	}{
		{"a pipe", []string{"```console", "$ go version | wc", "```"},
			`p.md:2: the command uses '|', which not every shell knows: mark the block needs=sh`},
		{"a variable in quotes", []string{"```console", `$ go env "$HOME"`, "```"},
			`p.md:2: the command uses '$' between double quotes, where shells read more into it: use single quotes`},
		{"a variable that is set", []string{"```console", "$ GODEBUG=netdns=go go version", "```"},
			`p.md:2: the command sets a variable, which not every shell can: mark the block needs=sh`},
		{"an address that zsh takes for a pattern",
			[]string{"```console", "$ client -addr [::1]:65432", "```"},
			`p.md:2: the command uses '[', which not every shell knows: mark the block needs=sh`},
		{"a quote left open", []string{"```console", `$ client -message "Hello`, "```"},
			`p.md:2: the command has a quote " without its end`},
		{"another folder", []string{"```console", "$ cd 01-echo", "```"},
			`p.md:2: commands are typed in the top folder: cd is not for pages`},
		{"no command", []string{"```console", "$ ", "```"},
			`p.md:2: there is no command after the prompt`},
		{"an unknown attribute", []string{"```console terminal=a colour=red", "$ go version",
			"```"},
			`p.md:1: unknown attribute "colour=red": they are terminal=NAME, needs=A,B, scratch, any-order and exact`},
		{"a terminal without a name", []string{"```console terminal=", "$ go version", "```"},
			`p.md:1: unknown attribute "terminal=": they are terminal=NAME, needs=A,B, scratch, any-order and exact`},
		{"nothing to go on with", []string{"```console", "$ go version", "```",
			"```console terminal=b", "more", "```"},
			`p.md:4: nothing runs in terminal "b" that this block could go on with`},
		{"Ctrl-C too early", []string{"```console", "$ go run ./server", "^C", "```"},
			`p.md:3: show a line of the program before ^C: only then is it known to run`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, problems := parseStory(parsePage("p.md", lines(test.page...)), nothing)
			expectProblems(t, problems, test.expected)
		})
	}
}

// helper is a program for stories that go well or go wrong.
const helper = `package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

func main() {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	switch os.Args[1] {
	case "say": // prints its arguments, one on a line
		fmt.Println(strings.Join(os.Args[2:], "\n"))
	case "fail": // complains, and fails
		fmt.Fprintln(os.Stderr, "it failed")
		os.Exit(1)
	case "echo": // prints its input
		io.Copy(os.Stdout, os.Stdin)
	case "serve": // runs until Ctrl-C
		fmt.Println("ready")
		<-interrupted
		fmt.Print("stopped") // the last line of all may lack its end
	case "wait": // the same, but prints nothing
		<-interrupted
	}
}
`

// buildHelper returns a folder with the helper's source and program.
func buildHelper(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"go.mod":  "module helper\n\ngo 1.26\n",
		"main.go": helper,
	})
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false")
	build.Dir = dir
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, output)
	}
	return dir
}

func TestStoriesAreToldAsTheyHappen(t *testing.T) {
	dir := buildHelper(t)
	const patient = time.Minute
	tests := []struct {
		name     string
		patience time.Duration
		page     []string
		expected string // "" where the page tells the truth
	}{
		{"all that a page may show", patient, []string{
			"```console terminal=server",
			"$ ./helper serve",
			"ready",
			"```",
			"```console",
			"$ ./helper say 'Hello,  world' 127.0.0.1:40001 '[::1]:65432' 127.0.0.1:40001 \"\" 12ms",
			"Hello,  world",
			"127.0.0.1:54803",
			"…65432",
			"127.0.0.1:54803",
			"",
			"34ms",
			"$ ./helper say 1 2 3 4",
			"1",
			"…",
			"4",
			"$ ./helper say 1 2 3 4",
			"…",
			"$ ./helper echo",
			"Hello⏎",
			"Hello",
			"世界⏎",
			"```",
			"```console",
			"世界",
			"^D",
			"```",
			"```console terminal=server",
			"^C",
			"stopped",
			"```",
			"```console needs=sh",
			"$ ./helper say one two | ./helper echo; ./helper fail",
			"one",
			"two",
			"it failed",
			"```",
			"```console needs=what-nobody-has",
			"$ what-nobody-has",
			"```",
			"```console",
			"what it would print",
			"```",
		}, ""},
		{"a gap that goes on in the next block", patient, []string{
			"```console", "$ ./helper say 1 2 3 4", "1", "…", "```",
			"```console", "4", "```",
		}, ""},
		{"a wrong line", patient, []string{
			"```console", `$ ./helper say 'Received "y"'`, `Received "x"`, "```",
		}, `p.md:3: the page shows "Received \"x\"", but the terminal printed "Received \"y\""`},
		{"a wrong fixed port", patient, []string{
			"```console", `$ ./helper say 127.0.0.1:40001`, `127.0.0.1:65432`, "```",
		}, `p.md:3: the page shows "127.0.0.1:65432", but the terminal printed "127.0.0.1:40001"`},
		{"a line that does not come", patient, []string{
			"```console", "$ ./helper say 1", "1", "2", "```",
		}, `p.md:4: the page shows "2", but the program has ended`},
		{"a line that does not come after a gap", patient, []string{
			"```console", "$ ./helper say 1 2 3", "1", "…", "4", "```",
		}, `p.md:5: the page shows "4", but the program has ended`},
		{"a line that a running program does not print", 100 * time.Millisecond, []string{
			"```console", "$ ./helper wait", "ready", "^C", "```",
		}, `p.md:3: the page shows "ready", but nothing came for 100ms`},
		{"a line too many", patient, []string{
			"```console", "$ ./helper say 1 2 3", "1", "2", "```", "Text",
		}, `p.md:4: the terminal goes on with "3", which the page does not show`},
		{"a line too many, before the next command", patient, []string{
			"```console", "$ ./helper say 1 2", "1", "$ ./helper say 2", "2", "```",
		}, `p.md:3: the terminal goes on with "2", which the page does not show`},
		{"a line too many, after an empty block", patient, []string{
			"```console", "$ ./helper say 1", "```",
		}, `p.md:2: the terminal goes on with "1", which the page does not show`},
		{"an exit status that is not shown", patient, []string{
			"```console", "$ go run . fail", "it failed", "```",
		}, `p.md:3: the terminal goes on with "exit status 1", which the page does not show`},
		{"an exit status that is shown", patient, []string{
			"```console", "$ go run ./ fail", "it failed", "exit status 1", "```",
		}, ""},
		{"a program left running", 100 * time.Millisecond, []string{
			"```console", "$ ./helper wait", "```",
		}, `p.md:2: the program still runs after what the page shows: a line ^C ends it`},
		{"a program left running, before the next command", 100 * time.Millisecond, []string{
			"```console", "$ ./helper wait", "$ ./helper say 1", "1", "```",
		}, `p.md:2: the program still runs after what the page shows: a line ^C ends it`},
		{"a command that does not exist", patient, []string{
			"```console", "$ no-such-program -x", "```",
		}, fmt.Sprintf(`p.md:2: "no-such-program -x" can't be run: exec: "no-such-program": %v`,
			exec.ErrNotFound)},
		{"one port of the page for two real ones", patient, []string{
			"```console", "$ ./helper say 127.0.0.1:40001 127.0.0.1:40002",
			"127.0.0.1:54803", "127.0.0.1:54803", "```",
		}, `p.md:4: the page shows "127.0.0.1:54803", but the terminal printed "127.0.0.1:40002"` +
			`: the page's port 54803 was 40001 before`},
		{"two ports of the page for one real one", patient, []string{
			"```console", "$ ./helper say '[::1]:40001' '[::1]:40001'",
			"[::1]:54803", "```", "```console", "[::1]:54804", "```",
		}, `p.md:6: the page shows "[::1]:54804", but the terminal printed "[::1]:40001"` +
			`: port 40001 was 54803 on the page before`},
		{"lines in any order", patient, []string{
			// The first line fits three of the page; what follows tells
			// which of them it is.
			"```console any-order",
			"$ ./helper say on:40001 B:40002 A:40001 on:40002 'took 2ms' C:40001 A:40003",
			"on:54801", "on:54802", "A:54802", "B:54801", "took 1ms", "A:54803", "C:54802",
			"$ ./helper echo", "one⏎", "one", "two⏎", "two", "```",
			"```console any-order", "three⏎", "three", "^D", "```",
		}, ""},
		{"lines in any order, and others between them", patient, []string{
			"```console any-order",
			"$ ./helper say x y:40001 3 y:40002 y 1 'z y:40002' 2 more", "1", "2", "3", "y:54801", "…", "z y:54801", "```",
		}, ""},
		{"lines in any order, up to Ctrl-C", patient, []string{
			"```console any-order", "$ ./helper serve", "ready", "^C", "stopped", "```",
		}, ""},
		{"a line twice, and another not at all", patient, []string{
			"```console any-order", "$ ./helper say 1 1 2", "2", "1", "```",
		}, `p.md:3: the page shows in any order "2", "1", but the terminal printed "1", "1"`},
		{"a line too many among lines in any order", patient, []string{
			"```console any-order", "$ ./helper say 2 x 1", "1", "2", "```",
		}, `p.md:3: the page shows in any order "1", "2", but the terminal printed "2", "x"`},
		{"a line too many after lines in any order", patient, []string{
			"```console any-order", "$ ./helper say 2 1 x", "1", "2", "```",
		}, `p.md:4: the terminal goes on with "x", which the page does not show`},
		{"a line too few in any order", patient, []string{
			"```console any-order", "$ ./helper say 2 1", "1", "2", "3", "```",
		}, `p.md:3: the page shows in any order "1", "2", "3", but the program has ended after "2", "1"`},
		{"a line too few in any order, with others between", patient, []string{
			"```console any-order", "$ ./helper say 2 x 2 1", "1", "…", "2", "3", "```",
		}, `p.md:3: the page shows in any order "1", "2", "3", but the program has ended after "2", "2", "1"`},
		{"a line in any order, but on the wrong side of what is typed", 5 * time.Second,
			[]string{
				"```console any-order", "$ ./helper echo", "one⏎", "one", "two", "two⏎", "^D",
				"```",
			}, `p.md:4: the page shows in any order "one", "two", but nothing came for 5s after "one"`},
		{"lines out of order, in the block after one in any order", patient, []string{
			"```console any-order", "$ ./helper say 2 1 4 3", "1", "2", "```", "```console", "3",
			"4", "```",
		}, `p.md:7: the page shows "3", but the terminal printed "4"`},
		{"one port of the page for two real ones, in any order", patient, []string{
			"```console any-order", "$ ./helper say a:40001 b:40002", "b:54801", "a:54801", "```",
		}, `p.md:3: the page shows in any order "b:54801", "a:54801", but the terminal printed "a:40001", "b:40002"`},
		{"two ports of the page for one real one, in any order", patient, []string{
			"```console any-order", "$ ./helper say a:40001 b:40001", "b:54801", "a:54802", "```",
		}, `p.md:3: the page shows in any order "b:54801", "a:54802", but the terminal printed "a:40001", "b:40001"`},
		{"any number, the same below", patient, []string{
			"```console", "$ ./helper say 'accept4(3, 12) = 41' 41 7 'a 3' 41", "…4(‹listener›, …) = ‹client›", "‹client›",
			"‹other›", "…‹listener›", "‹again›", "```",
		}, ""},
		{"one name for two numbers", patient, []string{
			"```console", "$ ./helper say 'fd 5' 'fd 6'", "fd ‹listener›", "```", "```console",
			"fd ‹listener›", "```",
		}, `p.md:6: the page shows "fd ‹listener›", but the terminal printed "fd 6"` +
			`: the page's ‹listener› was 5 before`},
		{"a part of a number", patient, []string{
			"```console", "$ ./helper say 'fd 15'", "fd 1‹listener›", "```",
		}, `p.md:3: the page shows "fd 1‹listener›", but the terminal printed "fd 15"`},
		{"a name for what is no number", patient, []string{
			"```console", "$ ./helper say 'fd x'", "fd ‹listener›", "```",
		}, `p.md:3: the page shows "fd ‹listener›", but the terminal printed "fd x"`},
		{"exact durations", patient, []string{
			"```console exact", "$ ./helper say 'at 1.5s' a:40001 'at 20ms'", "at 1.5s", "a:54801",
			"at …ms", "```",
		}, ""},
		{"a wrong duration where they are exact", patient, []string{
			"```console exact", "$ ./helper say 'at 1.5s'", "at 1.6s", "```",
		}, `p.md:3: the page shows "at 1.6s", but the terminal printed "at 1.5s"`},
		{"a wrong duration where they are exact, in any order", patient, []string{
			"```console exact any-order", "$ ./helper say 2s 1s", "1s", "3s", "```",
		}, `p.md:3: the page shows in any order "1s", "3s", but the terminal printed "2s"`},
		{"a number that is not a duration", patient, []string{
			"```console", "$ ./helper say 'at 1.5 things'", "at 1.6 things", "```",
		}, `p.md:3: the page shows "at 1.6 things", but the terminal printed "at 1.5 things"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, problems := parseStory(parsePage("p.md", lines(test.page...)), machineLacks)
			expectProblems(t, problems)
			problem, _ := runStory(t.Context(), s, dir, test.patience, t.Logf)
			if diff := cmp.Diff(test.expected, problem); diff != "" {
				t.Errorf("problem (- expected, + found):\n%s", diff)
			}
		})
	}
}

func TestStoppedStoryEndsItsPrograms(t *testing.T) {
	dir := buildHelper(t)
	page := parsePage("p.md", lines("```console", "$ ./helper serve", "ready", "more", "^C", "```"))
	s, problems := parseStory(page, nothing)
	expectProblems(t, problems)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	// Someone presses Ctrl-C when the program has said that it is ready.
	log := func(format string, args ...any) {
		if fmt.Sprintf(format, args...) == "main: ready" {
			stop()
		}
	}
	// runStory returns when no program holds its terminal any longer.
	problem, _ := runStory(ctx, s, dir, time.Minute, log)
	const expected = `p.md:4: the tests were stopped while the story waited for "more"`
	if diff := cmp.Diff(expected, problem); diff != "" {
		t.Errorf("problem (- expected, + found):\n%s", diff)
	}
}

func TestTakenPortIsFound(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	expected := "the pages need the address 127.0.0.1:" + port
	if problem := portProblem("127.0.0.1:" + port); !strings.HasPrefix(problem, expected) {
		t.Errorf("expected a problem that begins with %q, but found %q", expected, problem)
	}
}

func TestWideLinesAreFound(t *testing.T) {
	dir := buildHelper(t)
	x := strings.Repeat("x", maxColumns)
	s, problems := parseStory(parsePage("p.md", lines(
		"```console",
		"$ go run ./ say "+x+" "+x+"y '{"+x+"' end", "…", "end",
		"$ ./helper say "+x+"y", x+"y",
		"```",
	)), nothing)
	expectProblems(t, problems)
	problem, wide := runStory(t.Context(), s, dir, time.Minute, t.Logf)
	if problem != "" {
		t.Error(problem)
	}
	expectProblems(t, wide, "p.md:2: the program prints a line of 81 columns: "+x+"y")
}

func TestSkippedScenes(t *testing.T) {
	page := parsePage("p.md", lines(
		"```console", "$ client", "one", "```", // a scene of its own
		"```console terminal=a", "$ server", "ready", "```",
		"```console", "$ client", "two", "```",
		"```console terminal=b needs=strace,tcpdump", "$ strace client", "three", "```",
		"```console", "$ client", "four", "```",
		"```console terminal=a", "five", "^C", "```",
		"```console", "$ client", "six", "```", // nothing runs any longer
		"```console needs=strace", "$ strace client", "```",
		"```console", "$ client", "seven", "$ client", "```",
		"```console", "$ simulator", "```",
		"```console needs=modcache scratch", "$ go mod vendor", "```",
	))
	s, problems := parseStory(page, func(need string) string {
		return map[string]string{"strace": "it may not", "modcache": "only vendor/ has them"}[need]
	})
	expectProblems(t, problems)
	skipped := map[int]string{}
	for _, turn := range s.turns {
		if turn.lack.need != "" {
			skipped[turn.line] = turn.lack.need + ": " + turn.lack.why
		}
	}
	expected := map[int]string{
		14: "strace: it may not",
		18: "strace: it may not (since line 14)",
		22: "strace: it may not (since line 14)",
		30: "strace: it may not",
		41: "modcache: only vendor/ has them",
	}
	if diff := cmp.Diff(expected, skipped); diff != "" {
		t.Errorf("lines where a skip begins (- expected, + found):\n%s", diff)
	}
}

func TestNeedsAreTried(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if runtime.GOOS == "windows" {
		t.Skip("the programs of this test are shell scripts")
	}
	script := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"),
			0o755); err != nil {
			t.Fatal(err)
		}
	}
	if why := probe("ping"); !strings.Contains(why, exec.ErrNotFound.Error()) {
		t.Errorf("there is no ping here, but the reason is %q", why)
	}
	script("ping", "echo 'ping: not permitted' >&2; echo more; exit 2")
	const expected = "ping -c 1 127.0.0.1: exit status 2: ping: not permitted"
	if diff := cmp.Diff(expected, probe("ping")); diff != "" {
		t.Errorf("the reason (- expected, + found):\n%s", diff)
	}
	script("ping", `[ "$*" = "-c 1 127.0.0.1" ]`)
	if why := probe("ping"); why != "" {
		t.Errorf("ping works, but the reason is %q", why)
	}
}

func TestOnlyCIMayLackNothing(t *testing.T) {
	t.Setenv("CI", "true")
	if runtime.GOOS == "linux" && (mayLack("strace") || !mayLack("windows")) {
		t.Error("with CI set, Linux should lack other operating systems and nothing else")
	}
	t.Setenv("CI", "")
	if !mayLack("strace") {
		t.Error("without CI, a machine may lack strace")
	}
}
