package main

import (
	"errors"
	"flag"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/flags"
	"example.com/sockets/03-tcp-reliability/engine/hosts"
	"example.com/sockets/03-tcp-reliability/engine/network"
)

// options are the command line.
type options struct {
	network.Conditions
	hosts.TCPSettings
	network        string // tcp or udp
	listen, target string
	control        string
	mtu            int
	maxConns       int
	idle           time.Duration
	view           string
	pcap           string
	tcp            string // the flags of TCP that were given
}

// defaults are the options before the flags change them. TCP is as in the
// simulator, but for what would make people wait: losses are detected by time,
// too, and the timer's bounds are lower (see docs/lossy-proxy.md).
func defaults() *options {
	settings := hosts.Default().TCPSettings
	settings.RACK, settings.RTOMin, settings.RTOMax = true, 50*time.Millisecond, time.Second
	return &options{Conditions: network.Default(), TCPSettings: settings, network: "tcp",
		listen: "127.0.0.1:9000", target: "127.0.0.1:65432", mtu: 1500, maxConns: 1000,
		idle: time.Minute, view: viewNames[0]}
}

// The views: svg is a picture of the connection that ended last, when the proxy
// stops.
var viewNames = []string{"ladder", "summary", "json", "svg", "none"}

// flags defines the flags. What o holds is the default.
func (o *options) flags(fs *flag.FlagSet) {
	o.Conditions.Flags(fs)
	fs.StringVar(&o.network, "network", o.network, "what to carry: tcp or udp")
	flags.Addr(fs, &o.listen, "tcp", "listen", "listen on `host:port`; port 0 picks a free one,\n"+
		"no host means every address of this computer")
	flags.Addr(fs, &o.target, "tcp", "target", "carry everything to the server at `host:port`")
	flags.Addr(fs, &o.control, "tcp", "control",
		"serve the conditions over HTTP on this loopback `host:port`, such as 127.0.0.1:8475")
	o.TCPSettings.Flags(fs)
	flags.Int(fs, &o.mtu, "mtu", "tcp: the largest packet on the network, in `bytes`")
	flags.Int(fs, &o.maxConns, "max-conns",
		"tcp: carry at most this `number` of connections at once; further clients wait")
	flags.Duration(fs, &o.idle, "idle-timeout",
		"udp: forget a client that is silent for this `duration`")
	fs.StringVar(&o.view, "view", o.view, "what to print: "+strings.Join(viewNames, ", ")+";\n"+
		"svg is a picture of the connection that ended last, at the end")
	fs.StringVar(&o.pcap, "pcap", "",
		"tcp: write the captures `NAME`-client.pcapng and NAME-server.pcapng")
}

// parse reads the command line. Errors are printed to w.
func parse(args []string, w io.Writer) (*options, error) {
	o := defaults()
	fs := flag.NewFlagSet("./03-tcp-reliability/proxy", flag.ContinueOnError)
	o.flags(fs)
	err := flags.Parse(fs, args, w,
		"It puts a bad network between a client and a server that know nothing of it, and\n"+
			"shows what becomes of each packet.",
		func() error { return o.check(flags.Given(fs)) })
	fs.Visit(func(f *flag.Flag) {
		if ofTCP(f.Name) {
			o.tcp += " -" + f.Name + "=" + f.Value.String()
		}
	})
	return o, err
}

// ofTCP says whether a flag is about how TCP behaves.
func ofTCP(name string) bool {
	return name == "mtu" || slices.Contains(hosts.For(name), hosts.TCP)
}

// check objects to what the flags mean together.
func (o *options) check(given map[string]bool) error {
	if err := o.checkAddresses(); err != nil {
		return err
	}
	if o.control == "" {
		if err := o.Conditions.Check(given); err != nil {
			return err
		}
	} else if err := o.Conditions.Validate(); err != nil { // what is missing may come later
		return err
	}
	if err := o.TCPSettings.Check(); err != nil {
		return err
	}
	for name := range given {
		tcpOnly := ofTCP(name) || name == "max-conns" || name == "pcap"
		if o.network == "udp" && tcpOnly || o.network == "tcp" && name == "idle-timeout" {
			return errors.New("flag -" + name + " means nothing to -network " + o.network)
		}
	}
	switch {
	case o.network != "tcp" && o.network != "udp":
		return flags.Invalid("network", strconv.Quote(o.network), "must be tcp or udp")
	case o.mtu < 576 || o.mtu > 65535:
		return flags.Invalid("mtu", o.mtu, "must be from 576 to 65535 bytes")
	case o.maxConns < 1 || o.maxConns > 10_000:
		return flags.Invalid("max-conns", o.maxConns, "must be from 1 to 10000")
	case o.idle <= 0:
		return flags.Invalid("idle-timeout", o.idle, "must be more than 0")
	case o.view == "svg" && o.network == "udp":
		return errors.New("flag -view svg is for -network tcp: datagrams have no connections")
	case !slices.Contains(viewNames, o.view):
		return flags.Invalid("view", strconv.Quote(o.view), "must be one of\n%s",
			strings.Join(viewNames, ", "))
	}
	return nil
}

// checkAddresses objects to addresses that say too little, or too much.
func (o *options) checkAddresses() error {
	host, port, _ := net.SplitHostPort(o.target)
	if host == "" || port == "0" {
		return flags.Invalid("target", strconv.Quote(o.target),
			"must name the server's host and port")
	}
	if o.control == "" {
		return nil
	}
	host, _, _ = net.SplitHostPort(o.control)
	if host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return flags.Invalid("control", strconv.Quote(o.control), "must be a loopback address:\n"+
			"whoever reaches it can change the network")
	}
	return nil
}
