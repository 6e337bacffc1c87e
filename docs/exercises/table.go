package main

// exercises are all of them, in the order in which they are best done.
var exercises = []exercise{
	{"01-echo", "shout", 15, "echo in capitals", "9f950ca78404"},
	{"03-tcp-reliability", "serial", 10, "compare sequence numbers that wrap", "9e95ca24ccb1"},
	{"03-tcp-reliability", "rto", 30, "estimate the retransmission timeout", "8332824e904e"},
}
