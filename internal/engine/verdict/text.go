package verdict

// What is of the cluster is cut and put on one line, so that no line of it can be taken
// for a trailer, and no control character gets to a terminal.
const (
	longestWord = 120 // bytes of a name or value that a message repeats
	longestLine = 600 // bytes of a message or of evidence
)
