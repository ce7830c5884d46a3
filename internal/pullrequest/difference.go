package pullrequest

import (
	"fmt"
	"sort"
	"strings"

	"github.com/assaydev/assay/internal/decision"
	"github.com/assaydev/assay/internal/object"
	"github.com/assaydev/assay/internal/object/diff"
)

const (
	largestObject = 1 << 20 // bytes of an object that is compared here at all
	shortestDiff  = 600     // bytes to which a diff is cut before objects are left out
	noteRoom      = 60      // bytes of the longest note under a diff
)

// block is one object's diff, folded.
type block struct {
	head, mark string
	diff       string // whole lines
}

// differences shows as much of the objects as fits into room: all of it, or
// the longest diffs cut to one length, or fewer objects.
func (b Body) differences(room int) string {
	if len(b.Differences) == 0 {
		return ""
	}
	head := "\n### What changes\n\n"
	if b.Outcome == decision.Reject {
		head = "\n### What would have changed\n\n"
	}
	blocks := make([]block, len(b.Differences))
	for i, d := range b.Differences {
		blocks[i] = fold(d)
	}
	room -= len(head)
	if most, ok := longest(blocks, room); ok {
		return head + text(blocks, most)
	}
	shown, note := few(blocks, room)
	if len(note) > room {
		return ""
	}
	if shown == 0 {
		note = strings.TrimPrefix(note, "\n")
	}
	return head + text(blocks[:shown], shortestDiff) + note
}

func fold(d object.Difference) block {
	title, what := d.Key.String(), string(diff.KindOf(d))
	diff, err := diff.Unified(d, largestObject)
	if err != nil {
		return block{head: summary(title, what+", and too large to show")}
	}
	// Without the two lines that name the sides: to Git, "---" ends a message.
	_, diff, _ = strings.Cut(diff, "\n")
	_, diff, _ = strings.Cut(diff, "\n")
	added, removed := 0, 0
	for line := range strings.Lines(diff) {
		switch line[0] {
		case '+':
			added++
		case '-':
			removed++
		}
	}
	diff = visible(diff)
	return block{summary(title, fmt.Sprintf("%s (+%d -%d)", what, added, removed)), fenceMark(diff), diff}
}

const (
	blockEnd = "</details>\n"
	diffInfo = "diff\n"
)

// kept is how much of the diff is shown in at most most bytes of it.
func (b block) kept(most int) int {
	if len(b.diff) <= most {
		return len(b.diff)
	}
	return strings.LastIndexByte(b.diff[:most], '\n') + 1
}

// size is at least that of text.
func (b block) size(most int) int {
	size := len(b.head) + len(blockEnd)
	if b.diff == "" {
		return size
	}
	kept := b.kept(most)
	size += 2*len(b.mark) + len(diffInfo) + kept + len("\n\n")
	if kept < len(b.diff) {
		size += noteRoom
	}
	return size
}

func (b block) text(most int) string {
	if b.diff == "" {
		return b.head + blockEnd
	}
	kept, note := b.kept(most), ""
	if kept < len(b.diff) {
		note = count(strings.Count(b.diff[kept:], "\n"), "more line") + ": run `assay diff`.\n\n"
	}
	return b.head + b.mark + diffInfo + b.diff[:kept] + b.mark + "\n\n" + note + blockEnd
}

func text(blocks []block, most int) string {
	var out strings.Builder
	for _, b := range blocks {
		out.WriteString(b.text(most))
	}
	return out.String()
}

// longest is the length to which all diffs may be cut so that every object
// fits; ok is false where that is too short to be worth it.
func longest(blocks []block, room int) (most int, ok bool) {
	fits := func(most int) bool {
		total := 0
		for _, b := range blocks {
			if total += b.size(most); total > room {
				return false
			}
		}
		return true
	}
	if room >= 0 && fits(room) {
		return room, true
	}
	if !fits(shortestDiff) {
		return 0, false
	}
	over := sort.Search(room, func(n int) bool { return !fits(shortestDiff + n) })
	return shortestDiff + max(over-1, 0), true
}

// few is how many objects fit at the least length, with a note of the others.
func few(blocks []block, room int) (shown int, note string) {
	left := 0
	for _, b := range blocks {
		left += strings.Count(b.diff, "\n")
	}
	used := 0
	for {
		note = "\n" + count(len(blocks)-shown, "more object") + ", " + count(left, "line") + ": run `assay diff`.\n"
		if shown == len(blocks) {
			return shown, ""
		}
		next := blocks[shown]
		if used+next.size(shortestDiff)+len(note) > room {
			return shown, note
		}
		used += next.size(shortestDiff)
		left -= strings.Count(next.diff, "\n")
		shown++
	}
}

func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
