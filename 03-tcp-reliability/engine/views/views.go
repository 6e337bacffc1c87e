// Package views draws a trace: as a ladder, finished or live, as a summary, a
// plot of the congestion window, JSON, and captures.
package views
