package main

import (
	"context"
	"errors"
	"io"
)

func (o *options) runUDP(ctx context.Context, shared *sharedNetwork, out io.Writer, log func(string, ...any)) error {
	return errors.New("not yet")
}
