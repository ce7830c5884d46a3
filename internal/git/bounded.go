package git

import (
	"bytes"
	"errors"
	"strings"
)

// How much one git command may print, and say on the side: a server decides how
// many refs there are and how it tells of its progress, a repository how many
// files it has.
const (
	mostOutput = 64 << 20
	mostSaid   = 16 << 20
)

// ErrEndless is returned where git prints more than it ever should.
var ErrEndless = errors.New("its answer does not end: more than 64 MiB of output, or 16 MiB of messages")

// bounded keeps what is written to it, up to a limit.
type bounded struct {
	kept bytes.Buffer
	most int
	full func() // called when the limit is passed
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.over || b.kept.Len()+len(p) > b.most {
		if !b.over {
			b.over = true
			b.full()
		}
		return 0, errors.New("too much output")
	}
	return b.kept.Write(p)
}

// keptSaid is how much is kept of both ends of what git says on the side.
const keptSaid = 32 << 10

// tail keeps the first and the last of what is written to it: git says the cause
// at the end, and a server's progress in between may go on forever.
type tail struct {
	first, last []byte
	dropped     bool
	total       int
	full        func() // called when mostSaid is passed
}

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if t.total += n; t.total > mostSaid && t.total-n <= mostSaid {
		t.full()
	}
	room := min(keptSaid-len(t.first), len(p))
	t.first = append(t.first, p[:room]...)
	p = p[room:]
	if len(p) > keptSaid {
		t.dropped, p = true, p[len(p)-keptSaid:]
	}
	t.last = append(t.last, p...)
	// The buffer may grow to twice of what is kept, so that most writes move nothing.
	if over := len(t.last) - keptSaid; over > keptSaid {
		t.dropped = true
		t.last = append(t.last[:0], t.last[over:]...)
	}
	return n, nil
}

// String leaves out the lines that are not whole: a part of a secret would not be
// found in them.
func (t *tail) String() string {
	const ends = "\r\n"
	first, last := string(t.first), string(t.last)
	if !t.dropped {
		return first + last
	}
	return first[:strings.LastIndexAny(first, ends)+1] + "...\n" + last[strings.IndexAny(last, ends)+1:]
}
