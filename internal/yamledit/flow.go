package yamledit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// flowGroup removes members from a collection in brackets or braces, and
// adds some.
func (s *splicer) flowGroup(g *group) error {
	n := g.at.node
	if c := s.byteAt(s.content(n)); c != '{' && c != '[' {
		return s.p.f.refuse(n.Line, g.at.path, "a pair without braces in a list; write it in braces")
	}
	all := make([]member, members(n))
	for i := range all {
		var err error
		if all[i], err = s.memberAt(n, i); err != nil {
			return err
		}
	}
	for i := 0; i < len(all); i++ {
		if !g.gone[i] {
			continue
		}
		j := i
		for g.gone[j+1] {
			j++
		}
		s.flowCut(g, all, i, j)
		i = j
	}
	s.flowAdd(g, all)
	return nil
}

// flowCut removes members i to j with one comma.
func (s *splicer) flowCut(g *group, all []member, i, j int) {
	last := j == len(all)-1
	if s.ownLines(all[i].start, all[j].end) && (len(g.added) == 0 || !last) {
		above := s.next(s.content(g.at.node))
		if i > 0 {
			above = s.next(all[i-1].end)
		}
		s.replace(g.at, s.head(all[i].start, above), s.next(all[j].end), "")
		if last && s.byteAt(s.gap(all[j].end)) != ',' {
			if comma := s.gap(all[i-1].end); s.byteAt(comma) == ',' {
				s.replace(g.at, comma, comma+1, "")
			}
		}
		return
	}
	if !last {
		s.replace(g.at, all[i].start, all[j+1].start, "")
		return
	}
	s.replace(g.at, all[i-1].end, all[j].end, s.apart(all[i-1]))
}

// ownLines reports whether lines hold nothing else than members that start and
// end at these offsets, their comma and their comments.
func (s *splicer) ownLines(start, end int) bool {
	if !s.opens(start) {
		return false
	}
	if i := s.spaces(end); s.byteAt(i) == ',' {
		end = i + 1
	}
	return s.comment(end) != "" || s.spaces(end) == s.finish(end)
}

// opens reports whether only spaces and tabs come before offset i in its line.
func (s *splicer) opens(i int) bool { return s.spaces(s.begin(i)) == i }

// apart is what keeps the colon of an entry without value apart from a comma
// or a brace.
func (s *splicer) apart(m member) string {
	if s.byteAt(m.end-1) == ':' {
		return " "
	}
	return ""
}

// flowAdd adds members, on lines of their own where the last member has one.
func (s *splicer) flowAdd(g *group, all []member) {
	in := s.inside(g.at)
	var last []string
	for _, a := range g.added {
		text := flow(a.value, 0, in)
		if g.at.node.Kind == yaml.MappingNode {
			text = flowEntry(a.key, a.value, in)
		}
		if a.before < len(all) {
			start := all[a.before].start
			s.replace(g.at, start, start, text+","+s.separator(start))
			continue
		}
		last = append(last, text)
	}
	if len(last) > 0 {
		s.flowAppend(g, all[len(all)-1], last)
	}
}

// inside is what the places in a flow collection allow.
func (s *splicer) inside(at *site) context {
	in := s.context(&site{node: at.node, up: at})
	in.flow = true
	return in
}

// separator is what comes before a member that starts at offset i: its own
// line, or a space.
func (s *splicer) separator(i int) string {
	if s.opens(i) {
		return s.nl + string(s.data[s.begin(i):i])
	}
	return " "
}

// flowAppend adds members after the last one, and keeps a trailing comma.
func (s *splicer) flowAppend(g *group, last member, texts []string) {
	separator := s.separator(last.start)
	text := separator + strings.Join(texts, ","+separator)
	end := last.end
	if comma := s.gap(end); s.byteAt(comma) == ',' {
		end = comma + 1
		text += ","
	} else {
		s.replace(g.at, end, end, s.apart(last)+",")
	}
	if strings.HasPrefix(separator, s.nl) && (s.comment(end) != "" || s.spaces(end) == s.finish(end)) {
		end = s.finish(end)
	}
	s.replace(g.at, end, end, text)
}
