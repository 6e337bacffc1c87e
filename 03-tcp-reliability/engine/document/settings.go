package document

import (
	"flag"

	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/run"
)

// choices are the flags with few values.
var choices = map[string][]string{
	"protocol":   hosts.Names,
	"congestion": {"cubic", "reno"},
	"only":       {"", "up", "down"},
}

// settingsOf lists the flags, for a form.
func settingsOf(s run.Settings) (list []Setting) {
	standard := run.Default()
	was, is := s.FlagSet(), standard.FlagSet()
	for _, name := range run.Names() {
		f := was.Lookup(name)
		_, usage := flag.UnquoteUsage(f)
		list = append(list, Setting{
			Name:    name,
			Value:   f.Value.String(),
			Default: is.Lookup(name).Value.String(),
			Usage:   usage,
			Choices: choices[name],
			For:     hosts.For(name),
		})
	}
	return list
}
