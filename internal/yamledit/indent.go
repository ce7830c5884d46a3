package yamledit

import "go.yaml.in/yaml/v3"

// manner is how a file indents.
type manner struct {
	step int // a mapping in a mapping
	list int // a list in a mapping
}

// survey finds the file's most frequent indentation. Without an example it
// is two spaces for mappings and none for lists, as Kubernetes tools write.
func (f *File) survey() manner {
	var maps, lists [10]int
	for _, d := range f.docs {
		count(d.root, &maps, &lists)
	}
	m := manner{step: most(maps), list: most(lists)}
	if m.step == 0 {
		if m.step = m.list; m.step == 0 {
			m.step = 2
		}
	}
	return m
}

func count(n *yaml.Node, maps, lists *[10]int) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && inBlock(n) && inBlock(c) && !hasProperties(n) && !hasProperties(c) {
			by := min(max(c.Column-n.Column, 0), 9)
			if c.Kind == yaml.MappingNode {
				maps[by]++
			} else {
				lists[by]++
			}
		}
		if c.Kind == yaml.MappingNode || c.Kind == yaml.SequenceNode {
			count(c, maps, lists)
		}
	}
}

func most(counts [10]int) int {
	best := 0
	for by, n := range counts {
		if n > counts[best] {
			best = by
		}
	}
	return best
}
