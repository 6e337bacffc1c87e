package run

import (
	"flag"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"example.com/sockets/03-tcp-reliability/engine/arq"
	"example.com/sockets/03-tcp-reliability/engine/flags"
	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/network"
)

// order is that of the flags in a command line and in an address.
var order = []string{"protocol", "message", "every", "bytes", "window", "rto", "congestion",
	"rack", "sack", "timestamps",
	"rto-min", "rto-max", "receive-buffer", "nagle", "delayed-ack", "read-rate", "loss", "burst",
	"drop", "spare", "duplicate",
	"reorder", "corrupt", "delay", "jitter", "rate", "queue", "only", "seed"}

// faults are the flags of which one at least has to be given: with none of
// them the default network has a fault all the same, because one without
// shows nothing of what this chapter is about.
var faults = append([]string{"bytes", "read-rate", "receive-buffer"}, network.FaultFlags...)

// defaultDrop is that fault.
const defaultDrop = "data:3"

// Flags defines a flag for each setting. What s holds is the default.
func (s *Settings) Flags(fs *flag.FlagSet) {
	s.Settings.Flags(fs)
	s.Conditions.Flags(fs)
	fs.StringVar(&s.Message, "message", s.Message, "the `text` that is sent, word by word")
	flags.Duration(fs, &s.Every, "every",
		"the application writes a word each `duration`; 0: all at once")
	flags.Int(fs, &s.Bytes, "bytes", "send this `number` of bytes at once, in place of the message")
	flags.Int(fs, &s.ReadRate, "read-rate",
		"the server's application reads this many `bytes` a second; 0: all at once")
}

// Check objects to settings that make no sense, and to flags that were given
// and mean nothing beside the others. With no fault among them it sets the
// default one. all says that the run is made with all protocols in turn.
func (s *Settings) Check(given map[string]bool, all bool) error {
	if !all && !slices.ContainsFunc(faults, func(name string) bool { return given[name] }) {
		s.Drop.Set(defaultDrop)
	}
	if err := s.Settings.Check(); err != nil {
		return err
	}
	if err := s.Conditions.Check(given); err != nil {
		return err
	}
	switch {
	case s.Every < 0 || s.Every > MaxEvery:
		return flags.Invalid("every", s.Every, "must be from 0 to %v", MaxEvery)
	case given["bytes"] && s.Bytes < 1 || s.Bytes > MaxBytes:
		return flags.Invalid("bytes", s.Bytes, "must be from 1 to %d", MaxBytes)
	case len(s.Message) > MaxMessage:
		return &flags.Error{Flag: "message", Text: fmt.Sprintf(
			"invalid value for flag -message: %d bytes are too many, at most %d", len(s.Message),
			MaxMessage)}
	case s.ReadRate < 0:
		return flags.Invalid("read-rate", s.ReadRate, "must be 1 or more, or 0 for no limit")
	}
	for _, name := range order {
		if why := s.useless(name, all); given[name] && why != "" {
			return &flags.Error{Flag: name, Text: why}
		}
	}
	return nil
}

// useless says why a flag means nothing beside the others, or "".
func (s *Settings) useless(name string, all bool) string {
	protocols := hosts.For(name)
	switch missing := s.Missing(name); {
	case protocols != nil && !all && !slices.Contains(protocols, s.Protocol):
		return arq.Useless(name, s.Protocol, protocols).Error()
	case name == "every" && s.Bytes > 0:
		return "flag -every means nothing with -bytes: they are written all at once"
	case name == "message" && s.Bytes > 0:
		return "flags -message and -bytes exclude each other"
	case missing != "":
		return "flag -" + name + " needs " + missing
	}
	return ""
}

// FlagSet has a flag for each setting. Setting one changes s.
func (s *Settings) FlagSet() *flag.FlagSet {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	s.Flags(fs)
	return fs
}

