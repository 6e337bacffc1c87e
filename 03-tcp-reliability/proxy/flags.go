package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"example.com/sockets/03-tcp-reliability/engine/network"
)

// options is the command line.
type options struct {
	network.Conditions
	network        string // tcp or udp
	listen, target string
	control        string
	congestion     string
	mtu            int
	maxConns       int
	idle           time.Duration
	view           string
	pcap           string
}

// fromFlags reads the command line. Where that can't be understood, it says
// why and ends the program with status 2.
func fromFlags() *options {
	o := &options{Conditions: network.Conditions{Delay: 10 * time.Millisecond, Queue: 20, Seed: 1}}
	flag.StringVar(&o.network, "network", "tcp", "what to carry: tcp or udp")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:9000",
		"listen on `host:port`; port 0 picks a free one, no host means every address of this computer")
	flag.StringVar(&o.target, "target", "127.0.0.1:65432", "carry everything to the server at `host:port`")
	flag.StringVar(&o.control, "control", "", "serve the conditions over HTTP on this loopback `host:port`, such as 127.0.0.1:8475")
	flag.StringVar(&o.congestion, "congestion", "cubic", "tcp: congestion control of the stacks, cubic or reno")
	flag.IntVar(&o.mtu, "mtu", 1500, "tcp: the largest packet between the stacks, in `bytes`")
	flag.IntVar(&o.maxConns, "max-conns", 1000, "tcp: carry at most this `number` of connections at once; further clients wait")
	flag.DurationVar(&o.idle, "idle-timeout", time.Minute, "udp: forget a client that is silent for this `duration`")
	flag.StringVar(&o.view, "view", "ladder", "what to print: ladder, summary, json or none")
	flag.StringVar(&o.pcap, "pcap", "", "tcp: write the captures `NAME`-client.pcapng and NAME-server.pcapng")
	o.Conditions.Flags(flag.CommandLine)
	flag.Parse()
	given := map[string]bool{}
	flag.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if err := o.check(given); err != nil {
		fmt.Fprintln(os.Stderr, err)
		flag.Usage()
		os.Exit(2)
	}
	return o
}

// check objects to what package flag lets pass.
func (o *options) check(given map[string]bool) error {
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: settings are given as flags", flag.Arg(0))
	}
	for _, a := range []struct{ name, value string }{{"listen", o.listen}, {"target", o.target}, {"control", o.control}} {
		if a.value == "" && a.name == "control" {
			continue
		}
		host, port, err := net.SplitHostPort(a.value)
		if err == nil {
			_, err = net.LookupPort("tcp", port)
		}
		if err == nil && a.name == "target" && (host == "" || port == "0") {
			err = fmt.Errorf("name the host and the port of the server")
		}
		if err == nil && a.name == "control" && host != "localhost" && !net.ParseIP(host).IsLoopback() {
			err = fmt.Errorf("must be a loopback address: whoever reaches it can change the network")
		}
		if err != nil {
			return fmt.Errorf("invalid value %q for flag -%s: %w", a.value, a.name, err)
		}
	}
	if err := o.Conditions.Validate(); err != nil {
		return err
	}
	udpOnly, tcpOnly := []string{"idle-timeout"}, []string{"congestion", "mtu", "max-conns", "pcap"}
	for name := range given {
		if o.network == "udp" && slices.Contains(tcpOnly, name) || o.network == "tcp" && slices.Contains(udpOnly, name) {
			return fmt.Errorf("flag -%s means nothing to -network %s", name, o.network)
		}
	}
	switch {
	case o.network != "tcp" && o.network != "udp":
		return fmt.Errorf("invalid value %q for flag -network: must be tcp or udp", o.network)
	case o.congestion != "cubic" && o.congestion != "reno":
		return fmt.Errorf("invalid value %q for flag -congestion: must be cubic or reno", o.congestion)
	case o.mtu < 576 || o.mtu > 65535:
		return fmt.Errorf("invalid value %d for flag -mtu: must be from 576 to 65535 bytes", o.mtu)
	case o.maxConns < 1 || o.maxConns > 10_000:
		return fmt.Errorf("invalid value %d for flag -max-conns: must be from 1 to 10000", o.maxConns)
	case o.idle <= 0:
		return fmt.Errorf("invalid value %v for flag -idle-timeout: must be more than 0", o.idle)
	case !slices.Contains([]string{"ladder", "summary", "json", "none"}, o.view):
		return fmt.Errorf("invalid value %q for flag -view: must be ladder, summary, json or none", o.view)
	}
	return nil
}
