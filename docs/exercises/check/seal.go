package check

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"
)

// KeyVariable is the environment variable by which the command that asks for a
// check says that the first line of standard input is a key. Run then writes
// its verdicts to standard output, each sealed with that key.
//
// An answer runs in the same process, and may write whatever it likes to
// whatever it finds. But a program's packages are initialized before those that
// import them: the key is read, and gone from standard input, before the
// first line of an answer runs.
const KeyVariable = "EXERCISE_KEY"

// Start is the case of a verdict of a program that never came to the first case.
const Start = "the start"

const sealedLine = "\x1everdict "

var (
	key     = readKey()
	sealTo  = os.Stdout // as it is before an answer can change it
	started = make(chan struct{})
	begin   = sync.OnceFunc(func() { close(started) })
)

func readKey() []byte {
	if os.Getenv(KeyVariable) == "" {
		return nil
	}
	os.Unsetenv(KeyVariable)
	text, err := io.ReadAll(os.Stdin)
	if err != nil || len(text) == 0 {
		fmt.Fprintln(os.Stderr, "cannot read the key of the check from standard input:", err)
		os.Exit(2)
	}
	return bytes.TrimSpace(text)
}

// What an answer does before the first case, in init or for a variable of the
// package, has the bounds of a case.
func init() {
	if key != nil {
		go watchStart()
	}
}

func watchStart() {
	tick := time.NewTicker(every)
	defer tick.Stop()
	left := newPatience(Patience)
	for {
		select {
		case <-started:
			return
		case <-tick.C:
		}
		v := Verdict{Case: Start}
		var m runtime.MemStats
		if runtime.ReadMemStats(&m); m.HeapAlloc > MaxMemory {
			v.hoards(goroutines())
		} else if left.look() <= 0 {
			stack := goroutines()
			v.stuck(stack)
			v.Symptom = "init, or what a variable of the package is set to, does not come to an " +
				"end: the check can't begin" + where(stack)
		} else {
			continue
		}
		v.write()
		os.Exit(1)
	}
}

func seal(key, text []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil))
}

// writeSealed writes a verdict in one call, so that nothing comes in between.
func (v Verdict) writeSealed() error {
	text, err := json.Marshal(v)
	if err == nil {
		_, err = fmt.Fprintf(sealTo, "\n%s%s %s\n", sealedLine, seal(key, text), text)
	}
	return err
}

// Unseal reads a line of a check's output. It is false unless that is a
// verdict which the check has sealed with this key; forged says that the line
// only looks like one.
func Unseal(line, key []byte) (v Verdict, ok, forged bool) {
	rest, is := bytes.CutPrefix(line, []byte(sealedLine))
	if !is {
		return v, false, false
	}
	mac, text, _ := bytes.Cut(bytes.TrimRight(rest, "\r\n"), []byte(" "))
	if !hmac.Equal(mac, []byte(seal(key, text))) || json.Unmarshal(text, &v) != nil {
		return Verdict{}, false, true
	}
	return v, true, false
}
