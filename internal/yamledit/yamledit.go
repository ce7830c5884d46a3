// Package yamledit edits YAML in place, by byte spans.
//
//  1. Parse finds the position of every node, of every document, and refuses
//     by name what cannot be edited safely.
//  2. An Edit addresses one node by document and Path. Apply plans what
//     becomes of each node, and turns that into spans of bytes and their
//     replacements.
//  3. Apply splices the spans, parses the result again and compares it, node
//     by node, with what was planned; of a large file only the entries of the
//     root that were edited. Bytes outside the spans never change.
//  4. What anchors, aliases and merge keys repeat is edited where that is proven to
//     change all that was asked for, and nothing else (effect.go).
//
// There is no fallback that encodes a file again.
package yamledit

// Step is one step into a document: a mapping's key, or a list's item.
type Step struct {
	Key   string // a mapping's key, when Field is empty and Index < 0
	Field string // a list: the item whose Field ...
	Value string // ... equals Value
	Index int    // a list: the item at Index; -1 when unused
}

// Key steps into a mapping.
func Key(name string) Step { return Step{Key: name, Index: -1} }

// Item steps into the list item whose field equals value, as in Item("name", "web").
func Item(field, value string) Step { return Step{Field: field, Value: value, Index: -1} }

// Index steps into a list by position, from 0. Prefer Item.
func Index(i int) Step { return Step{Index: i} }

// Path leads from a document's root to a node.
type Path []Step

// Op is what an Edit does.
type Op int

// The operations. Each is explicit: Set never creates, Insert never replaces.
const (
	Set    Op = iota // replace an existing value
	Insert           // add a missing key (last step Key), or a list item before the one at an index, or last (last step Index)
	Delete           // remove an existing key or item with its own comments
)

// Edit is one change to one document. Paths of several edits all address the
// file as it was parsed.
type Edit struct {
	Document int // position in the file, from 0
	Op       Op
	Path     Path
	Value    any // Set, Insert: nil, bool, int, int64, float64, string, []any, map[string]any

	// Shared says that the anchor itself is meant: the edit may change a
	// value that aliases repeat elsewhere, and they change with it.
	Shared bool

	here bool // what an alias or a merge key brings is written out at the path
}