// changed are the flags that differ from the default and mean something, with
// their values, in order. Read as a command line they give the same settings.
func (s Settings) changed() (names, values []string) { return s.changes(s.FlagSet()) }

// changes are those of the flags of s.
func (s *Settings) changes(fs *flag.FlagSet) (names, values []string) {
	perfect := true
	for _, name := range order {
		value := fs.Lookup(name).Value.String()
		if value != standard()[name] && s.useless(name, false) == "" {
			names, values = append(names, name), append(values, value)
			perfect = perfect && !slices.Contains(faults, name)
		}
	}
	if perfect { // with no fault at all the default one would come back
		i, _ := slices.BinarySearchFunc(names, "loss", func(a, b string) int {
			return slices.Index(order, a) - slices.Index(order, b)
		})
		names, values = slices.Insert(names, i, "loss"), slices.Insert(values, i, s.Loss.String())
	}
	return names, values
}

// standard has the defaults of all flags, as text.
var standard = sync.OnceValue(func() map[string]string {
	s, texts := Default(), map[string]string{}
	s.FlagSet().VisitAll(func(f *flag.Flag) { texts[f.Name] = f.Value.String() })
	return texts
})

// Command is the command line that shows the run. It works as it stands in the
// usual shells, unless the message has signs that only some of them leave alone.
func (s Settings) Command() string {
	line := "go run ./03-tcp-reliability"
	set := s.FlagSet()
	names, values := s.changed()
	for i, name := range names {
		_, isBool := set.Lookup(name).Value.(interface{ IsBoolFlag() bool })
		switch line += " -" + name; {
		case !isBool:
			line += " " + quote(values[i])
		case values[i] == "false":
			line += "=false"
		}
	}
	return line
}

// quote makes one word of text, for a shell.
func quote(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
			strings.ContainsRune("_.,:/+-", r)
	}
	switch {
	case text != "" && !strings.ContainsFunc(text, func(r rune) bool { return !plain(r) }):
		return text
	case !strings.ContainsAny(text, "\"$`\\!%"):
		return `"` + text + `"`
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// Address gives the settings as the query of a web address: name=value with &
// between them, the names those of the flags. Equal settings have equal ones.
func (s Settings) Address() string { return s.Addresser()() }

// Addresser is Address for settings that change: what it returns gives the
// address of what s holds when it is called. It is quicker for many.
func (s *Settings) Addresser() func() string {
	fs := s.FlagSet()
	return func() string {
		names, values := s.changes(fs)
		for i, value := range values {
			names[i] += "=" + readable.Replace(url.QueryEscape(value))
		}
		return strings.Join(names, "&")
	}
}

// readable takes back what need not be escaped.
var readable = strings.NewReplacer("%3A", ":", "%2C", ",")

// FromAddress reads the settings that Address gives, in any order. What it does
// not understand it names, each in a line, and leaves at the default.
func FromAddress(address string) (s Settings, wrong []string) {
	s = Default()
	fs := s.FlagSet()
	given := map[string]bool{}
	for pair := range strings.SplitSeq(address, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		value, err := url.QueryUnescape(value)
		switch f := fs.Lookup(name); {
		case f == nil:
			wrong = append(wrong, fmt.Sprintf("unknown setting %.40q", name))
			continue
		case given[name]:
			err = fmt.Errorf("is given twice")
		case err == nil:
			err = f.Value.Set(value)
		}
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("invalid value %.40q for %s: %v", value, name, err))
			continue
		}
		given[name] = true
	}
	// What makes no sense beside the rest is taken back, a setting at a time.
	for {
		err := s.Check(given, false)
		if err == nil {
			return s, wrong
		}
		wrong = append(wrong, err.Error())
		f := fs.Lookup(err.(*flags.Error).Flag)
		f.Value.Set(f.DefValue)
		delete(given, f.Name)
	}
}

// Names are the flags of the settings, in the order of a command line.
func Names() []string { return slices.Clone(order) }
