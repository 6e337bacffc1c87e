package network

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Script names packets: those that are lost, or those that are spared. In
// text it is a list such as
// up:3,down:5-6,data:3. up and down count the packets of a direction, each
// transmission by itself. data counts those with payload that go up, and
// means the first transmission alone. The empty script names none.
type Script struct {
	lists [3][]span // up, down, data; in order, and not touching
}

// A span is the packets from first to last.
type span struct{ first, last int }

var scriptWords = [3]string{"up", "down", "data"}

// maxNumber bounds the packet numbers of a script.
const maxNumber = 1_000_000_000

const scriptGrammar = "must be a list such as up:3,down:5-6,data:3"

// ParseScript reads the text of a script. The error shows the grammar.
func ParseScript(text string) (s Script, err error) {
	if text == "" {
		return s, nil
	}
	for item := range strings.SplitSeq(text, ",") {
		word, numbers, _ := strings.Cut(strings.TrimSpace(item), ":")
		list := slices.Index(scriptWords[:], word)
		from, to, isRange := strings.Cut(numbers, "-")
		if !isRange {
			to = from
		}
		first, err1 := number(from)
		last, err2 := number(to)
		if list < 0 || err1 != nil || err2 != nil || first > last {
			return Script{}, fmt.Errorf("%.40q: %s", item, scriptGrammar)
		}
		s.lists[list] = append(s.lists[list], span{first, last})
	}
	for i, list := range s.lists {
		s.lists[i] = merge(list)
	}
	return s, nil
}

func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err == nil && (n < 1 || n > maxNumber) {
		err = strconv.ErrRange
	}
	return int(n), err
}

// merge sorts the spans and joins those that touch.
func merge(spans []span) (merged []span) {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	for _, s := range spans {
		if last := len(merged) - 1; last >= 0 && s.first <= merged[last].last+1 {
			merged[last].last = max(merged[last].last, s.last)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// Set reads the text of a script, for package flag.
func (s *Script) Set(text string) (err error) {
	parsed, err := ParseScript(text)
	if err == nil {
		*s = parsed
	}
	return err
}

func (s Script) String() string {
	var items []string
	for i, list := range s.lists {
		for _, p := range list {
			item := fmt.Sprintf("%s:%d", scriptWords[i], p.first)
			if p.last > p.first {
				item += fmt.Sprintf("-%d", p.last)
			}
			items = append(items, item)
		}
	}
	return strings.Join(items, ",")
}

func (s Script) empty() bool {
	return len(s.lists[0])+len(s.lists[1])+len(s.lists[2]) == 0
}

// Names says whether the script names a packet: its number in its direction,
// and for the first transmission of the k-th packet with payload data = k.
func (s *Script) Names(d Direction, number, data int) bool {
	return contains(s.lists[d], number) ||
		d == Up && data > 0 && contains(s.lists[2], data)
}

func contains(list []span, n int) bool {
	_, found := slices.BinarySearchFunc(list, n, func(s span, n int) int {
		switch {
		case s.last < n:
			return -1
		case s.first > n:
			return 1
		}
		return 0
	})
	return found
}

// With names one more packet: by data, if that is not 0, since a first
// transmission keeps this number whatever becomes of the packets before it.
func (s Script) With(d Direction, number, data int) Script {
	list := int(d)
	if data > 0 {
		list, number = len(s.lists)-1, data
	}
	s.lists[list] = merge(append(append([]span(nil), s.lists[list]...), span{number, number}))
	return s
}

// Without does not name a packet, neither by its number nor, if that is not 0,
// by data.
func (s Script) Without(d Direction, number, data int) Script {
	s.lists[d] = cut(s.lists[d], number)
	if data > 0 {
		s.lists[len(s.lists)-1] = cut(s.lists[len(s.lists)-1], data)
	}
	return s
}

// cut takes a number out of the spans.
func cut(list []span, n int) []span {
	if !contains(list, n) {
		return list
	}
	var rest []span
	for _, s := range list {
		if n < s.first || n > s.last {
			rest = append(rest, s)
			continue
		}
		if s.first < n {
			rest = append(rest, span{s.first, n - 1})
		}
		if n < s.last {
			rest = append(rest, span{n + 1, s.last})
		}
	}
	return rest
}

// Except lists what s names and other does not, each packet by itself.
func (s Script) Except(other Script) (items []string) {
	for i, list := range s.lists {
		for _, p := range list {
			for n := p.first; n <= p.last && len(items) < 1000; n++ {
				if !contains(other.lists[i], n) {
					items = append(items, fmt.Sprintf("%s:%d", scriptWords[i], n))
				}
			}
		}
	}
	return items
}
