package tests

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// probes are commands that succeed where a program is there and may do what the
// pages ask of it: a container often has tcpdump, and may not use it.
var probes = map[string]string{
	"curl":    "curl --version",
	"ip":      "ip -brief address",
	"lsof":    "lsof -v",
	"netstat": "netstat -tln",
	"ping":    "ping -c 1 127.0.0.1",
	"python3": "python3 -c pass",
	"sh":      "sh -c true",
	"ss":      "ss -tln",
	"strace":  "strace -f -o /dev/null true",
	"tcpdump": "tcpdump -i lo -L",
	"tshark":  "tshark --version",
	"unshare": "unshare --net true",
}

var (
	answers = map[string]string{} // of machineLacks, by need
	asking  sync.Mutex
)

// machineLacks tells why this machine can't give what needs= names, or "". It
// tries each once.
func machineLacks(need string) string {
	asking.Lock()
	defer asking.Unlock()
	why, known := answers[need]
	if !known {
		why = probe(need)
		answers[need] = why
	}
	return why
}

func probe(need string) string {
	switch need {
	case "linux", "darwin", "windows":
		return unless(runtime.GOOS == need, "this is "+runtime.GOOS)
	case "unix":
		return unless(runtime.GOOS != "windows", "this is windows")
	case "root":
		return unless(os.Geteuid() == 0, "the tests run as an ordinary user")
	case "netns":
		return mayMakeNamespaces()
	case "ipv6":
		l, err := net.Listen("tcp", "[::1]:0")
		if err != nil {
			return err.Error()
		}
		l.Close()
		return ""
	case "modcache": // of the tests' libraries: a copy of the repository has no vendor/
		return try("go", "mod", "download")
	case "pristine":
		list, _ := exec.Command("go", "run", "../exercises", "-list", "-all").Output()
		ok := strings.Contains(string(list), "Solved: 0 of ")
		for _, begun := range []string{"not yet", "does not compile"} {
			ok = ok && !strings.Contains(string(list), begun)
		}
		return unless(ok, "exercises have been begun")
	}
	words := strings.Fields(probes[need])
	if len(words) == 0 {
		words = []string{need, "--version"}
	}
	return try(words...)
}

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

// try runs a command without the Internet's modules, and returns why it failed,
// or "".
func try(words ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "GOPROXY=off")
	out, err := cmd.CombinedOutput()
	if err == nil {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSuffix(fmt.Sprintf("%s: %v: %s", strings.Join(words, " "), err, first), ": ")
}

// mayLack tells whether a need may be missing on the machine of continuous
// integration, which runs Linux and installs what the pages need.
func mayLack(need string) bool {
	ci := os.Getenv("CI") != "" && runtime.GOOS == "linux"
	return !ci || need == "darwin" || need == "windows"
}
