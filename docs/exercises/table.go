package main

// exercises are all of them, in the order in which they are best done.
var exercises = []exercise{
	{"01-echo", "shout", 15, "echo in capitals", "fe3502751972"},
	{"01-echo", "shortreads", 15, "all of a message, though reads are short", "044ff86236e2"},
	{"01-echo", "lines", 30, "a line at a time from a stream", "b235218d76a5"},
	{"01-echo", "halfclose", 30, "say that this is all, and read on", "ebdf94fc9bdb"},
	{"01-echo", "deadline", 20, "give up on a silent peer", "02e9eff98ad6"},
	{"01-echo", "failures", 30, "tell failures apart by their errors", "6520b0d3b89d"},
	{"02-multiconn", "frames", 25, "messages over a stream", "244b90ad5aa8"},
	{"02-multiconn", "atmost", 25, "at most n clients at once", "6c68b44770b0"},
	{"02-multiconn", "forward", 40, "a proxy for one connection", "bc333433f033"},
	{"02-multiconn", "shutdown", 40, "stop a server without losing an echo", "2267c8d9aeeb"},
	{"02-multiconn", "chat", 60, "a chat room with slow members", "77da00ac17ca"},
	{"03-tcp-reliability", "serial", 10, "compare sequence numbers that wrap", "9e95ca24ccb1"},
	{"03-tcp-reliability", "rto", 30, "estimate the retransmission timeout", "8332824e904e"},
	{"03-tcp-reliability", "reassemble", 45, "put segments back in order", "67414a9fe7ce"},
	{"03-tcp-reliability", "predict", 10, "what comes next in a ladder?", "69971633a30e"},
	{"03-tcp-reliability", "stopwait", 40, "a stop-and-wait sender", "b35f69a1f312"},
	{"03-tcp-reliability", "gobackn", 60, "a go-back-N sender", "8a00d33a53ac"},
	{"03-tcp-reliability", "keep", 30, "a receiver that keeps what comes early", "59e1e1a09091"},
	{"03-tcp-reliability", "fastretransmit", 40, "act on three duplicate acknowledgements",
		"f22e93ddbf97"},
	{"03-tcp-reliability", "sack", 50, "send again what is missing, and no more", "e504780add74"},
	{"03-tcp-reliability", "cwnd", 35, "find out what the network can carry", "82ee344d7baa"},
}
