package cli

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// ListenAddr defines the flag -addr of a server.
func ListenAddr(addr *string) {
	*addr = defaultAddr
	flag.Var(&address{addr, false}, "addr",
		"listen on `host:port`, such as [::1]:65432; port 0\n"+
			"picks a free one,\nno host means every address of this computer")
}

// DialAddr defines the flag -addr of a client.
func DialAddr(addr *string) {
	*addr = defaultAddr
	flag.Var(&address{addr, true}, "addr",
		"connect to the server at `host:port`, such as [::1]:65432;\n"+
			"no host means this computer")
}

const defaultAddr = "127.0.0.1:65432"

// An address is the value of a flag -addr.
type address struct {
	text *string
	dial bool // for a client, which can't take port 0
}

func (a *address) String() string {
	if a.text == nil {
		return "" // package flag asks the zero value
	}
	return *a.text
}

// Set takes text if it has the form of an address. Whether a host of that
// name exists shows when it is used.
func (a *address) Set(text string) error {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return wrongForm(text)
	}
	number, err := net.LookupPort("tcp", port)
	switch {
	case err != nil:
		return errors.New("there is no such port\nports are from 0 to 65535")
	case strings.Contains(host, " "):
		return wrongForm(text)
	case a.dial && number == 0:
		return errors.New("port 0 is for servers alone\n" +
			`give the port in the server's line "Listening on"`)
	}
	*a.text = text
	return nil
}

// wrongForm says what keeps text from being host:port, and shows the right form.
func wrongForm(text string) error {
	last := strings.LastIndexByte(text, ':')
	switch {
	case last > 0 && isIPv6(text[:last]):
		return fmt.Errorf("an IPv6 address stands in brackets\nwrite [%s]:%s",
			text[:last], text[last+1:])
	case isIPv6(text):
		return fmt.Errorf("an IPv6 address stands in brackets\nwrite [%s]:65432", text)
	case last < 0 && text != "" && strings.Trim(text, "0123456789") == "":
		return fmt.Errorf("the host is missing\nwrite 127.0.0.1:%s", text)
	case last < 0 && text != "" && !strings.ContainsAny(text, " []"):
		return fmt.Errorf("the port is missing\nwrite %s:65432", text)
	}
	return errors.New("not an address\nwrite host:port, such as 127.0.0.1:65432 or [::1]:65432")
}

func isIPv6(text string) bool {
	addr, err := netip.ParseAddr(text)
	return err == nil && addr.Is6()
}

// Listening is what a server prints that was told to listen on asked, and now
// listens on addr. A name may stand for several addresses: a client tries all
// of them, but a server takes one.
func Listening(asked string, addr net.Addr) string {
	text := fmt.Sprintf("Listening on %s\n", addr)
	host, _, _ := net.SplitHostPort(asked)
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		taken, _, _ := net.SplitHostPort(addr.String())
		text += fmt.Sprintf("Of the addresses of %s this server has %s alone\n", host, taken)
	}
	return text
}

// Duration defines a flag for a duration.
func Duration(d *time.Duration, name string, value time.Duration, usage string) {
	*d = value
	flag.Var((*duration)(d), name, usage)
}

type duration time.Duration

func (d *duration) String() string { return time.Duration(*d).String() }

func (d *duration) Set(text string) error {
	value, err := time.ParseDuration(text)
	if err != nil {
		return errors.New("not a duration\nwrite a number and its unit, such as 500ms, 10s or 2m")
	}
	*d = duration(value)
	return nil
}
