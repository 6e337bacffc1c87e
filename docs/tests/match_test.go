package tests

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
)

// A port after an address: 127.0.0.1:54803, [::1]:54803, or tcpdump's
// 127.0.0.1.54803; or a name for any number: ‹listener›.
var numberInText = regexp.MustCompile(`(?:[\w\]]:|127\.0\.0\.1\.)(\d{4,5})\b|‹([a-z]+)›`)

// A duration as people and Go print it: 12ms, 1.5 s, 1m30s.
var durationInText = regexp.MustCompile(`\b(?:\d+h)?(?:\d+m)?\d+(?:\.\d+)?(?:h|m| ?(?:ns|[µμu]s|ms|s))\b`)

// patternOf makes a pattern from a line of the page. "…" stands for any text; a
// duration for any duration, unless exact; an ephemeral port and a ‹name› for
// any number. It returns the ports and names in the order of the pattern's groups.
func (s story) patternOf(shown string, exact bool) (pattern *regexp.Regexp, names []string) {
	var b strings.Builder
	literal := func(s string) {
		texts := []string{s}
		if !exact {
			texts = durationInText.Split(s, -1)
		}
		for i, text := range texts {
			if i > 0 {
				b.WriteString(durationInText.String())
			}
			b.WriteString(strings.ReplaceAll(regexp.QuoteMeta(text), "…", ".*"))
		}
	}
	rest := shown
	for {
		m := numberInText.FindStringSubmatchIndex(rest)
		if m == nil {
			break
		}
		from, to := m[2], m[3] // the digits of a port
		if from < 0 {
			from, to = m[0], m[1] // a name with its signs
		}
		literal(rest[:from])
		if name := rest[from:to]; s.fixed[name] {
			literal(name)
		} else {
			b.WriteString(`\b(\d+)\b`)
			names = append(names, name)
		}
		rest = rest[to:]
	}
	literal(rest)
	return regexp.MustCompile("^" + b.String() + "$"), names
}

// matches compares a line of the page with one of the terminal. A port or name
// of the page is always the same number, and two ports are never the same. It
// returns the numbers as they are then. Where they are why the lines differ, it
// says so.
func (r *runner) matches(shown, line string, exact bool,
	known map[string]string) (after map[string]string, why string, fits bool) {
	pattern, names := r.story.patternOf(strings.TrimRight(shown, " "), exact)
	values := pattern.FindStringSubmatch(strings.TrimRight(line, " "))
	if values == nil {
		return nil, "", false
	}
	known = maps.Clone(known)
	for i, name := range names {
		value, isPort := values[i+1], !strings.HasPrefix(name, "‹")
		if before, ok := known[name]; ok && before != value && isPort {
			return nil, fmt.Sprintf(": the page's port %s was %s before", name, before), false
		} else if ok && before != value {
			return nil, fmt.Sprintf(": the page's %s was %s before", name, before), false
		}
		for other, before := range known {
			if before == value && other != name && isPort && !strings.HasPrefix(other, "‹") {
				return nil, fmt.Sprintf(": port %s was %s on the page before", value, other), false
			}
		}
		known[name] = value
	}
	return known, "", true
}
