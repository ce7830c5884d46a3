package manifest

// What decoding and printing a text takes at most, of memory. A map takes the most: it has
// room for eight entries from the start.
const (
	mapBytes  = 840 // of a mapping with its first entry, and of any further entry
	itemBytes = 320 // of an item of a sequence, and of a sequence
	textBytes = 9   // of each byte of text
)

// Weight is how much memory a YAML or JSON file takes at most while it is decoded, with its
// objects. Every value of it begins at one of the signs that are counted. It is not known of a
// file whose aliases repeat what is there.
func Weight(data []byte) (bytes int64, known bool) {
	var maps, items int64
	for i, c := range data {
		switch c {
		case '{', ':', '?':
			maps++
		case '[', ',':
			items++
		case '-':
			if i+1 == len(data) || data[i+1] == ' ' || data[i+1] == '\n' || data[i+1] == '\r' || data[i+1] == '\t' {
				items++
			}
		}
	}
	return textBytes*int64(len(data)) + mapBytes*maps + itemBytes*items, !mark(data, '*')
}

// sizeOf is how much memory a decoded value takes.
func sizeOf(value any) int64 {
	const slot, header = 16, 48
	switch v := value.(type) {
	case string:
		return slot + int64(len(v))
	case map[string]any:
		// Entries are kept in groups of eight, which are never full.
		size := header + max(8, 2*int64(len(v)))*(2*slot+2)
		for key, item := range v {
			size += int64(len(key)) + sizeOf(item)
		}
		return size
	case []any:
		size := int64(header + slot*cap(v))
		for _, item := range v {
			size += sizeOf(item)
		}
		return size
	}
	return slot
}
