package limits

import (
	"strings"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	good := Settings{MaxConns: 1, IdleTimeout: 0, Grace: 0}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Settings){
		"-max-conns":    func(s *Settings) { s.MaxConns = 0 },
		"-idle-timeout": func(s *Settings) { s.IdleTimeout = -time.Second },
		"-grace":        func(s *Settings) { s.Grace = -time.Second },
	} {
		bad := good
		change(&bad)
		if err := bad.Check(); err == nil || !strings.Contains(err.Error(), "for flag "+name+": ") {
			t.Errorf("a wrong value for %s: %v", name, err)
		}
	}
}
