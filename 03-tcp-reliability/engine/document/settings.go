package document

import (
	"flag"
	"strings"

	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/run"
)

// choices are the flags with few values.
var choices = map[string][]string{
	"protocol":   hosts.Names,
	"congestion": {"cubic", "reno"},
	"only":       {"", "up", "down"},
}

// settingsOf lists the flags, for a form, each with its problem.
func settingsOf(s run.Settings, problems []string) (list []Setting) {
	standard := run.Default()
	was, is := s.FlagSet(), standard.FlagSet()
	for _, name := range run.Names() {
		f := was.Lookup(name)
		_, usage := flag.UnquoteUsage(f)
		out := Setting{
			Name:    name,
			Value:   f.Value.String(),
			Default: is.Lookup(name).Value.String(),
			Usage:   usage,
			Choices: choices[name],
			For:     hosts.For(name),
		}
		if out.Default == "true" || out.Default == "false" {
			out.Choices = []string{"true", "false"}
		}
		for _, problem := range problems {
			if about(problem) == name {
				out.Problem = problem
			}
		}
		list = append(list, out)
	}
	return list
}

// about is the setting that a problem names first: "for delay: must be …", or
// "flag -queue needs …". What stands in quotes is what was asked for.
func about(problem string) string {
	for _, word := range strings.Fields(problem[strings.LastIndex(problem, `"`)+1:]) {
		if name := strings.Trim(word, "-:"); name != word {
			return name
		}
	}
	return ""
}
