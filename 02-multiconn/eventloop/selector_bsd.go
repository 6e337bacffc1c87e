//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package main

import (
	"syscall"
	"time"
)

// A selector on macOS and the BSDs is a kernel queue (man 2 kqueue). It
// watches pairs of a socket and a filter, so readable and writable are two
// entries of the list and not two bits of one.
type selector struct {
	kq    int
	found [256]syscall.Kevent_t // filled by the kernel
	ready []ready
}

func newSelector() (*selector, error) {
	kq, err := syscall.Kqueue()
	if err == nil {
		syscall.CloseOnExec(kq)
	}
	return &selector{kq: kq}, err
}

func (s *selector) Register(fd int, e events) error { return s.Modify(fd, e) }

func (s *selector) Modify(fd int, e events) error {
	if err := s.change(fd, syscall.EVFILT_READ, e&readable != 0); err != nil {
		return err
	}
	return s.change(fd, syscall.EVFILT_WRITE, e&writable != 0)
}

func (s *selector) Unregister(fd int) error { return s.Modify(fd, 0) }

// change makes sure that the pair is watched, or that it is not.
func (s *selector) change(fd, filter int, on bool) error {
	var change [1]syscall.Kevent_t
	flags := syscall.EV_DELETE
	if on {
		flags = syscall.EV_ADD
	}
	syscall.SetKevent(&change[0], fd, filter, flags)
	_, err := syscall.Kevent(s.kq, change[:], nil, nil)
	if !on && err == syscall.ENOENT {
		return nil // it was not watched
	}
	return err
}

func (s *selector) Select(timeout time.Duration) ([]ready, error) {
	var wait *syscall.Timespec // nil: for ever
	if timeout >= 0 {
		ts := syscall.NsecToTimespec(int64(milliseconds(timeout)) * int64(time.Millisecond))
		wait = &ts
	}
	n, err := syscall.Kevent(s.kq, nil, s.found[:], wait)
	if err == syscall.EINTR {
		n, err = 0, nil // a signal: Ctrl-C is in the pipe now
	} else if err != nil {
		return nil, err
	}
	s.ready = s.ready[:0]
	for _, event := range s.found[:n] {
		e := readable
		if event.Filter == syscall.EVFILT_WRITE {
			e = writable
		}
		s.ready = append(s.ready, ready{int(event.Ident), e})
	}
	return s.ready, nil
}

func (s *selector) Close() error { return syscall.Close(s.kq) }
