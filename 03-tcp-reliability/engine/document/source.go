package document

import (
	"path"
	"slices"
	"strings"
	"sync"

	"example.com/sockets/03-tcp-reliability/engine"
	"example.com/sockets/03-tcp-reliability/engine/trace"
)

// around is how many lines are shown before and after the one that is meant.
const around = 3

var files sync.Map // by name: its lines

// sources are the places in the code that are met, each once.
type sources struct {
	list  []Source
	index map[trace.Line]int
}

// of is the index of a line of code, or -1 if its file is none of the
// protocols'.
func (s *sources) of(l trace.Line) int {
	if i, ok := s.index[l]; ok {
		return i
	}
	i := -1
	if source := sourceOf(l); source != nil {
		same := func(other Source) bool { return other.Where == source.Where }
		if i = slices.IndexFunc(s.list, same); i < 0 {
			i = len(s.list)
			s.list = append(s.list, *source)
		}
	}
	if s.index == nil {
		s.index = map[trace.Line]int{}
	}
	s.index[l] = i
	return i
}

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
	if got, ok := files.Load(file); ok {
		return got.([]string), true
	}
	text, err := engine.Source.ReadFile(file)
	if err != nil {
		return nil, false
	}
	lines := strings.Split(strings.ReplaceAll(string(text), "\t", "    "), "\n")
	files.Store(file, lines)
	return lines, true
}
