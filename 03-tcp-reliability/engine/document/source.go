package document

import (
	"path"
	"strings"
	"sync"

	"example.com/sockets/03-tcp-reliability/engine"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// around is how many lines are shown before and after the one that is meant.
const around = 3

var sources sync.Map // by file: its lines

// sourceOf is the place of a line of code, with the lines around it; nil if
// the file is none of the protocols'.
func sourceOf(l trace.Line) *Source {
	file, number := l.Place()
	lines, ok := linesOf(file)
	if !ok || number < 1 || number > len(lines) {
		return nil
	}
	from, to := max(1, number-around), min(len(lines), number+around)
	return &Source{
		Where: path.Join("engine", file) + ":" + itoa(number),
		From:  from,
		Lines: lines[from-1 : to],
		Here:  number - from,
	}
}

func linesOf(file string) ([]string, bool) {
	if got, ok := sources.Load(file); ok {
		return got.([]string), true
	}
	text, err := engine.Source.ReadFile(file)
	if err != nil {
		return nil, false
	}
	lines := strings.Split(strings.ReplaceAll(string(text), "\t", "    "), "\n")
	sources.Store(file, lines)
	return lines, true
}
