package main

import (
	"syscall"
	"time"
)

// A selector on Linux is an epoll instance: a list of sockets that the kernel
// keeps (man 7 epoll). C's poll takes the whole list with each call; here it
// stays in the kernel, and only what is ready comes back.
type selector struct {
	epfd  int
	found [256]syscall.EpollEvent // filled by the kernel
	ready []ready
	busy  bool // the last Select found something
}

func newSelector() (*selector, error) {
	epfd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	return &selector{epfd: epfd}, err
}

func (s *selector) Register(fd int, e events) error {
	return s.control(syscall.EPOLL_CTL_ADD, fd, e)
}

func (s *selector) Modify(fd int, e events) error {
	return s.control(syscall.EPOLL_CTL_MOD, fd, e)
}

func (s *selector) Unregister(fd int) error {
	return s.control(syscall.EPOLL_CTL_DEL, fd, 0)
}

func (s *selector) control(op, fd int, e events) error {
	event := syscall.EpollEvent{Fd: int32(fd)}
	if e&readable != 0 {
		event.Events |= syscall.EPOLLIN
	}
	if e&writable != 0 {
		event.Events |= syscall.EPOLLOUT
	}
	return syscall.EpollCtl(s.epfd, op, fd, &event)
}

func (s *selector) Select(timeout time.Duration) ([]ready, error) {
	wait := milliseconds(timeout)
	if s.busy {
		// More is likely to be there already. Asking without waiting is
		// cheaper, because Go's scheduler need not be told of a long call.
		wait = 0
	}
	for {
		n, err := syscall.EpollWait(s.epfd, s.found[:], wait)
		if err == syscall.EINTR {
			n, err = 0, nil // a signal: Ctrl-C is in the pipe now
		} else if err != nil {
			return nil, err
		}
		s.busy = n > 0
		if n == 0 && wait == 0 && timeout != 0 {
			wait = milliseconds(timeout)
			continue
		}
		s.ready = s.ready[:0]
		for _, event := range s.found[:n] {
			var e events
			if event.Events&(syscall.EPOLLIN|syscall.EPOLLERR|syscall.EPOLLHUP) != 0 {
				e |= readable
			}
			if event.Events&(syscall.EPOLLOUT|syscall.EPOLLERR|syscall.EPOLLHUP) != 0 {
				e |= writable
			}
			s.ready = append(s.ready, ready{int(event.Fd), e})
		}
		return s.ready, nil
	}
}

func (s *selector) Close() error { return syscall.Close(s.epfd) }
